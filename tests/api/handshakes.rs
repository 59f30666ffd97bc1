//! Broken opening handshakes (RFC 6455, section 4.2.1), byte by byte.

use crate::{http_manners::raw, mint, service::Service};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A good handshake but for the lines that are taken out or put in.
fn handshake(without: &[&str], with: &[&str]) -> String {
    let token = mint::token(&mint::claims("lobby"));
    let good = [
        "Host: service".to_owned(),
        "Connection: keep-alive, Upgrade".to_owned(),
        "Upgrade: WebSocket".to_owned(),
        "Sec-WebSocket-Version: 13".to_owned(),
        format!("Sec-WebSocket-Key: {KEY}"),
        format!("Sec-WebSocket-Protocol: bearer, {token}"),
    ];
    let mut request = "GET /ws HTTP/1.1\r\n".to_owned();
    for line in good
        .iter()
        .filter(|line| !without.iter().any(|name| line.starts_with(name)))
    {
        request.push_str(&format!("{line}\r\n"));
    }
    for line in with {
        request.push_str(&format!("{line}\r\n"));
    }
    request.push_str("\r\n");
    request
}

/// A masked close frame with code 1000, so that a good socket ends by itself.
const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

async fn answer_to(service: &Service, request: &str) -> String {
    let mut bytes = request.as_bytes().to_vec();
    if !request.contains("HTTP/1.0") {
        bytes.extend_from_slice(&CLOSE);
    }
    raw(service, &bytes).await
}

#[tokio::test]
async fn a_good_one_is_answered_as_the_standard_says() {
    let service = Service::start().await;
    let answer = answer_to(&service, &handshake(&[], &[]))
        .await
        .to_lowercase();
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    // The accept key of the standard's own example, section 1.3.
    assert!(
        answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("sec-websocket-protocol: bearer\r\n"),
        "{answer}"
    );
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
}

#[tokio::test]
async fn the_offer_may_come_in_several_lines() {
    let service = Service::start().await;
    let token = mint::token(&mint::claims("lobby"));
    let split = handshake(
        &["Sec-WebSocket-Protocol"],
        &[
            "Sec-WebSocket-Protocol: bearer",
            &format!("Sec-WebSocket-Protocol:  {token} "),
        ],
    );
    assert!(
        answer_to(&service, &split)
            .await
            .starts_with("HTTP/1.1 101 ")
    );
}

#[tokio::test]
async fn what_is_no_handshake_is_told_to_upgrade() {
    let service = Service::start().await;
    for request in [
        handshake(&["Upgrade"], &[]),
        handshake(&["Connection"], &["Connection: close"]),
        handshake(&["Upgrade"], &["Upgrade: h2c"]),
    ] {
        let answer = answer_to(&service, &request).await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
        assert!(
            answer.to_lowercase().contains("upgrade: websocket\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn another_version_is_told_which_one_is_spoken() {
    let service = Service::start().await;
    for version in [
        &["Sec-WebSocket-Version: 8"][..],
        &["Sec-WebSocket-Version: 13, 8"],
        &[],
    ] {
        let answer = answer_to(&service, &handshake(&["Sec-WebSocket-Version"], version)).await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
        assert!(
            answer
                .to_lowercase()
                .contains("sec-websocket-version: 13\r\n"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn malformed_ones_are_refused() {
    // Refused, these are ordinary requests, whose connection is kept a while.
    let service = Service::with(&[("APP__HTTP__KEEP_ALIVE", "1s")]).await;
    for request in [
        handshake(&["Sec-WebSocket-Key"], &[]),
        handshake(&["Sec-WebSocket-Key"], &["Sec-WebSocket-Key: "]),
        handshake(&["Sec-WebSocket-Key"], &["Sec-WebSocket-Key: c2hvcnQ="]),
        handshake(
            &["Sec-WebSocket-Key"],
            &["Sec-WebSocket-Key: not base64 at all !!!!=="],
        ),
        handshake(&[], &[&format!("Sec-WebSocket-Key: {KEY}")]),
        handshake(&["Host"], &[]),
        handshake(&[], &["Host: another"]),
        handshake(&[], &["Content-Length: 3"]),
    ] {
        let answer = answer_to(&service, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request}{answer}");
    }
    let old = handshake(&[], &[]).replace("HTTP/1.1", "HTTP/1.0");
    let answer = answer_to(&service, &old).await;
    assert!(
        answer.contains(" 400 ") || answer.contains(" 426 "),
        "{answer}"
    );
    let post = handshake(&[], &[]).replace("GET ", "POST ");
    assert!(
        answer_to(&service, &post)
            .await
            .starts_with("HTTP/1.1 405 ")
    );
}

#[tokio::test]
async fn two_origins_are_none() {
    let service = Service::start().await;
    let origin = "Origin: http://localhost:3000";
    let answer = answer_to(&service, &handshake(&[], &[origin])).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    let answer = answer_to(&service, &handshake(&[], &[origin, origin])).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn what_comes_right_behind_the_handshake_is_not_lost() {
    let service = Service::start().await;
    let mut listener = service.socket_in("lobby").await;
    // "hi", masked with zeros, in the same packet as the handshake.
    let mut bytes = handshake(&[], &[]).into_bytes();
    bytes.extend_from_slice(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
    bytes.extend_from_slice(&CLOSE);
    raw(&service, &bytes).await;
    assert_eq!(listener.hear().await, "hi");
}
