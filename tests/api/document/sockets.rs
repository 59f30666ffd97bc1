//! How a socket is opened and refused stands in the document of HTTP, too.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::contract::Contract;
use crate::{
    mint,
    service::{Answer, Service, soon},
};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A handshake, answered as any other request is.
async fn shake_hands(service: &Service, path: &str, lines: &[(&str, &str)]) -> Answer {
    let mut request = service
        .request(Method::GET, path)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13");
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let response = soon(request.send()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match status {
        StatusCode::SWITCHING_PROTOCOLS => Value::String(String::new()),
        _ => soon(response.json()).await.unwrap(),
    };
    Answer {
        status,
        headers,
        body,
    }
}

#[tokio::test]
async fn how_a_socket_is_opened_and_refused() {
    let service = Service::start().await;
    let contract = Contract::committed();
    let operation = contract.operation("openSocket");
    let token = mint::token(&mint::claims("lobby"));
    let raw = format!("bearer, {token}");
    let rooms = format!("rooms.v1, bearer, {token}");
    let (key, raw) = (
        ("sec-websocket-key", KEY),
        ("sec-websocket-protocol", &*raw),
    );
    let rooms = ("sec-websocket-protocol", &*rooms);

    let plain = Answer::of(operation.request(&service, &[])).await;
    plain.is_problem(426, "upgrade-required");
    operation.assert_describes(&plain);
    for (path, lines, status, slug) in [
        ("/ws", vec![raw], 400, "malformed-handshake"),
        ("/ws?since=1", vec![key, rooms], 400, "malformed-handshake"),
        ("/ws", vec![key], 403, "token-required"),
        (
            "/ws",
            vec![key, raw, ("origin", "http://evil.example")],
            403,
            "origin-not-allowed",
        ),
    ] {
        let answer = shake_hands(&service, path, &lines).await;
        answer.is_problem(status, slug);
        operation.assert_describes(&answer);
    }

    let opened = shake_hands(&service, "/ws", &[key, rooms]).await;
    assert_eq!(opened.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(opened.header("sec-websocket-protocol"), "rooms.v1");
    operation.assert_describes(&opened);

    for (bound, status, slug) in [
        ("APP__WS__MAX_CONNECTIONS", 503, "too-many-sockets"),
        (
            "APP__WS__MAX_CONNECTIONS_PER_USER",
            429,
            "too-many-sockets-of-user",
        ),
        ("APP__LIMITS__CONNECTS_PER_MINUTE", 429, "too-many-requests"),
    ] {
        let full = Service::with(&[(bound, "1")]).await;
        let _first = full.socket(&token).await;
        let answer = shake_hands(&full, "/ws", &[key, raw]).await;
        answer.is_problem(status, slug);
        operation.assert_describes(&answer);
    }
}
