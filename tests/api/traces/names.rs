//! Spans are called as routes are, not as what was asked for.

use reqwest::Method;

use super::{collector::Collector, only, spans_of, traced};
use crate::service::{Answer, until_async};

#[tokio::test(flavor = "multi_thread")]
async fn no_span_has_a_path_or_a_query() {
    let collector = Collector::start();
    let service = traced(&collector, &[]).await;
    let token = service.sign_up("ann").await.access;
    for path in [
        "/rooms/quokka?token=quokka",
        "/rooms/quokka/members?after=quokka",
        "/auth/me?password=quokka",
        "/quokka/quokka?quokka=quokka",
    ] {
        service.get(path, &token).await;
    }
    let brew = Method::from_bytes(b"QUOKKA").unwrap();
    Answer::of(service.request(brew, "/auth/login")).await;
    let spans = spans_of(service, &collector).await;
    let text = collector.text();
    assert!(!text.to_lowercase().contains("quokka"), "{text}");

    only(&spans, "GET /rooms/{room}");
    only(&spans, "GET /rooms/{room}/members");
    only(&spans, "GET /auth/me");
    let unmatched = only(&spans, "GET");
    assert_eq!(unmatched.attribute("http.response.status_code"), "404");
    assert!(!unmatched.attributes.contains_key("http.route"));
    let other = only(&spans, "HTTP /auth/login");
    assert_eq!(other.attribute("http.request.method"), "_OTHER");
    assert_eq!(other.attribute("http.response.status_code"), "405");
    // A client's mistakes are no errors of the server.
    assert!(spans.iter().all(|span| !span.failed), "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_5xx_is_an_error_without_words() {
    let collector = Collector::start();
    let mut service = traced(&collector, &[("APP__SHUTDOWN__DRAIN_DELAY", "1s")]).await;
    service.begin_stop();
    until_async("it drains", async || {
        let ready = service.request(Method::GET, "/readyz");
        Answer::of(ready).await.status == 503
    })
    .await;
    let spans = spans_of(service, &collector).await;
    let failed: Vec<_> = spans.iter().filter(|span| span.failed).collect();
    assert!(!failed.is_empty(), "{spans:#?}");
    for span in failed {
        assert_eq!(span.name, "GET /readyz");
        assert_eq!(span.attribute("error.type"), "503");
        assert_eq!(span.message, "");
    }
}
