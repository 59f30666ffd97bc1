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

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The routes of rooms.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(manage::create, manage::list))
        .routes(routes!(manage::get, manage::delete))
        .routes(routes!(members::list))
        .routes(routes!(members::put, members::remove))
        .routes(routes!(token::issue))
        .routes(routes!(messages::publish, messages::history))
        .routes(routes!(presence::list))
}
