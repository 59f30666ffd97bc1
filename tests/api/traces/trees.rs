//! What is recorded below a request.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use super::{below, collector::Collector, only, spans_of, traced};
use crate::service::PASSWORD;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_shows_where_its_time_goes() {
    let collector = Collector::start();
    let service = traced(&collector, &[]).await;
    service.register("ann", PASSWORD).await;
    let answer = service.login("ann", PASSWORD).await;
    assert_eq!(answer.status, 200);
    let spans = spans_of(service, &collector).await;

    let login = only(&spans, "POST /auth/login");
    assert_eq!((login.kind, &*login.parent), (SpanKind::Server, ""));
    assert!(!login.failed && login.links.is_empty(), "{login:?}");
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/auth/login"),
        ("http.response.status_code", "200"),
        ("request_id", answer.header("x-request-id")),
    ] {
        assert_eq!(login.attribute(name), value, "{name}");
    }
    assert_eq!(login.attributes.len(), 4, "{login:?}");
    let children = below(&spans, login);
    for child in [
        "accounts.find_by_name",
        "attempts.admit",
        "attempts.succeed",
        "audit.record",
        "password.verify",
        "sessions.open",
    ] {
        assert!(children.iter().any(|name| name == child), "{children:?}");
    }
    for span in &spans {
        assert_eq!(span.resource["service.name"], env!("CARGO_PKG_NAME"));
        assert_eq!(span.resource["service.version"], env!("CARGO_PKG_VERSION"));
        if !span.parent.is_empty() {
            assert_eq!(span.kind, SpanKind::Internal);
            assert!(span.attributes.is_empty(), "{span:?}");
            let parent = spans.iter().find(|parent| parent.id == span.parent);
            assert_eq!(parent.unwrap().trace, span.trace, "{span:?}");
        }
    }
    let register = only(&spans, "POST /auth/register");
    assert_ne!(register.trace, login.trace);
    assert!(below(&spans, register).contains(&"password.hash".to_owned()));
}

/// Work that goes on when its client has gone is in the trace of its request.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_over_http_shows_the_bus() {
    let collector = Collector::start();
    let service = traced(&collector, &[]).await;
    let token = service.sign_up("ann").await.access;
    let made = service
        .post_as(&token, "/rooms", json!({"title": "Tea"}))
        .await;
    let path = format!("/rooms/{}/messages", made.body["room"].as_str().unwrap());
    let said = service
        .post_as(&token, &path, json!({"data": "hello"}))
        .await;
    assert_eq!(said.status, 201);
    assert_eq!(service.get(&path, &token).await.status, 200);
    let spans = spans_of(service, &collector).await;
    let said = below(&spans, only(&spans, "POST /rooms/{room}/messages"));
    assert!(said.contains(&"bus.publish".to_owned()), "{said:?}");
    let read = below(&spans, only(&spans, "GET /rooms/{room}/messages"));
    assert!(read.contains(&"bus.history".to_owned()), "{read:?}");
}

/// However much is said on a socket, it leaves the spans of its handshake.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_shows_its_upgrade_and_nothing_of_its_life() {
    let collector = Collector::start();
    let service = traced(&collector, &[]).await;
    let mut socket = service.socket_in("tea").await;
    for i in 0..50 {
        socket.say(&format!("{i}")).await;
        assert_eq!(socket.hear().await, format!("{i}"));
    }
    let spans = spans_of(service, &collector).await;
    let opened = only(&spans, "GET /ws");
    assert_eq!(opened.attribute("http.response.status_code"), "101");
    assert!(!opened.failed);
    assert_eq!(
        below(&spans, opened),
        ["bus.subscribe", "websocket.upgrade"]
    );
    assert_eq!(spans.len(), 3, "{spans:#?}");
}
