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

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, readiness::Readiness};

/// The routes of accounts, of the rooms that they manage, and of one's own.
pub fn accounts() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(auth::register))
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::change_password))
        .routes(routes!(auth::me))
        .routes(routes!(second_factor::add))
        .routes(routes!(second_factor::confirm))
        .routes(routes!(second_factor::remove))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(keys::jwks))
        .merge(rooms::routes())
        .merge(own::routes())
}

/// The routes of every node.
pub fn probes() -> OpenApiRouter<Arc<Readiness>> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
}
