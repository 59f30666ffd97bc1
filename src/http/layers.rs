//! What every request passes through: an id, a log line, a time limit, CORS,
//! and an answer even if a handler panics.

use std::{any::Any, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

use super::{
    caller::Client,
    client_address::client_address,
    instruments::{self, RequestInstruments},
    rooms::IDEMPOTENCY_KEY,
};
use crate::{
    config::{AllowedOrigins, TrustedProxies},
    problem::{self, Problem, ProblemType},
    request_id::{self, RequestId},
    telemetry::traces::{Asked, Traces},
};

/// The address that a connection comes from, as the server accepted it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// How long a browser may remember a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3600);

/// What W3C Trace Context adds to a request.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What a browser may do with an answer that says nothing else of itself: not
/// show it as a page, not as a part of one, not hand its address on, not keep it.
const NOTHING: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What [`observe`] works with.
#[derive(Debug, Clone)]
pub struct Observer {
    /// Who is believed about where a request comes from.
    pub proxies: Arc<Option<TrustedProxies>>,
    /// What is counted.
    pub instruments: RequestInstruments,
    /// Where requests are traced.
    pub traces: Traces,
}

/// Names the request, logs, counts and traces it, gives the id back, and tells
/// browsers what they may do with the answer.
///
/// The query is not logged: somebody may have put a token there.
pub async fn observe(
    State(observer): State<Observer>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let client = request
        .extensions()
        .get::<Peer>()
        .map(|peer| match observer.proxies.as_ref() {
            Some(proxies) => client_address(peer.0, request.headers(), proxies),
            None => peer.0,
        });
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!(
        "request",
        id = id.as_str(),
        client = client.map(tracing::field::display),
        // Whoever shows a valid token is named then.
        user = tracing::field::Empty,
        // Only where there is a trace to look at.
        trace_id = tracing::field::Empty,
    );
    if let Some(client) = client {
        request.extensions_mut().insert(Client(client));
    }
    request.extensions_mut().insert(id.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let trace = observer.traces.server_span(Asked {
        method: instruments::known(&method),
        route: instruments::template(route.as_ref()),
        id: id.as_str(),
        headers: request.headers(),
    });
    if let Some(trace_id) = trace.trace_id() {
        span.record("trace_id", tracing::field::display(trace_id));
    }
    let under_way = observer.instruments.begin();
    let started = std::time::Instant::now();
    async move {
        let mut response = trace.within(next.run(request)).await;
        drop(under_way);
        let took = started.elapsed();
        let status = response.status();
        let is_socket = status == StatusCode::SWITCHING_PROTOCOLS;
        let instruments = &observer.instruments;
        instruments.answered(&method, route.as_ref(), status, took);
        trace.answered(status);
        let status = status.as_u16();
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let often = matches!(path.as_str(), "/livez" | "/readyz" | "/health" | "/metrics");
        // {% if page %}Its files come by the dozen.
        let often = often || path.starts_with("/page/");
        // {% endif %}Probes come every few seconds, for ever.
        if often {
            tracing::debug!(%method, path, status, milliseconds, "answered");
        } else {
            tracing::info!(%method, path, status, milliseconds, "answered");
        }
        problem::sign(&mut response, &id);
        let headers = response.headers_mut();
        headers.insert(request_id::HEADER.clone(), id.header());
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if !is_socket {
            allow_nothing_else(headers);
        }
        response
    }
    .instrument(span)
    .await
}

/// Forbids browsers what the answer itself says nothing about.
fn allow_nothing_else(headers: &mut HeaderMap) {
    for (name, value) in NOTHING {
        headers.entry(name).or_insert(value);
    }
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
            request_id::HEADER.clone(),
            // Of pages that are traced themselves; without a word of ours a
            // browser would not ask at all.
            TRACEPARENT,
            TRACESTATE,
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            request_id::HEADER.clone(),
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
