//! What is said in a room is heard by everybody who sits in it, and by nobody else.

use contract::RoomName;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    mint,
    service::{Service, until},
};

#[tokio::test]
async fn two_sockets_of_one_user_hear_each_other_and_themselves() {
    let service = Service::start().await;
    let tokens = service.sign_up("ann").await;
    let mut phone = service.socket(&tokens.access).await;
    let mut laptop = service.socket(&tokens.access).await;
    phone.say("hello").await;
    assert_eq!(phone.hear().await, "hello");
    assert_eq!(laptop.hear().await, "hello");
    laptop.say("yes?").await;
    assert_eq!(phone.hear().await, "yes?");
}

#[tokio::test]
async fn two_users_share_the_room_that_their_tokens_name() {
    let service = Service::start().await;
    let mut ann = service.socket_in("lobby").await;
    let mut bob = service.socket_in("lobby").await;
    ann.say("hello").await;
    assert_eq!(bob.hear().await, "hello");
}

#[tokio::test]
async fn rooms_do_not_hear_each_other() {
    let service = Service::start().await;
    let ann = service.sign_up("ann").await;
    let bob = service.sign_up("bob").await;
    let mut ann = service.socket(&ann.access).await;
    let mut bob = service.socket(&bob.access).await;
    ann.say("hello").await;
    assert_eq!(ann.hear().await, "hello");
    bob.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn binary_stays_binary_and_empty_stays_empty() {
    let service = Service::start().await;
    let mut ann = service.socket_in("lobby").await;
    let mut bob = service.socket_in("lobby").await;
    for message in [
        Message::binary(vec![0, 159, 146, 150]),
        Message::binary(Vec::new()),
        Message::text(""),
        Message::text("ü".repeat(30_000)),
    ] {
        futures_util::SinkExt::send(&mut ann.stream, message.clone())
            .await
            .unwrap();
        assert_eq!(bob.next().await, message);
    }
}

#[tokio::test]
async fn messages_of_one_sender_arrive_in_their_order() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "100000")]).await;
    let mut ann = service.socket_in("lobby").await;
    let mut bob = service.socket_in("lobby").await;
    for number in 0..1000 {
        ann.say(&number.to_string()).await;
    }
    for number in 0..1000 {
        assert_eq!(bob.hear().await, number.to_string());
    }
}

#[tokio::test]
async fn everybody_hears_one_order() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "100000")]).await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(service.socket_in("lobby").await);
    }
    let talking = sockets
        .into_iter()
        .enumerate()
        .map(|(speaker, mut socket)| {
            tokio::spawn(async move {
                for number in 0..50 {
                    socket.say(&format!("{speaker}:{number}")).await;
                }
                let mut heard = Vec::new();
                for _ in 0..8 * 50 {
                    heard.push(socket.hear().await);
                }
                heard
            })
        });
    let mut orders = Vec::new();
    for order in talking.collect::<Vec<_>>() {
        orders.push(order.await.unwrap());
    }
    assert!(orders.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn whoever_leaves_frees_the_room() {
    let service = Service::start().await;
    let hubs = service.gateway.hubs().clone();
    let sockets = service.gateway.sockets().clone();
    let mut ann = service.socket_in("lobby").await;
    let bob = service.socket_in("lobby").await;
    let carol = service.socket_in("attic").await;
    until("two rooms are open", || {
        hubs.rooms() == 2 && sockets.count() == 3
    })
    .await;
    drop(carol);
    until("the attic is freed", || hubs.rooms() == 1).await;
    drop(bob);
    until("bob is gone", || sockets.count() == 2 - 1).await;
    ann.hears_nothing_but_itself().await;
    soon_closed(&mut ann).await;
    until("nothing is left", || {
        hubs.rooms() == 0 && sockets.count() == 0
    })
    .await;
}

async fn soon_closed(socket: &mut crate::socket::Socket) {
    socket.stream.close(None).await.unwrap();
}

#[tokio::test]
async fn a_sender_need_not_hear_itself() {
    let service = Service::with(&[("APP__WS__ECHO", "false")]).await;
    let mut ann = service.socket_in("lobby").await;
    let mut bob = service.socket_in("lobby").await;
    ann.say("one").await;
    bob.say("two").await;
    assert_eq!(bob.hear().await, "one");
    assert_eq!(ann.hear().await, "two");
}

#[tokio::test]
async fn the_room_of_a_token_must_be_a_room() {
    let service = Service::start().await;
    assert!(RoomName::parse("$control").is_err());
    for room in ["$control", "a.b", "*", "", "a b"] {
        let token = mint::token(&mint::claims(room));
        let refused = crate::socket::Socket::open(service.address, &token)
            .await
            .err()
            .unwrap();
        refused.is_problem(403, "token-required");
    }
}
