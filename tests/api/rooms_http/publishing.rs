//! Say something without a socket: what arrives, and what is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Person, name_in};
use crate::service::{Answer, Service};

#[tokio::test]
async fn what_is_said_over_http_is_heard_by_sockets() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let mut socket = service.socket(&ann.token(&room).await).await;
    let said = bob.says(&room, json!("tea?")).await;
    assert_eq!(said["room"], name_in(&room));
    let at = said["at"].as_str().unwrap();
    assert!(at.parse::<contract::Timestamp>().is_ok(), "{said}");
    assert_eq!(socket.hear().await, "tea?");
    // Of a number and a place, a room has both or neither.
    match said.get("seq") {
        Some(seq) => {
            let position = said["position"].as_str().unwrap();
            assert!(position.ends_with(&format!(":{seq}")), "{said}");
            let next = bob.says(&room, json!("?")).await;
            assert!(next["seq"].as_u64() > seq.as_u64(), "{next}");
        }
        None => assert!(said.get("position").is_none(), "{said}"),
    }
}

#[tokio::test]
async fn ones_own_room_can_be_spoken_in() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let mut socket = service.socket(&ann.access).await;
    let said = ann.says(&ann.own_room(), json!("note to self")).await;
    assert_eq!(said["room"], ann.id());
    assert_eq!(socket.hear().await, "note to self");
}

#[tokio::test]
async fn what_arrives_is_spelled_as_it_was_sent() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let path = format!("{}/messages", ann.own_room());
    let mut socket = service.socket(&ann.access).await;
    let text = |text: &str| Message::text(text);
    for (body, arrives) in [
        (r#"{"data":""}"#, text("")),
        (r#"{"data":"a\u00fc\n\"\ud83d\ude00"}"#, text("aü\n\"😀")),
        (r#"{"data":"{\"a\":1}"}"#, text(r#"{"a":1}"#)),
        (r#"{"data":null}"#, text("null")),
        (r#"{"data":1.50}"#, text("1.50")),
        (r#"{"data":-0.0e-7}"#, text("-0.0e-7")),
        (
            r#"{"data":123456789012345678901234567890}"#,
            text("123456789012345678901234567890"),
        ),
        (
            "{ \"data\" : { \"b\": [ 1,\t2 ],\n\"a\":\"\\u00fc\" } }",
            text("{ \"b\": [ 1,\t2 ],\n\"a\":\"\\u00fc\" }"),
        ),
        (
            r#"{"data":"","encoding":"base64"}"#,
            Message::binary(vec![]),
        ),
        (
            r#"{"encoding":"base64","data":"AJ+Slg=="}"#,
            Message::binary(vec![0, 159, 146, 150]),
        ),
        (r#"{"data":"x","encoding":null}"#, text("x")),
    ] {
        let request = ann.request(Method::POST, &path);
        let said = Answer::of(
            request
                .header("content-type", "application/json")
                .body(body),
        );
        assert_eq!(said.await.status, StatusCode::CREATED, "{body}");
        assert_eq!(socket.next().await, arrives, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_and_heard_by_nobody() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let path = format!("{}/messages", ann.own_room());
    let mut socket = service.socket(&ann.access).await;
    let deep = format!("{{\"data\":{}1{}}}", "[".repeat(101), "]".repeat(101));
    for (body, slug) in [
        ("", "malformed-json"),
        ("{", "malformed-json"),
        (r#"{"data":}"#, "malformed-json"),
        (r#"{"data":01}"#, "malformed-json"),
        (r#"{"data":"a" "b"}"#, "malformed-json"),
        ("{\"data\":\"a\nb\"}", "malformed-json"),
        ("null", "invalid-request"),
        (r#""hello""#, "invalid-request"),
        ("{}", "invalid-request"),
        (r#"{"encoding":"base64"}"#, "invalid-request"),
        (r#"{"data":"a","data":"b"}"#, "invalid-request"),
        (r#"{"data":"a","key":"1"}"#, "invalid-request"),
        (r#"{"data":"\ud800"}"#, "invalid-request"),
        (r#"{"data":"YQ==","encoding":"hex"}"#, "invalid-request"),
        (r#"{"data":"YQ==","encoding":"Base64"}"#, "invalid-request"),
        (
            r#"{"data":"YQ==","encoding":["base64"]}"#,
            "invalid-request",
        ),
        (r#"{"data":"YQ","encoding":"base64"}"#, "invalid-request"),
        (r#"{"data":"_-==","encoding":"base64"}"#, "invalid-request"),
        (
            r#"{"data":["YQ=="],"encoding":"base64"}"#,
            "invalid-request",
        ),
        (&deep, "invalid-request"),
    ] {
        let request = ann.request(Method::POST, &path);
        let refused = Answer::of(
            request
                .header("content-type", "application/json")
                .body(body.to_owned()),
        );
        refused.await.is_problem(400, slug);
    }
    let bytes = b"{\"data\":\"\xff\"}".to_vec();
    let request = ann.request(Method::POST, &path);
    let refused = request
        .header("content-type", "application/json")
        .body(bytes);
    assert_eq!(Answer::of(refused).await.status, StatusCode::BAD_REQUEST);
    let undeclared = ann.request(Method::POST, &path).body(r#"{"data":"a"}"#);
    Answer::of(undeclared)
        .await
        .is_problem(415, "unsupported-media-type");
    socket.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn a_message_is_no_larger_than_on_a_socket() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGE_BYTES", "1000")]).await;
    let ann = Person::new(&service, "ann").await;
    let path = format!("{}/messages", ann.own_room());
    let mut socket = service.socket(&ann.access).await;
    let encode = |bytes: usize| {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(vec![0; bytes])
    };
    let ones = |levels: usize| Value::Array(vec![json!(1); levels]);
    for body in [
        json!({"data": "x".repeat(1000)}),
        json!({"data": encode(1000), "encoding": "base64"}),
        // `[1,1]`: two bytes for each, and one.
        json!({"data": ones(499)}),
    ] {
        let said = ann.post(&path, body).await;
        assert_eq!(said.status, StatusCode::CREATED, "{said:?}");
        assert!(socket.next().await.len() >= 999);
    }
    for body in [
        json!({"data": "x".repeat(1001)}),
        json!({"data": encode(1001), "encoding": "base64"}),
        json!({"data": ones(500)}),
        json!({"data": "x".repeat(70_000)}),
    ] {
        let refused = ann.post(&path, body).await;
        refused.is_problem(413, "body-too-large");
    }
    socket.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn whoever_is_no_speaker_of_a_room_says_nothing() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let eve = Person::new(&service, "eve").await;
    let room = ann.room("Tea").await;
    let path = format!("{room}/messages");
    let mut socket = service.socket(&ann.token(&room).await).await;
    let hello = json!({"data": "hello"});
    eve.post(&path, hello.clone())
        .await
        .is_problem(404, "room-not-found");
    ann.adds(&room, "eve", "reader").await;
    eve.post(&path, hello.clone())
        .await
        .is_problem(403, "not-permitted");
    socket.hears_nothing_but_itself().await;
    let member = format!("{room}/members/eve");
    ann.put(&member, json!({"role": "member"})).await;
    eve.says(&room, json!("hello")).await;
    assert_eq!(socket.hear().await, "hello");
    ann.delete(&member).await;
    eve.post(&path, hello)
        .await
        .is_problem(404, "room-not-found");
    socket.hears_nothing_but_itself().await;
}
