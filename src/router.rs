//! All routes of the service, and the document that describes them, from the
//! same lists; and, beside them, that of the sockets.

use std::sync::Arc;

use axum::{Router, extract::State, middleware::from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

use crate::{
    app::App,
    config::{Http, Role},
    http::{
        self,
        instruments::RequestInstruments,
        layers::{self, Observer},
        metrics::Scrape,
        served_document::ServedDocument,
    },
    operations::{Operations, operation},
    readiness::Readiness,
    telemetry::traces::Traces,
    ws::{self, Gateway},
};

/// What a node serves.
#[derive(Debug)]
pub struct Parts {
    /// On every node: whether requests should still come.
    pub readiness: Arc<Readiness>,
    /// With the auth role: the accounts.
    pub app: Option<Arc<App>>,
    /// With the gateway role: the sockets.
    pub gateway: Option<Arc<Gateway>>,
    /// Metrics, if they are served here.
    pub scrape: Option<Scrape>,
    /// What is counted of requests.
    pub requests: RequestInstruments,
    /// Where requests are traced.
    pub traces: Traces,
    // {% if page %}It needs both roles.
    /// Whether it serves the page.
    pub page: bool,
    // {% endif %}Another part has its field here.
}

/// The OpenAPI document of what a node with `roles` serves; needs no server,
/// store or bus.
#[must_use]
pub fn document(roles: &[Role]) -> OpenApi {
    let mut document = http::document::preamble();
    if roles.contains(&Role::Auth) {
        document.merge(http::accounts().into_document());
    }
    document.merge(http::probes().into_document());
    document.merge(this().into_document());
    if roles.contains(&Role::Gateway) {
        document.merge(ws::route::routes().into_document());
        document.merge(that_of_sockets().into_document());
    }
    http::document::finish(&mut document);
    document
}

/// The document as it is committed, with every role, and served.
///
/// # Errors
/// serde_json's, which the document doesn't cause.
pub fn document_json(roles: &[Role]) -> Result<String, serde_json::Error> {
    let mut json = serde_json::to_string_pretty(&document(roles))?;
    json.push('\n');
    Ok(json)
}

fn this() -> Operations<ServedDocument> {
    Operations::new().with(operation!(openapi))
}

fn that_of_sockets() -> Operations<ServedDocument> {
    Operations::new().with(operation!(asyncapi))
}

/// This document
///
/// Of what this node serves, which may be a part of it all.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "documents",
    responses(
        (status = 200, description = "An OpenAPI document", body = HashMap<String, serde_json::Value>, headers(("Cache-Control" = String, description = "`no-cache`: ask again before it is used again"))),
    )
)]
async fn openapi(State(document): State<ServedDocument>) -> ServedDocument {
    document
}

/// The document of the WebSocket
#[utoipa::path(
    get,
    path = "/asyncapi.json",
    operation_id = "asyncapi",
    tag = "documents",
    responses(
        (status = 200, description = "An AsyncAPI document", body = HashMap<String, serde_json::Value>, headers(("Cache-Control" = String, description = "`no-cache`: ask again before it is used again"))),
    )
)]
async fn asyncapi(State(document): State<ServedDocument>) -> ServedDocument {
    document
}

/// The routes of a node with `roles`, with everything that a request passes on
/// its way to them.
pub fn router(roles: &[Role], parts: Parts, http: &Http) -> Router {
    let described = roles.to_owned();
    let described = ServedDocument::new(move || document_json(&described));
    let probes = http::probes().into_router();
    let mut routes = probes
        .with_state::<()>(parts.readiness)
        .merge(this().into_router().with_state(described));
    if let Some(scrape) = parts.scrape {
        routes = routes.merge(http::metrics::routes(scrape));
    }
    #[cfg(feature = "docs")]
    if http.docs {
        routes = routes.merge(http::reference::routes());
    }
    if let Some(app) = parts.app {
        routes = routes.merge(http::accounts().into_router().with_state(app));
    }
    if let Some(gateway) = parts.gateway {
        let described = ServedDocument::new(ws::asyncapi::document_json);
        routes = routes
            .merge(that_of_sockets().into_router().with_state(described))
            .merge(ws::route::routes().into_router().with_state(gateway));
    }
    // {% if page %}What it speaks to is there by now.
    #[cfg(feature = "page")]
    if parts.page {
        routes = routes.merge(http::page::routes());
    }
    // {% endif %}Every request passes these on its way.
    let observer = Observer {
        proxies: Arc::new(http.trusted_proxies.clone()),
        instruments: parts.requests,
        traces: parts.traces,
    };
    routes
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(from_fn_with_state(http.request_timeout, layers::limit_time))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(layers::cors(http.allowed_origins.clone()))
        .layer(from_fn_with_state(observer, layers::observe))
}
