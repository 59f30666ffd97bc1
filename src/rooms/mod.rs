//! The use cases of rooms that people manage. Nothing here knows HTTP, sockets
//! or a concrete store.
//!
//! | file | what it holds |
//! |---|---|
//! | [`changes`] | memberships that changed before the tokens do |

pub mod changes;

pub use self::changes::MembershipChanges;
