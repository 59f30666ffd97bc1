//! What a caller says of its own trace.

use reqwest::Method;

use super::{
    collector::{Collector, Seen},
    spans_of, traced,
};
use crate::service::Answer;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

/// The spans of one request with those `traceparent` headers.
async fn asked(variables: &[(&str, &str)], traceparents: &[&str]) -> Vec<Seen> {
    let collector = Collector::start();
    let service = traced(&collector, variables).await;
    let mut request = service.request(Method::GET, "/livez");
    for traceparent in traceparents {
        request = request.header("traceparent", *traceparent);
    }
    let request = request.header("tracestate", "vendor=quokka");
    assert_eq!(Answer::of(request).await.status, 200);
    spans_of(service, &collector).await
}

const TRUSTING: &[(&str, &str)] = &[("APP__TRACES__TRUST_INCOMING", "true")];

/// Anybody may send the header, with ids that somebody else has.
#[tokio::test(flavor = "multi_thread")]
async fn a_callers_trace_is_a_link_of_ours() {
    for flags in ["00", "01"] {
        let spans = asked(&[], &[&traceparent(flags)]).await;
        let [span] = &spans[..] else {
            panic!("{spans:#?}")
        };
        assert_ne!(span.trace, TRACE);
        assert_eq!(span.parent, "");
        assert_eq!(span.links, [(TRACE.to_owned(), SPAN.to_owned())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_callers_trace_goes_on() {
    let spans = asked(TRUSTING, &[&traceparent("01")]).await;
    let [span] = &spans[..] else {
        panic!("{spans:#?}")
    };
    assert_eq!((&*span.trace, &*span.parent), (TRACE, SPAN));
    assert!(span.links.is_empty());
    // Its decision, too.
    assert!(asked(TRUSTING, &[&traceparent("00")]).await.is_empty());
    let none = [TRUSTING, &[("APP__TRACES__SAMPLE", "0")]].concat();
    assert_eq!(asked(&none, &[&traceparent("01")]).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_traceparent_is_ignored() {
    let valid = traceparent("01");
    let invalid = [
        "quokka".to_owned(),
        String::new(),
        format!("{valid}-00"),
        format!("{valid}0"),
        valid.to_uppercase(),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-+{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}-{}-01", &SPAN[1..]),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
    ];
    let collector = Collector::start();
    let service = traced(&collector, TRUSTING).await;
    for traceparent in &invalid {
        let request = service.request(Method::GET, "/livez");
        Answer::of(request.header("traceparent", traceparent)).await;
    }
    let twice = service.request(Method::GET, "/livez");
    let twice = twice.header("traceparent", &valid);
    Answer::of(twice.header("traceparent", traceparent("00"))).await;
    // Of a later version, which may say more.
    let later = service.request(Method::GET, "/livez");
    let later = later.header("traceparent", format!("cc-{TRACE}-{SPAN}-01-more"));
    Answer::of(later).await;
    let spans = spans_of(service, &collector).await;
    let (ours, theirs): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.trace != TRACE);
    assert_eq!(theirs.len(), 1, "{theirs:#?}");
    assert_eq!(ours.len(), invalid.len() + 1, "{ours:#?}");
    for span in ours {
        assert!(span.parent.is_empty() && span.links.is_empty(), "{span:?}");
    }
}
