//! Rooms that tell who is there.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::client::{Client, Person};
use crate::service::Service;

fn token(person: &Person) -> String {
    person.token_with("lobby", &json!({"presence": true}))
}

/// Who is there, as the client is told by what comes, once `is` holds.
async fn until_there(client: &mut Client, there: &mut HashSet<Value>, expected: &[&Person]) {
    let expected: HashSet<Value> = expected.iter().map(|person| json!(person.user)).collect();
    while *there != expected {
        let news = client.expect("presence").await;
        assert_eq!(news["room"], "lobby");
        for user in news["joined"].as_array().into_iter().flatten() {
            there.insert(user.clone());
        }
        for user in news["left"].as_array().into_iter().flatten() {
            assert!(there.remove(user), "{news}");
        }
    }
}

#[tokio::test]
async fn people_come_and_go_once_however_many_sockets_they_have() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut client = Client::open(service.address, &token(&ann)).await;
    assert_eq!(client.welcome["seat"]["presence"], true);
    let mut there = HashSet::new();
    until_there(&mut client, &mut there, &[&ann]).await;

    let first = Client::open(service.address, &token(&bob)).await;
    until_there(&mut client, &mut there, &[&ann, &bob]).await;
    // A raw socket is somebody too, and bob is there already.
    let second = service.socket(&token(&bob)).await;
    let carl = Person::new();
    let third = Client::open(service.address, &token(&carl)).await;
    until_there(&mut client, &mut there, &[&ann, &bob, &carl]).await;

    let answer = client
        .ask(json!({"type": "presence", "room": "lobby"}))
        .await;
    let users: HashSet<Value> = answer["users"]
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .collect();
    assert_eq!(users, there);

    drop(first);
    drop(third);
    until_there(&mut client, &mut there, &[&ann, &bob]).await;
    drop(second);
    until_there(&mut client, &mut there, &[&ann]).await;
}

#[tokio::test]
async fn leaving_a_room_is_leaving_its_presence() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut client = Client::open(service.address, &token(&ann)).await;
    let mut there = HashSet::new();
    let mut other = Client::open(service.address, &bob.token("attic")).await;
    other.join(&token(&bob)).await;
    until_there(&mut client, &mut there, &[&ann, &bob]).await;
    let answer = other
        .ask(json!({"type": "presence", "room": "lobby"}))
        .await;
    assert!(
        answer["users"]
            .as_array()
            .unwrap()
            .contains(&json!(ann.user))
    );
    other.done(json!({"type": "leave", "room": "lobby"})).await;
    other.forget();
    until_there(&mut client, &mut there, &[&ann]).await;
    other.hears_nothing().await;
}

#[tokio::test]
async fn a_room_that_does_not_tell_says_nothing() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut client = Client::open(service.address, &ann.token("lobby")).await;
    let other = Client::open(service.address, &bob.token("lobby")).await;
    drop(other);
    client.hears_nothing().await;
}
