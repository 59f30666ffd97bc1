//! What a caller says of its own trace: W3C Trace Context.

use axum::http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: &str = "traceparent";

/// Length of a `traceparent` of version 00, in bytes; later ones may add to it.
const LENGTH: usize = 55;

/// The span that a request was made in, if its `traceparent` is valid.
pub(super) fn span_context(headers: &HeaderMap) -> Option<SpanContext> {
    let single = Single(headers);
    is_well_formed(single.get(TRACEPARENT)?).then_some(())?;
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &single);
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}

/// The propagator takes ids that are shorter than they may be, and signs.
fn is_well_formed(traceparent: &str) -> bool {
    let bytes = traceparent.as_bytes();
    let fields = bytes.iter().take(LENGTH).enumerate().all(|(i, byte)| {
        if matches!(i, 2 | 35 | 52) {
            *byte == b'-'
        } else {
            matches!(byte, b'0'..=b'9' | b'a'..=b'f')
        }
    });
    let later = !traceparent.starts_with("00") && bytes.get(LENGTH) == Some(&b'-');
    fields && (bytes.len() == LENGTH || later)
}

/// Headers that stand there once: of two it can't be said which is meant.
struct Single<'a>(&'a HeaderMap);

impl Extractor for Single<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none());
        value.and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
