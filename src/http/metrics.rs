//! `GET /metrics`: what this node has counted, for Prometheus. It is on the
//! listener of the API, on one of its own, or on none (`metrics.bind`), and so
//! it is not in the API's document.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use super::layers;
use crate::{
    readiness::Readiness,
    telemetry::metrics::{MEDIA_TYPE, Metrics},
};

/// What is asked for them.
#[derive(Debug, Clone)]
pub struct Scrape {
    /// All of a node's.
    pub metrics: Arc<Metrics>,
    /// Asked each time, so that what they say of it is true.
    pub readiness: Arc<Readiness>,
}

/// The one route.
pub fn routes(scrape: Scrape) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(scrape)
}

/// The same alone, for a listener of its own.
pub fn alone(scrape: Scrape) -> Router {
    routes(scrape)
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
}

async fn metrics(State(scrape): State<Scrape>) -> Response {
    scrape.readiness.check().await;
    (
        [
            (header::CONTENT_TYPE, MEDIA_TYPE),
            (header::CACHE_CONTROL, "no-store"),
        ],
        scrape.metrics.render(),
    )
        .into_response()
}
