//! The use cases of rooms that people manage. Nothing here knows HTTP, sockets
//! or a concrete store.
//!
//! | file | what it holds |
//! |---|---|
//! | [`message`] | what people say, as JSON carries it |
//! | [`position`] | a place in a room's order, as text |
//! | [`changes`] | memberships that changed before the tokens do |

pub mod changes;
pub mod message;
pub mod position;

pub use self::changes::MembershipChanges;
