//! One socket sits in many rooms, each by a token.

use serde_json::{Value, json};

use super::client::{Client, Person};
use crate::service::{Service, until};

#[tokio::test]
async fn a_socket_is_welcomed_to_the_room_of_its_token() {
    let service = Service::start().await;
    let ann = Person::new();
    let client = Client::open(service.address, &ann.token("lobby")).await;
    let welcome = &client.welcome;
    assert_eq!(welcome["user"], json!(ann.user));
    assert_eq!(welcome["session"], json!(ann.session));
    assert_eq!(welcome["seat"]["room"], "lobby");
    assert_eq!(welcome["seat"]["grant"], "rw");
    assert_eq!(welcome["seat"]["presence"], false);
    assert_eq!(welcome["seat"].get("recovered"), None);
    assert_eq!(welcome["limits"]["rooms"], 100);
    assert_eq!(welcome["limits"]["message_bytes"], 65536);
    assert_eq!(welcome["heartbeat"]["interval_ms"], 25000);
}

#[tokio::test]
async fn rooms_are_joined_and_left_on_one_socket() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut here = Client::open(service.address, &ann.token("lobby")).await;
    let mut there = Client::open(service.address, &bob.token("attic")).await;
    let seat = here.join(&ann.token("attic")).await;
    assert_eq!(seat["room"], "attic");

    there.publish("attic", "from the attic").await;
    let message = here.expect("message").await;
    assert_eq!(message["room"], "attic");
    assert_eq!(message["data"], "from the attic");
    assert_eq!(message["from"], json!(bob.user));
    assert_eq!(there.hear("attic").await, "from the attic");

    here.publish("lobby", "in the lobby").await;
    assert_eq!(here.hear("lobby").await, "in the lobby");
    there.hears_nothing().await;

    let left = here.done(json!({"type": "leave", "room": "attic"})).await;
    assert_eq!(left["room"], "attic");
    there.publish("attic", "anybody?").await;
    here.hears_nothing().await;
    let refused = here.refused(json!({"type": "publish", "room": "attic", "data": 1}));
    assert_eq!(refused.await, "not_joined");
}

#[tokio::test]
async fn an_ack_has_the_number_that_everybody_hears() {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let mut last = None;
    for i in 0..5 {
        let ack = client.publish("lobby", i).await;
        let message = client.expect("message").await;
        assert_eq!(ack["seq"], message["seq"]);
        let seq = message["seq"].as_u64();
        // Without order there are no numbers at all.
        assert_eq!(
            seq.is_some(),
            client.welcome["seat"].get("position").is_some()
        );
        assert!(last.is_none() || seq > last);
        last = seq;
    }
}

#[tokio::test]
async fn what_is_said_arrives_as_it_was() {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    for data in [
        json!("grüße"),
        json!(""),
        json!(null),
        json!(12.5),
        json!([1, {"a": [true, null]}]),
        json!({"type": "welcome", "text": "\"quoted\"\n"}),
    ] {
        client.publish("lobby", data.clone()).await;
        assert_eq!(client.hear("lobby").await, data);
    }
    let binary = json!({"type": "publish", "room": "lobby", "data": "AP+A", "encoding": "base64"});
    client.done(binary).await;
    let message = client.expect("message").await;
    assert_eq!(
        (&message["data"], &message["encoding"]),
        (&json!("AP+A"), &json!("base64"))
    );
}

#[tokio::test]
async fn a_hundred_rooms_and_no_more() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "1000")]).await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("room-0")).await;
    for i in 1..100 {
        client.join(&ann.token(&format!("room-{i}"))).await;
    }
    let token = ann.token("room-100");
    let refused = client.refused(json!({"type": "join", "token": token}));
    assert_eq!(refused.await, "too_many_rooms");
    client
        .done(json!({"type": "leave", "room": "room-7"}))
        .await;
    client.join(&token).await;
    client.publish("room-100", "made it").await;
    assert_eq!(client.hear("room-100").await, "made it");
    let hubs = service.gateway.hubs().clone();
    assert_eq!(hubs.rooms(), 100);
    drop(client);
    until("all rooms are free", || hubs.rooms() == 0).await;
}

#[tokio::test]
async fn a_seat_that_only_hears_cannot_speak() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let read = |person: &Person| person.token_with("lobby", &json!({"grant": "r"}));
    let mut reader = Client::open(service.address, &read(&ann)).await;
    let mut speaker = Client::open(service.address, &bob.token("lobby")).await;
    let refused = reader.refused(json!({"type": "publish", "room": "lobby", "data": "hi"}));
    assert_eq!(refused.await, "not_permitted");
    speaker.publish("lobby", "hello").await;
    assert_eq!(reader.hear("lobby").await, "hello");
    // A better token is a better seat.
    let seat = reader.join(&ann.token("lobby")).await;
    assert_eq!(seat["grant"], "rw");
    reader.publish("lobby", "thanks").await;
    assert_eq!(speaker.hear("lobby").await, "hello");
    assert_eq!(speaker.hear("lobby").await, "thanks");
}

#[tokio::test]
async fn another_users_or_sessions_token_opens_nothing() {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let elsewhere = Person {
        session: uuid::Uuid::new_v4(),
        ..ann
    };
    for (person, code) in [
        (Person::new(), "other_session"),
        (elsewhere, "other_session"),
    ] {
        for kind in ["join", "auth"] {
            let token = person.token("attic");
            let refused = client.refused(json!({"type": kind, "token": token}));
            assert_eq!(refused.await, code);
        }
    }
    let forged = ann.token("attic") + "x";
    let refused = client.refused(json!({"type": "join", "token": forged}));
    assert_eq!(refused.await, "token_refused");
    let refused = client.refused(json!({"type": "publish", "room": "attic", "data": 1}));
    assert_eq!(refused.await, "not_joined");
}

#[tokio::test]
async fn a_message_with_a_key_is_said_once() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let mut other = Client::open(service.address, &bob.token("lobby")).await;
    let kept = client.welcome["seat"].get("position").is_some();
    let publish = json!({"type": "publish", "room": "lobby", "data": "once", "key": "k-1"});
    let first = client.done(publish.clone()).await;
    let mut again = Client::open(service.address, &ann.token("lobby")).await;
    let second = again.done(publish.clone()).await;
    // Somebody else's key is another key.
    other.done(publish).await;
    other.publish("lobby", "end").await;
    let mut heard: Vec<Value> = Vec::new();
    while heard.last().is_none_or(|last| last != "end") {
        heard.push(other.hear("lobby").await);
    }
    heard.pop();
    if kept {
        assert_eq!(first["seq"], second["seq"]);
        assert_eq!(heard, ["once", "once"]);
    } else {
        assert_eq!(heard, ["once", "once", "once"]);
    }
}
