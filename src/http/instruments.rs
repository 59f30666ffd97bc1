//! What is counted of requests.

use std::{borrow::Cow, time::Duration};

use axum::{
    extract::MatchedPath,
    http::{Method, StatusCode},
};
use prometheus_client::{encoding::EncodeLabelSet, metrics::family::Family};

use crate::telemetry::metrics::{Counter, Gauge, Histogram, Registry, SECONDS};

/// What no route is for: whatever was asked, it is one.
const UNMATCHED: &str = "unmatched";

/// Folders of files, of which each has a route of its own.
const FILES: &[(&str, &str)] = &[
    ("/docs/", "/docs/{file}"),
    // {% if page %}The page's.
    ("/page/", "/page/{file}"),
    // {% endif %}Another folder has its line here.
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    route: Cow<'static, str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: Cow<'static, str>,
    status: &'static str,
}

/// What is counted of requests. A clone counts in the same ones.
#[derive(Debug, Clone)]
pub struct RequestInstruments {
    answered: Family<Answered, Counter>,
    took: Family<Asked, Histogram>,
    under_way: Gauge,
}

impl Default for RequestInstruments {
    fn default() -> Self {
        Self {
            answered: Family::default(),
            took: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            under_way: Gauge::default(),
        }
    }
}

impl RequestInstruments {
    /// Makes them known.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests that were answered, by method, route and class of status; a handshake that \
             became a socket is 1xx",
            self.answered.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "From a request's head to its answer's head, by method and route",
            self.took.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that wait for their answer",
            self.under_way.clone(),
        );
    }

    /// One more is being answered, until what this returns is dropped.
    pub(super) fn begin(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }

    /// It is answered.
    pub(super) fn answered(
        &self,
        method: &Method,
        route: Option<&MatchedPath>,
        status: StatusCode,
        took: Duration,
    ) {
        let asked = Asked {
            method: known(method).unwrap_or("other"),
            route: match template(route) {
                Some(route) => route.to_owned().into(),
                None => UNMATCHED.into(),
            },
        };
        let took_of = self.took.get_or_create_owned(&asked);
        took_of.observe(took.as_secs_f64());
        let Asked { method, route } = asked;
        let answered = Answered {
            method,
            route,
            status: class(status),
        };
        self.answered.get_or_create_owned(&answered).inc();
    }
}

/// A request that waits for its answer.
pub(super) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Anybody may send any method.
pub(super) fn known(method: &Method) -> Option<&'static str> {
    Some(match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => return None,
    })
}

/// What a matched path is called, of which there are few.
pub(super) fn template(route: Option<&MatchedPath>) -> Option<&str> {
    let route = route?.as_str();
    let folder = FILES.iter().find(|(folder, _)| route.starts_with(folder));
    Some(folder.map_or(route, |(_, template)| template))
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
