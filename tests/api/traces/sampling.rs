//! What share of requests is traced.

use reqwest::Method;

use super::{collector::Collector, spans_of, traced};
use crate::service::{Answer, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_nothing_exports_nothing() {
    let collector = Collector::start();
    let service = traced(&collector, &[("APP__TRACES__SAMPLE", "0")]).await;
    service.register("ann", PASSWORD).await;
    assert_eq!(service.login("ann", PASSWORD).await.status, 200);
    let linked = service.request(Method::GET, "/livez").header(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    Answer::of(linked).await;
    spans_of(service, &collector).await;
    assert!(collector.requests().is_empty(), "{:?}", collector.text());
}

/// Whole traces, or nothing of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_some_has_whole_traces() {
    let collector = Collector::start();
    let service = traced(&collector, &[("APP__TRACES__SAMPLE", "0.5")]).await;
    const REQUESTS: usize = 200;
    for _ in 0..REQUESTS {
        // It asks the store.
        Answer::of(service.request(Method::GET, "/readyz")).await;
    }
    let spans = spans_of(service, &collector).await;
    let roots = spans.iter().filter(|span| span.parent.is_empty()).count();
    // Fewer than one in 10^20 runs has none, or all.
    assert!((1..REQUESTS).contains(&roots), "{roots}");
    for span in &spans {
        let is_there = spans.iter().any(|parent| parent.id == span.parent);
        assert!(span.parent.is_empty() || is_there, "{span:?}");
    }
}
