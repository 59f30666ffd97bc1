//! Who is in a room, for those who ask over HTTP.

use serde_json::{Value, json};

use super::Person;
use crate::service::{Service, until_async};

#[tokio::test]
async fn a_room_tells_who_has_a_socket_in_it() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let made = ann.post("/rooms", json!({"title": "Tea", "presence": true}));
    let room = made.await.header("location").to_owned();
    ann.adds(&room, "bob", "reader").await;
    let path = format!("{room}/presence");
    assert_eq!(bob.get(&path).await.body, json!({"users": []}));

    let socket = service.socket(&ann.token(&room).await).await;
    let second = service.socket(&ann.token(&room).await).await;
    let users = async || bob.get(&path).await.body["users"].clone();
    until_async("ann is there", async || users().await == json!([ann.id()])).await;
    let bobs = service.socket(&bob.token(&room).await).await;
    let mut both = [ann.id(), bob.id()];
    both.sort();
    until_async("both are there", async || users().await == json!(both)).await;

    drop(socket);
    drop(bobs);
    until_async("bob is gone", async || users().await == json!([ann.id()])).await;
    drop(second);
    until_async("nobody is there", async || {
        users().await == Value::Array(vec![])
    })
    .await;
}

#[tokio::test]
async fn a_room_that_does_not_tell_says_so() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    for room in [room, ann.own_room()] {
        let answer = ann.get(&format!("{room}/presence")).await;
        answer.is_problem(409, "presence-off");
    }
}
