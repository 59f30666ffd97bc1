//! The configuration, as whoever runs the program meets it: a process in an
//! empty folder, with nothing in its environment but what a test puts there.

// What the tests share may panic as a test may.
#![allow(clippy::unwrap_used)]

mod command_line;
mod layers;
mod mistakes;
mod production;
mod program;
mod roles;
mod secrets;
