//! All routes of the service, and the document that describes them, from the
//! same lists.

use std::sync::Arc;

use axum::{Router, body::Bytes, http::header, middleware::from_fn_with_state, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

use crate::{
    app::App,
    config::Http,
    http::{self, layers},
    ws::{self, Gateway},
};

/// The OpenAPI document of all routes; needs no server, store or bus.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = http::docs::preamble();
    document.merge(http::routes().into_openapi());
    document.merge(ws::route::routes().into_openapi());
    document
}

/// The document as it is committed and served.
///
/// # Errors
/// serde_json's, which the document doesn't cause.
pub fn document_json() -> Result<String, serde_json::Error> {
    let mut json = serde_json::to_string_pretty(&document())?;
    json.push('\n');
    Ok(json)
}

/// The routes, with everything that a request passes on its way to them.
///
/// # Errors
/// [`document_json`]'s.
pub fn router(
    app: Arc<App>,
    gateway: Arc<Gateway>,
    http: &Http,
) -> Result<Router, serde_json::Error> {
    let (accounts, _) = http::routes().with_state::<()>(app).split_for_parts();
    let (rooms, _) = ws::route::routes()
        .with_state::<()>(gateway)
        .split_for_parts();
    let document = Bytes::from(document_json()?);
    let proxies = Arc::new(http.trusted_proxies.clone());
    Ok(accounts
        .merge(rooms)
        .route(
            "/openapi.json",
            get(move || async move {
                let headers = [
                    (header::CONTENT_TYPE, "application/json"),
                    (header::CACHE_CONTROL, "no-cache"),
                ];
                (headers, document)
            }),
        )
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(from_fn_with_state(http.request_timeout, layers::limit_time))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(layers::cors(http.allowed_origins.clone()))
        .layer(from_fn_with_state(proxies, layers::observe)))
}
