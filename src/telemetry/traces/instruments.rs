//! What is counted of traces.

use crate::telemetry::metrics::{Counter, Registry};

/// What is counted of traces, nothing where they are off. A clone counts in the
/// same ones.
#[derive(Debug, Clone, Default)]
pub struct TraceInstruments {
    /// Spans that the collector has taken.
    pub exported: Counter,
    /// Spans that it will never have.
    pub lost: Counter,
}

impl TraceInstruments {
    /// Makes them known.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "trace_spans_exported",
            "Spans that the collector of traces has taken",
            self.exported.clone(),
        );
        registry.register(
            "trace_spans_lost",
            "Spans that were lost, because the collector of traces is down, slow, or refuses them",
            self.lost.clone(),
        );
    }
}
