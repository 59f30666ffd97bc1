//! What every request passes through: an id, a log line, a time limit, CORS,
//! and an answer even if a handler panics.

use std::{any::Any, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;
use uuid::Uuid;

use super::{caller::Client, client_address::client_address, rooms::IDEMPOTENCY_KEY};
use crate::{
    config::{AllowedOrigins, TrustedProxies},
    problem::{Problem, ProblemType},
};

/// The address that a connection comes from, as the server accepted it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Where a request's id stands: its client's, or the one that it was given.
pub(super) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id of a request that is taken over from the client or its proxy.
const MAX_REQUEST_ID: usize = 64;

/// How long a browser may remember a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

/// Names the request, logs its end, and gives the id back.
///
/// The query is not logged: somebody may have put a token there.
pub async fn observe(
    State(proxies): State<Arc<Option<TrustedProxies>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .filter(|id| is_plain(id))
        .cloned()
        .or_else(|| HeaderValue::try_from(Uuid::new_v4().to_string()).ok());
    let client = request
        .extensions()
        .get::<Peer>()
        .map(|peer| match proxies.as_ref() {
            Some(proxies) => client_address(peer.0, request.headers(), proxies),
            None => peer.0,
        });
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!(
        "request",
        id = id.as_ref().and_then(|id| id.to_str().ok()),
        client = client.map(tracing::field::display),
    );
    if let Some(client) = client {
        request.extensions_mut().insert(Client(client));
    }
    if let Some(id) = &id {
        request.headers_mut().insert(REQUEST_ID.clone(), id.clone());
    }
    let started = std::time::Instant::now();
    async move {
        let mut response = next.run(request).await;
        let status = response.status().as_u16();
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let often = matches!(path.as_str(), "/livez" | "/readyz" | "/health");
        // {% if page %}Its files come by the dozen.
        let often = often || path.starts_with("/page/");
        // {% endif %}Probes come every few seconds, for ever.
        if often {
            tracing::debug!(%method, path, status, milliseconds, "answered");
        } else {
            tracing::info!(%method, path, status, milliseconds, "answered");
        }
        let headers = response.headers_mut();
        if let Some(id) = id {
            headers.insert(REQUEST_ID.clone(), id);
        }
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
    .instrument(span)
    .await
}

/// Whether an id may stand in a log line as it is.
fn is_plain(id: &HeaderValue) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id
            .as_bytes()
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
}

/// Ends a request that takes longer than `limit`, its body's arrival included.
pub async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(ProblemType::RequestTimeout).into_response(),
    }
}

/// CORS for the pages that may also open sockets.
pub fn cors(origins: AllowedOrigins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            origins.allows(origin.as_bytes())
        }))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            IDEMPOTENCY_KEY.clone(),
            REQUEST_ID.clone(),
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            REQUEST_ID.clone(),
        ])
        .max_age(PREFLIGHT_MAX_AGE)
}

/// A handler panicked: a defect, which must not take the connection with it.
#[must_use]
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    // The log has where, from the panic hook; the message may hold input.
    Problem::new(ProblemType::Internal).into_response()
}

/// No such path.
pub async fn not_found() -> Problem {
    Problem::new(ProblemType::NotFound)
}

/// The path has no such method.
pub async fn method_not_allowed() -> Problem {
    Problem::new(ProblemType::MethodNotAllowed)
}
