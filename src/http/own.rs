//! The routes of one's own: what the service does beside accounts and rooms.
//! A handler gets the [`App`] as its state and whoever is signed in as a
//! [`Bearer`](super::bearer::Bearer); what its `utoipa::path` says is in
//! `/openapi.json`. Each route is one line here, and its handler a module.

use std::sync::Arc;

use utoipa::OpenApi;

use crate::{app::App, operations::Operations};

#[derive(OpenApi)]
#[openapi(tags((name = "own", description = "Beside accounts and rooms")))]
struct Own;

/// The routes, none of which is there yet.
pub(super) fn routes() -> Operations<Arc<App>> {
    Operations::beside(Own::openapi)
}
