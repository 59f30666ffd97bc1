//! Tokens end, and are renewed on the socket; sessions end.

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, Person};
use crate::{
    mint,
    service::{Service, soon},
};

fn ends_in(seconds: i64) -> serde_json::Value {
    json!({"exp": mint::now() + seconds})
}

#[tokio::test]
async fn whoever_is_told_in_time_and_renews_stays() {
    let service = Service::start().await;
    let ann = Person::new();
    let soon = ann.token_with("lobby", &ends_in(3));
    let mut client = Client::open(service.address, &soon).await;
    let (socket, seat) = (
        client.expect("expiring").await,
        client.expect("expiring").await,
    );
    assert_eq!(socket.get("room"), None);
    assert_eq!(seat["room"], "lobby");
    assert_eq!(socket["expires_at"], client.welcome["expires_at"]);

    let ack = client
        .done(json!({"type": "auth", "token": ann.token("lobby")}))
        .await;
    assert!(ack["expires_at"].as_str() > socket["expires_at"].as_str());
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    client.publish("lobby", "still here").await;
    assert_eq!(client.hear("lobby").await, "still here");
}

#[tokio::test]
async fn whoever_does_not_renew_is_closed() {
    let service = Service::start().await;
    let ann = Person::new();
    let soon = ann.token_with("lobby", &ends_in(2));
    let mut client = Client::open(service.address, &soon).await;
    let somebody_else = Person::new().token("lobby");
    let refused = client
        .ask(json!({"type": "auth", "token": somebody_else}))
        .await;
    assert_eq!(refused["code"], "other_session");
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn a_seat_ends_with_its_token_and_the_socket_stays() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let mut other = Client::open(service.address, &bob.token("attic")).await;
    client.join(&ann.token_with("attic", &ends_in(2))).await;
    assert_eq!(client.expect("expiring").await["room"], "attic");
    let ended = client.expect("error").await;
    assert_eq!(
        (&ended["code"], &ended["room"]),
        (&json!("seat_expired"), &json!("attic"))
    );
    other.publish("attic", "anybody?").await;
    assert_eq!(other.hear("attic").await, "anybody?");
    client.hears_nothing().await;

    // Renewed in time, it stays.
    client.join(&ann.token_with("attic", &ends_in(2))).await;
    assert_eq!(client.expect("expiring").await["room"], "attic");
    client.join(&ann.token("attic")).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    other.publish("attic", "still there?").await;
    assert_eq!(client.hear("attic").await, "still there?");
}

#[tokio::test]
async fn a_room_token_lets_the_socket_live_on_too() {
    let service = Service::start().await;
    let ann = Person::new();
    let soon = ann.token_with("lobby", &ends_in(2));
    let mut client = Client::open(service.address, &soon).await;
    client.join(&ann.token("attic")).await;
    let ended = loop {
        let event = client.event().await;
        if event["type"] != "expiring" {
            break event;
        }
    };
    assert_eq!(
        (&ended["code"], &ended["room"]),
        (&json!("seat_expired"), &json!("lobby"))
    );
    client.publish("attic", "alone").await;
    assert_eq!(client.hear("attic").await, "alone");
}

#[tokio::test]
async fn the_end_of_the_session_is_the_end_of_every_seat() {
    let service = Service::start().await;
    let tokens = service.sign_up("ann").await;
    let mut client = Client::open(service.address, &tokens.access).await;
    let logout = service
        .post_as(&tokens.access, "/auth/logout", json!({}))
        .await;
    assert_eq!(logout.status, 204);
    assert_eq!(client.closed().await, 4503);
}

/// Says something in the lobby and then another frame, in one write; whether
/// what was said is acknowledged before the end.
async fn is_acknowledged_before_the_end(then: Message) -> bool {
    let service = Service::start().await;
    let ann = Person::new();
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let publish = json!({"type": "publish", "id": "last", "room": "lobby", "data": "bye"});
    let stream = &mut client.socket.stream;
    soon(stream.feed(Message::text(publish.to_string())))
        .await
        .unwrap();
    soon(stream.feed(then)).await.unwrap();
    soon(stream.flush()).await.unwrap();
    let mut acknowledged = false;
    while let Some(Ok(message)) = soon(stream.next()).await {
        if let Message::Text(text) = message {
            let event: serde_json::Value = serde_json::from_str(&text).unwrap();
            acknowledged |= event["type"] == "ack" && event["id"] == "last";
        }
    }
    acknowledged
}

#[tokio::test]
async fn what_was_said_is_acknowledged_however_the_socket_ends() {
    for then in [
        Message::Close(None),
        Message::text("x".repeat(64 * 1024 + 1)),
        Message::binary(vec![0; 64 * 1024 + 1]),
    ] {
        assert!(is_acknowledged_before_the_end(then).await);
    }
}
