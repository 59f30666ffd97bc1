//! `rooms.v1`: what its wire format promises.

mod catching_up;
pub mod client;
mod ends;
mod losses;
mod mistakes;
mod mixed;
mod presence;
mod script;
mod seats;
mod storm;
