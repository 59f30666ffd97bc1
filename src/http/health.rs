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
#[schema(examples(json!({"status": "ok", "store": "ok", "bus": "ok"})))]
pub struct HealthResponse {
    /// The node.
    status: NodeStatus,
    /// The store; absent on a node that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    store: Option<PartStatus>,
    /// The bus.
    bus: PartStatus,
}

/// How a node is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeStatus {
    /// It serves.
    Ok,
    /// It is going down.
    Draining,
    /// Something that it needs doesn't answer.
    Failing,
}

/// How something is that a node needs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartStatus {
    /// It answers.
    Ok,
    /// It doesn't.
    Failing,
}

impl PartStatus {
    fn of(ok: bool) -> Self {
        if ok { Self::Ok } else { Self::Failing }
    }
}

async fn answer(readiness: &Readiness) -> Response {
    let health = readiness.check().await;
    let body = HealthResponse {
        status: match (health.draining, health.is_ready()) {
            (true, _) => NodeStatus::Draining,
            (false, true) => NodeStatus::Ok,
            (false, false) => NodeStatus::Failing,
        },
        store: health.store.map(PartStatus::of),
        bus: PartStatus::of(health.bus),
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
        (status = 503, description = "Something is not", body = HealthResponse, example = json!({"status": "failing", "store": "ok", "bus": "failing"})),
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
        (status = 503, description = "Send them elsewhere", body = HealthResponse, example = json!({"status": "draining", "store": "ok", "bus": "ok"})),
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
    responses((status = 200, description = "The process serves requests", body = String, content_type = "text/plain", example = "ok"))
)]
pub async fn livez() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], "ok").into_response()
}
