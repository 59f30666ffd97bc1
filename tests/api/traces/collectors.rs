//! Collectors that are down, slow, or refuse: spans are lost, and counted, and
//! nobody notices but the operator.

use reqwest::Method;

use super::{
    collector::{Collector, Manners},
    traced,
};
use crate::{
    metrics::scrape,
    service::{Answer, PASSWORD, Service, until_async},
};

const LOST: &str = "service_trace_spans_lost_total";
const EXPORTED: &str = "service_trace_spans_exported_total";

/// More requests than spans may wait, all of which are answered.
async fn many_ask(service: &Service) {
    for _ in 0..3000 {
        let answer = Answer::of(service.request(Method::GET, "/livez")).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_is_counted() {
    let collector = Collector::start();
    let mut service = traced(&collector, &[]).await;
    service.sign_up("ann").await;
    until_async("spans are counted", async || {
        let exported = scrape(&service).await.value(EXPORTED, &[]);
        // Those that came while it was asked may be there, too.
        exported > 10.0 && collector.spans().len() as f64 >= exported
    })
    .await;
    assert_eq!(scrape(&service).await.value(LOST, &[]), 0.0);
    service.stop().await;
    let [first, ..] = &collector.requests()[..] else {
        panic!("nothing came")
    };
    assert_eq!(first.path, "/v1/traces");
    assert_eq!(first.headers["content-type"], "application/x-protobuf");
    assert!(!first.headers.contains_key("traceparent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_is_no_concern_of_clients() {
    for manners in [Manners::Refuses, Manners::TakesAllButOne] {
        let collector = Collector::with(manners);
        let mut service = traced(&collector, &[]).await;
        service.sign_up("ann").await;
        let takes_some = matches!(manners, Manners::TakesAllButOne);
        until_async("losses are counted", async || {
            let said = scrape(&service).await;
            let exported = said.value(EXPORTED, &[]) > 0.0;
            said.value(LOST, &[]) > 0.0 && exported == takes_some
        })
        .await;
        assert_eq!(service.login("ann", PASSWORD).await.status, 200);
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_is_no_concern_of_clients() {
    // Nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let endpoint = format!("http://{address}/v1/traces");
    let mut service = Service::with(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint)]).await;
    service.sign_up("ann").await;
    until_async("losses are counted", async || {
        scrape(&service).await.value(LOST, &[]) > 10.0
    })
    .await;
    assert_eq!(scrape(&service).await.value(EXPORTED, &[]), 0.0);
    service.stop().await;
}

/// What waits is bounded, and nothing waits for what doesn't fit.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_is_no_concern_of_clients() {
    let collector = Collector::with(Manners::Hangs);
    let mut service = traced(&collector, &[]).await;
    service.sign_up("ann").await;
    // It has got something, and won't answer.
    collector.wait_for("a request comes", |spans| !spans.is_empty());
    many_ask(&service).await;
    let said = scrape(&service).await;
    assert!(said.value(LOST, &[]) > 0.0);
    assert_eq!(said.value(EXPORTED, &[]), 0.0);
    service.stop().await;
}
