//! A build without traces: nothing is recorded, and nothing is paid for it. The
//! configuration has refused an endpoint already.

use std::convert::Infallible;

use axum::http::StatusCode;

use super::{Asked, instruments::TraceInstruments};
use crate::config;

/// Why traces can't be recorded: nothing, for none are.
pub type TracesError = Infallible;

/// None.
#[derive(Debug, Clone, Default)]
pub struct Traces;

impl Traces {
    /// None.
    ///
    /// # Errors
    /// None.
    pub fn start(_: &config::Traces, _: &TraceInstruments) -> Result<Self, TracesError> {
        Ok(Self)
    }

    /// Not here.
    #[must_use]
    pub fn are_on(&self) -> bool {
        false
    }

    /// None.
    #[must_use]
    pub fn server_span(&self, _: Asked<'_>) -> ServerSpan {
        ServerSpan
    }

    /// There is nothing to flush.
    pub async fn flush(&self) {}
}

/// None.
#[derive(Debug)]
pub struct ServerSpan;

impl ServerSpan {
    /// None.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        None
    }

    /// The same future.
    pub fn within<F: Future>(&self, future: F) -> F {
        future
    }

    /// Nothing.
    pub fn answered(self, _: StatusCode) {}
}

/// The same future.
pub fn child<F: Future>(
    _: &'static str,
    work: F,
    _: impl FnOnce(&F::Output) -> Option<&'static str>,
) -> F {
    work
}

/// The same future.
pub fn carried<F: Future>(work: F) -> F {
    work
}
