//! Bad input gets an error with a code and the command's id, and has no effect.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, Person};
use crate::service::{Service, soon};

#[tokio::test]
async fn each_mistake_has_its_code_and_no_effect() {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let long = "x".repeat(65);
    let (code, id) = ("malformed", json!(null));
    for (command, code, id) in [
        ("not JSON".to_owned(), code, id.clone()),
        ("[]".to_owned(), code, id.clone()),
        ("{}".to_owned(), code, id.clone()),
        (r#"{"type":7,"id":"1"}"#.to_owned(), code, id.clone()),
        (r#"{"type":"publish","id":1}"#.to_owned(), code, id.clone()),
        (
            format!(r#"{{"type":"ping","id":"{long}"}}"#),
            code,
            id.clone(),
        ),
        (r#"{"type":"ping","id":""}"#.to_owned(), code, id),
        (
            r#"{"type":"shout","id":"a"}"#.to_owned(),
            "unknown_type",
            json!("a"),
        ),
        (
            r#"{"type":"publish","id":"b"}"#.to_owned(),
            "malformed",
            json!("b"),
        ),
        (
            r#"{"type":"publish","id":"c","room":"a.b","data":1}"#.to_owned(),
            "malformed",
            json!("c"),
        ),
        (
            r#"{"type":"publish","id":"d","room":"lobby","data":"AP8","encoding":"base64"}"#
                .to_owned(),
            "malformed",
            json!("d"),
        ),
        (
            format!(r#"{{"type":"publish","id":"e","room":"lobby","data":1,"key":"{long}"}}"#),
            "malformed",
            json!("e"),
        ),
        (
            r#"{"type":"publish","id":"f","room":"attic","data":1}"#.to_owned(),
            "not_joined",
            json!("f"),
        ),
        (
            r#"{"type":"leave","id":"g","room":"attic"}"#.to_owned(),
            "not_joined",
            json!("g"),
        ),
        (
            r#"{"type":"presence","id":"h","room":"attic"}"#.to_owned(),
            "not_joined",
            json!("h"),
        ),
        (
            r#"{"type":"presence","id":"i","room":"lobby"}"#.to_owned(),
            "presence_off",
            json!("i"),
        ),
        (
            r#"{"type":"join","id":"j","token":"x"}"#.to_owned(),
            "token_refused",
            json!("j"),
        ),
        (
            r#"{"type":"join","id":"k","token":"x","since":"1:2"}"#.to_owned(),
            "malformed",
            json!("k"),
        ),
        (
            r#"{"type":"auth","id":"l","token":""}"#.to_owned(),
            "token_refused",
            json!("l"),
        ),
    ] {
        client.socket.say(&command).await;
        let error = client.expect("error").await;
        assert_eq!(error["code"], code, "{command}");
        assert_eq!(
            error.get("id").cloned().unwrap_or(Value::Null),
            id,
            "{command}"
        );
        assert!(error["detail"].is_string());
        client.hears_nothing().await;
    }
}

#[tokio::test]
async fn ten_mistakes_in_a_row_close_the_socket() {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    for _ in 0..2 {
        for _ in 0..9 {
            assert_eq!(
                client.refused(json!({"type": "shout"})).await,
                "unknown_type"
            );
        }
        // One that is right in between, and the counting begins anew.
        client.done(json!({"type": "ping"})).await;
    }
    for _ in 0..10 {
        assert_eq!(
            client.refused(json!({"type": "shout"})).await,
            "unknown_type"
        );
    }
    assert_eq!(client.closed().await, 4509);
}

#[tokio::test]
async fn a_binary_frame_is_a_mistake() {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let binary = Message::binary(br#"{"type":"ping","id":"1"}"#.to_vec());
    soon(futures_util::SinkExt::send(
        &mut client.socket.stream,
        binary,
    ))
    .await
    .unwrap();
    assert_eq!(client.expect("error").await["code"], "malformed");
}

#[tokio::test]
async fn what_is_not_known_is_ignored() {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let publish = json!({"type": "publish", "room": "lobby", "data": 1, "mood": {"good": true}});
    client.done(publish).await;
    assert_eq!(client.hear("lobby").await, 1);
}

#[tokio::test]
async fn more_messages_a_second_than_allowed_close_the_socket() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "5")]).await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    for _ in 0..20 {
        let _ = futures_util::SinkExt::send(
            &mut client.socket.stream,
            Message::text(r#"{"type":"ping"}"#),
        )
        .await;
    }
    assert_eq!(client.closed().await, 4429);
}

#[tokio::test]
async fn an_offer_names_the_protocol_first_and_the_token_last() {
    let service = Service::start().await;
    let token = Person::new().token("lobby");
    for offer in [
        format!("bearer, rooms.v1, {token}"),
        format!("rooms.v1, {token}"),
        format!("rooms.v1, {token}, bearer"),
        format!("rooms.v2, bearer, {token}"),
        format!("rooms.v1, rooms.v1, bearer, {token}"),
        format!("rooms.v1, bearer, {token}, {token}"),
        "rooms.v1".to_owned(),
    ] {
        let request = crate::socket::request(service.address).with_sub_protocol(offer.clone());
        let refused = crate::socket::Socket::ask(request).await.err();
        refused.expect(&offer).is_problem(403, "token-required");
    }
    for since in ["1", "x:y", "0000000000000000"] {
        let opened = Client::try_open(service.address, &token, &format!("?since={since}")).await;
        opened.err().unwrap().is_problem(400, "malformed-handshake");
    }
}
