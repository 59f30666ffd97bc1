//! Traces: which request took how long where, for a collector that speaks OTLP
//! over HTTP.
//!
//! A node records its own, in no global state, so that several nodes in one
//! process don't mix. A request begins a trace; what happens on its behalf finds
//! it in OpenTelemetry's context, which travels with the request's future, so
//! [`child`] needs no handle. Where there is no trace (sampled out, nobody's
//! request, a socket's life) it looks at one thread-local and does nothing else.
//!
//! | file | what it holds |
//! |---|---|
//! | `recording` | [`Traces`], and the spans below a request's |
//! | `server_span` | [`ServerSpan`]: that of a request |
//! | `incoming` | what a caller says of its own trace |
//! | `queue` | spans that have ended, until they are exported |
//! | `collector` | one request to the collector |
//! | `absent` | all of it in a build without the feature `otel`: nothing |
//! | [`instruments`] | what is counted of it |

pub mod instruments;

#[cfg(feature = "otel")]
mod collector;
#[cfg(feature = "otel")]
mod incoming;
#[cfg(feature = "otel")]
mod queue;
#[cfg(feature = "otel")]
mod recording;
#[cfg(feature = "otel")]
mod server_span;
#[cfg(feature = "otel")]
pub use self::{
    recording::{Traces, TracesError, carried, child},
    server_span::ServerSpan,
};

#[cfg(not(feature = "otel"))]
mod absent;
#[cfg(not(feature = "otel"))]
pub use self::absent::{ServerSpan, Traces, TracesError, carried, child};

/// What is known of a request before it is answered.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The method, if it is one that is known.
    pub method: Option<&'static str>,
    /// The matched path, if there is one: `/rooms/{room}`, never what was asked
    /// for, in which names stand, or what somebody put there by mistake.
    pub route: Option<&'a str>,
    /// The request's id, as in the log.
    pub id: &'a str,
    /// Its headers; none of them is recorded.
    pub headers: &'a axum::http::HeaderMap,
}
