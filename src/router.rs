//! All routes of the service, and the document that describes them, from the
//! same lists; and, beside them, that of the sockets.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::header,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    config::{Http, Role},
    http::{self, layers},
    readiness::Readiness,
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
    // {% if page %}It needs both roles.
    /// Whether it serves the page.
    pub page: bool,
    // {% endif %}Another part has its field here.
}

impl Parts {
    fn roles(&self) -> Vec<Role> {
        let auth = self.app.as_ref().map(|_| Role::Auth);
        let gateway = self.gateway.as_ref().map(|_| Role::Gateway);
        auth.into_iter().chain(gateway).collect()
    }
}

/// The OpenAPI document of what a node with `roles` serves; needs no server,
/// store or bus.
#[must_use]
pub fn document(roles: &[Role]) -> OpenApi {
    let mut document = http::document::preamble();
    if roles.contains(&Role::Auth) {
        document.merge(http::accounts().into_openapi());
    }
    document.merge(http::probes().into_openapi());
    document.merge(this().into_openapi());
    if roles.contains(&Role::Gateway) {
        document.merge(ws::route::routes().into_openapi());
        document.merge(that_of_sockets().into_openapi());
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

/// A document as it is sent.
#[derive(Clone)]
struct Text(Bytes);

fn this() -> OpenApiRouter<Text> {
    OpenApiRouter::new().routes(routes!(openapi))
}

fn that_of_sockets() -> OpenApiRouter<Text> {
    OpenApiRouter::new().routes(routes!(asyncapi))
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
async fn openapi(State(Text(document)): State<Text>) -> Response {
    served(document)
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
async fn asyncapi(State(Text(document)): State<Text>) -> Response {
    served(document)
}

fn served(document: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, document).into_response()
}

/// The routes, with everything that a request passes on its way to them.
///
/// # Errors
/// [`document_json`]'s.
pub fn router(parts: Parts, http: &Http) -> Result<Router, serde_json::Error> {
    let (documents, _) = this()
        .with_state::<()>(Text(document_json(&parts.roles())?.into()))
        .split_for_parts();
    let (routes, _) = http::probes()
        .with_state::<()>(parts.readiness)
        .split_for_parts();
    let mut routes = routes.merge(documents);
    #[cfg(feature = "docs")]
    if http.docs {
        routes = routes.merge(http::reference::routes());
    }
    if let Some(app) = parts.app {
        let (accounts, _) = http::accounts().with_state::<()>(app).split_for_parts();
        routes = routes.merge(accounts);
    }
    if let Some(gateway) = parts.gateway {
        let (rooms, _) = ws::route::routes()
            .with_state::<()>(gateway)
            .split_for_parts();
        let (documents, _) = that_of_sockets()
            .with_state::<()>(Text(ws::asyncapi::document_json()?.into()))
            .split_for_parts();
        routes = routes.merge(rooms).merge(documents);
    }
    // {% if page %}What it speaks to is there by now.
    #[cfg(feature = "page")]
    if parts.page {
        routes = routes.merge(http::page::routes());
    }
    // {% endif %}Every request passes these on its way.
    let proxies = Arc::new(http.trusted_proxies.clone());
    Ok(routes
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(from_fn_with_state(http.request_timeout, layers::limit_time))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(layers::cors(http.allowed_origins.clone()))
        .layer(from_fn_with_state(proxies, layers::observe)))
}
