//! Probes: alive, ready, and why not.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::readiness::Readiness;

/// What a node says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthResponse {
    /// `ok`, `draining` or `failing`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The store: `ok` or `failing`; absent on a node that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "ok")]
    store: Option<&'static str>,
    /// The bus: `ok` or `failing`.
    #[schema(example = "ok")]
    bus: &'static str,
}

fn word(ok: bool) -> &'static str {
    if ok { "ok" } else { "failing" }
}

async fn answer(readiness: &Readiness) -> Response {
    let health = readiness.check().await;
    let body = HealthResponse {
        status: if health.draining {
            "draining"
        } else {
            word(health.is_ready())
        },
        store: health.store.map(word),
        bus: word(health.bus),
    };
    let status = if health.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        [(header::CACHE_CONTROL, "no-store")],
        axum::Json(body),
    )
        .into_response()
}

/// Health, for people
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "health",
    responses(
        (status = 200, description = "All is well", body = HealthResponse),
        (status = 503, description = "Something is not", body = HealthResponse),
    )
)]
pub async fn health(State(readiness): State<Arc<Readiness>>) -> Response {
    answer(&readiness).await
}

/// Ready, for load balancers: send requests here
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    tag = "health",
    responses(
        (status = 200, description = "Send requests here", body = HealthResponse),
        (status = 503, description = "Send them elsewhere", body = HealthResponse),
    )
)]
pub async fn readyz(State(readiness): State<Arc<Readiness>>) -> Response {
    answer(&readiness).await
}

/// Alive, for supervisors: don't restart this
///
/// Asks nothing of the store or the bus: restarting a node mends neither.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "live",
    tag = "health",
    responses((status = 200, description = "The process serves requests", body = String, content_type = "text/plain"))
)]
pub async fn livez() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok").into_response()
}
