//! Rooms that people manage. A room that one isn't in gets the answers of one
//! that doesn't exist.
//!
//! | file | what it holds |
//! |---|---|
//! | [`manage`] | make, list, see and delete rooms |
//! | [`members`] | list, add, change and remove members |
//! | [`token`] | a token for a room |
//! | [`messages`] | say something, and read what was said |
//! | [`presence`] | who is there |
//! | `parts` | paths and headers that several operations take, and how long a page is |
//! | [`schema`] | names of domain values, for the document |

pub mod manage;
pub mod members;
pub mod messages;
mod parts;
pub mod presence;
pub mod schema;
pub mod token;

use std::sync::Arc;

pub(super) use self::parts::IDEMPOTENCY_KEY;

use crate::{
    app::App,
    operations::{Operations, operation},
};

/// The routes of rooms.
pub(super) fn routes() -> Operations<Arc<App>> {
    Operations::new()
        .with(operation!(manage::create))
        .with(operation!(manage::list))
        .with(operation!(manage::get))
        .with(operation!(manage::delete))
        .with(operation!(members::list))
        .with(operation!(members::put))
        .with(operation!(members::remove))
        .with(operation!(token::issue))
        .with(operation!(messages::publish))
        .with(operation!(messages::history))
        .with(operation!(presence::list))
}
