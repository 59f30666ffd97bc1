//! Traces: what is recorded of a request, whose trace it is in, and that nothing
//! waits for a collector. The collector is a stub on the loopback interface.

#[allow(dead_code, reason = "the tests of the process use another part of it")]
pub mod collector;

mod collectors;
mod incoming;
mod names;
mod sampling;
mod trees;

use self::collector::{Collector, Seen};
use crate::service::Service;

/// A service that is traced, with environment variables.
async fn traced(collector: &Collector, variables: &[(&str, &str)]) -> Service {
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.endpoint)];
    Service::with(&[&endpoint, variables].concat()).await
}

/// Stops a service; all that it recorded.
async fn spans_of(mut service: Service, collector: &Collector) -> Vec<Seen> {
    service.stop().await;
    collector.spans()
}

/// The only one of that name.
#[track_caller]
fn only<'a>(spans: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = spans.iter().filter(|span| span.name == name);
    match (found.next(), found.next()) {
        (Some(span), None) => span,
        _ => panic!("not one {name}: {spans:#?}"),
    }
}

/// The names of what is right below a span, in order.
fn below(spans: &[Seen], parent: &Seen) -> Vec<String> {
    let children = spans.iter().filter(|span| span.parent == parent.id);
    let mut names: Vec<String> = children.map(|span| span.name.clone()).collect();
    names.sort();
    names
}
