//! What becomes of open sockets, and of tokens that are still valid, when a
//! membership changes.

use reqwest::StatusCode;
use serde_json::json;

use super::Person;
use crate::{service::Service, socket::Socket};

/// The socket ends for good.
async fn is_sent_away(mut socket: Socket) {
    assert_eq!(u16::from(socket.closed().await.code), 4507);
}

async fn is_refused(service: &Service, token: &str) {
    let refused = Socket::open(service.address, token).await.err().unwrap();
    refused.is_problem(403, "token-required");
}

#[tokio::test]
async fn a_removed_member_is_out_and_the_others_stay() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    for role in ["reader", "member", "owner"] {
        ann.adds(&room, "bob", role).await;
        let token = bob.token(&room).await;
        let sockets = [service.socket(&token).await, service.socket(&token).await];
        let mut anns = service.socket(&ann.token(&room).await).await;
        let mut elsewhere = service.socket(&bob.access).await;
        let removed = ann.delete(&format!("{room}/members/bob")).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
        for socket in sockets {
            is_sent_away(socket).await;
        }
        is_refused(&service, &token).await;
        anns.hears_nothing_but_itself().await;
        elsewhere.hears_nothing_but_itself().await;
    }
}

#[tokio::test]
async fn whoever_leaves_is_out() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let token = bob.token(&room).await;
    let socket = service.socket(&token).await;
    bob.delete(&format!("{room}/members/bob")).await;
    is_sent_away(socket).await;
    is_refused(&service, &token).await;
}

#[tokio::test]
async fn a_member_who_becomes_a_reader_says_no_more() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let token = bob.token(&room).await;
    let socket = service.socket(&token).await;
    let path = format!("{room}/members/bob");
    ann.put(&path, json!({"role": "reader"})).await;
    is_sent_away(socket).await;
    // The token from before lets in, to listen.
    let mut listens = service.socket(&token).await;
    ann.says(&room, json!("hello")).await;
    assert_eq!(listens.hear().await, "hello");
    listens.say("hello?").await;
    is_sent_away(listens).await;
}

#[tokio::test]
async fn whoever_may_do_more_stays() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "reader").await;
    let mut socket = service.socket(&bob.token(&room).await).await;
    let path = format!("{room}/members/bob");
    ann.put(&path, json!({"role": "member"})).await;
    let mut speaks = service.socket(&bob.token(&room).await).await;
    speaks.say("hello").await;
    assert_eq!(socket.hear().await, "hello");
    ann.put(&path, json!({"role": "owner"})).await;
    speaks.say("hello again").await;
    assert_eq!(socket.hear().await, "hello again");
}

#[tokio::test]
async fn whoever_is_back_gets_in_with_a_new_token() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let socket = service.socket(&bob.token(&room).await).await;
    ann.delete(&format!("{room}/members/bob")).await;
    is_sent_away(socket).await;
    ann.adds(&room, "bob", "member").await;
    let token = bob.token(&room).await;
    let mut anns = service.socket(&ann.token(&room).await).await;
    // The news comes over the bus, and may come after the answer.
    let mut bobs = loop {
        match Socket::open(service.address, &token).await {
            Ok(socket) => break socket,
            Err(refused) => refused.is_problem(403, "token-required"),
        }
    };
    bobs.say("back").await;
    assert_eq!(anns.hear().await, "back");
}

#[tokio::test]
async fn a_deleted_room_is_left_by_everybody() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "reader").await;
    let tokens = [ann.token(&room).await, bob.token(&room).await];
    let sockets = [
        service.socket(&tokens[0]).await,
        service.socket(&tokens[1]).await,
    ];
    assert_eq!(ann.delete(&room).await.status, StatusCode::NO_CONTENT);
    for socket in sockets {
        is_sent_away(socket).await;
    }
    for token in &tokens {
        is_refused(&service, token).await;
    }
}

#[tokio::test]
async fn a_removal_outlives_a_restart() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let (room, deleted) = (ann.room("Tea").await, ann.room("Cake").await);
    ann.adds(&room, "bob", "member").await;
    let void = [bob.token(&room).await, ann.token(&deleted).await];
    let good = ann.token(&room).await;
    ann.delete(&format!("{room}/members/bob")).await;
    ann.delete(&deleted).await;
    let service = service.restart().await;
    for token in &void {
        is_refused(&service, token).await;
    }
    let mut socket = service.socket(&good).await;
    socket.hears_nothing_but_itself().await;
}
