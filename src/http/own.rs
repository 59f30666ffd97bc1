//! The routes of one's own: what the service does beside accounts and rooms.
//! A handler gets the [`App`] as its state and whoever is signed in as a
//! [`Bearer`](super::bearer::Bearer); what its `utoipa::path` says is in
//! `/openapi.json`. Each route is one line here, and its handler a module.

use std::sync::Arc;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

#[derive(OpenApi)]
#[openapi(tags((name = "own", description = "Beside accounts and rooms")))]
struct Own;

/// The routes, none of which is there yet.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Own::openapi())
}
