//! Traces of the binary: what is left is exported at the end, and the log leads
//! to them.

use rustix::process::Signal;
use serde_json::Value;
use test_servers::Place;

use crate::{
    collector::{Collector, Manners},
    process::Process,
    secrets,
};

/// A login whose hash can't be read, and then a store that doesn't answer, are
/// in the traces of a node, which say no more of them.
#[track_caller]
pub fn have_failures(place: &Place) {
    let spans = secrets::traces_of(place);
    let failed: Vec<_> = spans.iter().filter(|span| span.failed).collect();
    for (name, kind) in [
        ("POST /auth/login", "500"),
        ("POST /auth/login", "503"),
        ("attempts.admit", "unavailable"),
    ] {
        let mut named = failed.iter().filter(|span| span.name == name);
        let is_there = named.any(|span| span.attribute("error.type") == kind);
        assert!(is_there, "{name}, {kind}: {failed:#?}");
    }
    assert!(failed.iter().all(|span| span.message.is_empty()));
}

fn start(variables: &[(&str, &str)]) -> Process {
    let cheap = [
        ("APP__LOG__FORMAT", "json"),
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
        ("APP__PASSWORDS__ITERATIONS", "1"),
    ];
    Process::start(&[&cheap, variables].concat())
}

/// The lines that say how requests were answered.
fn answered(log: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["message"] == "answered")
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_exports_what_is_left_and_the_log_leads_there() {
    let collector = Collector::start();
    let place = Place::new();
    let headers = place.path().join("headers");
    std::fs::write(&headers, "authorization=Bearer%20quokka,x-scope=rooms\n").unwrap();
    let mut service = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS_FILE", headers.to_str().unwrap()),
    ]);
    service.credentials("/auth/register", "ann").await.unwrap();
    let login = service.credentials("/auth/login", "ann").await.unwrap();
    assert_eq!(login.0, 200);
    service.signal(Signal::TERM);
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");

    let spans = collector.spans();
    for line in answered(&log) {
        let id = line["span"]["id"].as_str().unwrap();
        let span = spans.iter().find(|span| span.attribute("request_id") == id);
        let span = span.unwrap_or_else(|| panic!("{id} was not exported: {spans:#?}"));
        assert_eq!(line["span"]["trace_id"], *span.trace, "{line}");
    }
    assert_eq!(answered(&log).len(), 2, "{log}");
    for request in collector.requests() {
        assert_eq!(request.headers["authorization"], "Bearer quokka");
        assert_eq!(request.headers["x-scope"], "rooms");
    }
    assert!(!log.contains("quokka"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trace_the_log_leads_nowhere() {
    let collector = Collector::start();
    let mut service = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
        ("APP__TRACES__SAMPLE", "0"),
    ]);
    service.credentials("/auth/register", "ann").await.unwrap();
    service.signal(Signal::TERM);
    let (_, log) = service.wait();
    assert_eq!(answered(&log).len(), 1, "{log}");
    assert!(!log.contains("trace_id"), "{log}");
    assert!(collector.requests().is_empty());
}

/// One that never answers keeps nobody from ending.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_does_not_hold_the_end_up() {
    let collector = Collector::with(Manners::Hangs);
    let mut service = start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)]);
    assert_eq!(service.get("/livez").await.unwrap(), 200);
    service.signal(Signal::TERM);
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("the last spans are lost"), "{log}");
    // It went to the collector, and not the way of the deadline.
    assert!(!log.contains("the deadline has come"), "{log}");
    assert_eq!(collector.requests().len(), 1);
}

/// One that is down may be so for days.
#[tokio::test(flavor = "multi_thread")]
async fn losses_are_logged_now_and_then() {
    let collector = Collector::with(Manners::Refuses);
    let mut service = start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)]);
    for refused in 1..=3 {
        assert_eq!(service.get("/livez").await.unwrap(), 200);
        collector.wait_for("it is refused again", |_| {
            collector.requests().len() >= refused
        });
    }
    service.signal(Signal::TERM);
    let (_, log) = service.wait();
    let lost = "traces are incomplete: spans are lost";
    assert_eq!(log.matches(lost).count(), 1, "{log}");
    assert!(log.contains("it answers 429"), "{log}");
}
