//! Raw and `rooms.v1` sockets in one room hear each other.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, Person};
use crate::service::{Service, soon};

#[tokio::test]
async fn each_hears_in_its_own_format() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut rooms = Client::open(service.address, &ann.token("lobby")).await;
    let mut raw = service.socket(&bob.token("lobby")).await;

    raw.say("from raw").await;
    assert_eq!(raw.hear().await, "from raw");
    let message = rooms.expect("message").await;
    assert_eq!(message["data"], "from raw");
    assert_eq!(message["from"], json!(bob.user));

    let binary = Message::binary(vec![0, 255]);
    soon(futures_util::SinkExt::send(&mut raw.stream, binary.clone()))
        .await
        .unwrap();
    assert_eq!(raw.next().await, binary);
    let message = rooms.expect("message").await;
    assert_eq!(
        (&message["data"], &message["encoding"]),
        (&json!("AP8="), &json!("base64"))
    );

    rooms.publish("lobby", "a text").await;
    assert_eq!(raw.hear().await, "a text");
    // As it was spelled, not as somebody else would spell it.
    rooms
        .socket
        .say(r#"{"type":"publish","room":"lobby","data":{ "n": 1.50 }}"#)
        .await;
    assert_eq!(raw.hear().await, r#"{ "n": 1.50 }"#);
    let sent = json!({"type": "publish", "room": "lobby", "data": "AP8=", "encoding": "base64"});
    rooms.send(&sent).await;
    assert_eq!(raw.next().await, binary);
}

#[tokio::test]
async fn whoever_wants_no_echo_hears_the_others_alone() {
    let service = Service::with(&[("APP__WS__ECHO", "false")]).await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut rooms = Client::open(service.address, &ann.token("lobby")).await;
    let mut raw = service.socket(&bob.token("lobby")).await;
    rooms.publish("lobby", 1).await;
    raw.say("2").await;
    rooms.publish("lobby", 3).await;
    assert_eq!(raw.hear().await, "1");
    assert_eq!(raw.hear().await, "3");
    assert_eq!(rooms.hear("lobby").await, "2");
    rooms.hears_nothing().await;
}
