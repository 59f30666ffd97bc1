//! The HTTP API: routes and their OpenAPI description from one list.
//!
//! | file | what it holds |
//! |---|---|
//! | [`auth`] | register, login, refresh, logout, password, me |
//! | [`second_factor`] | an authenticator app of one's own account |
//! | [`sessions`] | list and end sessions |
//! | [`rooms`] | rooms that people manage, their members, tokens and messages |
//! | `own` | the routes of one's own: the place to add one |
//! | [`health`] | `/health`, `/livez`, `/readyz` |
//! | [`keys`] | `/.well-known/jwks.json` |
//! | [`document`] | what the OpenAPI document says beside the routes |
//! | [`served_document`] | that document, and another, as they are served |
//! | [`json`] | JSON bodies in, bounded and strict |
//! | [`query`] | queries in, strict |
//! | [`bearer`] | the access token of a request |
//! | `admitted` | requests that their client may send so often |
//! | `caller` | who sends a request, for the use cases |
//! | [`client_address`] | who sent a request, behind trusted proxies |
//! | `errors` | a use case's error becomes a problem |
//! | `uninterrupted` | work that must not stop half-way because its client has gone |
//! | `reference` | `/docs`, on which the document's operations can be tried |
//! | `files` | those that are compiled in, as they are served |
//! | [`metrics`] | `/metrics` |
//! | [`instruments`] | what is counted of requests |
//! | [`layers`] | what every request passes: ids, logs, timeouts, CORS, panics |

// {% if page %}The page at `/`, and files as both it and the reference have them.
#[cfg(any(feature = "docs", feature = "page"))]
mod files;
#[cfg(feature = "page")]
pub mod page;

// {% else %}Files as the reference has them.{{ newline }}#[cfg(feature = "docs")]{{ newline }}mod files;{{ newline }}{{ newline }}// {% endif %}What every build has.
mod admitted;
pub mod auth;
pub mod bearer;
mod caller;
pub mod client_address;
pub mod document;
mod errors;
pub mod health;
pub mod instruments;
pub mod json;
pub mod keys;
pub mod layers;
pub mod metrics;
mod own;
pub mod query;
#[cfg(feature = "docs")]
pub mod reference;
pub mod rooms;
pub mod second_factor;
pub mod served_document;
pub mod sessions;
mod uninterrupted;

use std::sync::Arc;

use crate::{
    app::App,
    operations::{Operations, operation},
    readiness::Readiness,
};

/// The routes of accounts, of the rooms that they manage, and of one's own.
pub fn accounts() -> Operations<Arc<App>> {
    Operations::new()
        .with(operation!(auth::register))
        .with(operation!(auth::login))
        .with(operation!(auth::refresh))
        .with(operation!(auth::logout))
        .with(operation!(auth::change_password))
        .with(operation!(auth::me))
        .with(operation!(second_factor::add))
        .with(operation!(second_factor::confirm))
        .with(operation!(second_factor::remove))
        .with(operation!(sessions::list))
        .with(operation!(sessions::end))
        .with(operation!(keys::jwks))
        .merge(rooms::routes())
        .merge(own::routes())
}

/// The routes of every node.
pub fn probes() -> Operations<Arc<Readiness>> {
    Operations::new()
        .with(operation!(health::health))
        .with(operation!(health::livez))
        .with(operation!(health::readyz))
}
