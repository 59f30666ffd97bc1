//! A request that is sent again with its key is done once.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Person;
use crate::service::{Answer, Service, Tokens};

async fn publish(person: &Person<'_>, room: &str, key: &str, body: Value) -> Answer {
    let request = person.request(Method::POST, &format!("{room}/messages"));
    Answer::of(request.header("idempotency-key", key).json(&body)).await
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_is_heard_once() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let mut socket = service.socket(&ann.access).await;
    let longest = "~".repeat(255);
    for key in ["1", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &longest] {
        let body = json!({"data": {"key": key}});
        let first = publish(&ann, &ann.own_room(), key, body.clone()).await;
        assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
        for _ in 0..3 {
            let again = publish(&ann, &ann.own_room(), key, body.clone()).await;
            assert_eq!(again.status, StatusCode::CREATED);
            assert_eq!(again.body, first.body);
        }
        assert_eq!(socket.hear().await, body["data"].to_string());
        socket.hears_nothing_but_itself().await;
    }
}

#[tokio::test]
async fn without_a_key_it_is_another_request() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let mut socket = service.socket(&ann.access).await;
    for _ in 0..2 {
        ann.says(&ann.own_room(), json!("knock")).await;
    }
    assert_eq!(socket.hear().await, "knock");
    assert_eq!(socket.hear().await, "knock");
}

#[tokio::test]
async fn a_key_is_not_used_for_another_request() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let own = ann.own_room();
    let room = ann.room("Tea").await;
    let mut socket = service.socket(&ann.access).await;
    let first = publish(&ann, &own, "1", json!({"data": "YQ=="})).await;
    assert_eq!(socket.hear().await, "YQ==");
    for (room, body) in [
        (&own, json!({"data": "b"})),
        (&own, json!({"data": ["YQ=="]})),
        (&own, json!({"data": "YQ==", "encoding": "base64"})),
        (&room, json!({"data": "YQ=="})),
    ] {
        let reused = publish(&ann, room, "1", body).await;
        reused.is_problem(422, "idempotency-key-reused");
    }
    socket.hears_nothing_but_itself().await;
    let again = publish(&ann, &own, "1", json!({"data": "YQ=="})).await;
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn a_key_is_of_one_user() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let mut socket = service.socket(&ann.token(&room).await).await;
    for person in [&ann, &bob, &ann, &bob] {
        let said = publish(person, &room, "1", json!({"data": "hello"})).await;
        assert_eq!(said.status, StatusCode::CREATED, "{said:?}");
    }
    assert_eq!(socket.hear().await, "hello");
    assert_eq!(socket.hear().await, "hello");
    socket.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn of_many_at_once_one_is_heard() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let own = ann.own_room();
    let mut socket = service.socket(&ann.access).await;
    for key in ["1", "2", "3"] {
        let body = json!({"data": key});
        let publish = || publish(&ann, &own, key, body.clone());
        let answers = join_all((0..10).map(|_| publish())).await;
        let said = publish().await;
        assert_eq!(said.status, StatusCode::CREATED, "{said:?}");
        for answer in answers {
            if answer.status == StatusCode::CREATED {
                assert_eq!(answer.body, said.body);
            } else {
                answer.is_problem(409, "request-in-progress");
                assert_eq!(answer.header("retry-after"), "1");
            }
        }
        assert_eq!(socket.hear().await, key);
        socket.hears_nothing_but_itself().await;
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let mut socket = service.socket(&ann.access).await;
    let path = format!("{}/messages", ann.own_room());
    let hello = json!({"data": "hello"});
    for key in ["", "a b", "a\tb", "ü", &"x".repeat(256)] {
        let refused = publish(&ann, &ann.own_room(), key, hello.clone()).await;
        refused.is_problem(400, "invalid-request");
    }
    let twice = ann
        .request(Method::POST, &path)
        .header("idempotency-key", "1")
        .header("idempotency-key", "1");
    Answer::of(twice.json(&hello))
        .await
        .is_problem(400, "invalid-request");
    socket.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn what_was_refused_did_not_use_the_key_up() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let eve = Person::new(&service, "eve").await;
    let room = ann.room("Tea").await;
    let hello = || json!({"data": "hello"});
    publish(&eve, &room, "1", hello())
        .await
        .is_problem(404, "room-not-found");
    ann.adds(&room, "eve", "reader").await;
    publish(&eve, &room, "1", hello())
        .await
        .is_problem(403, "not-permitted");
    let member = format!("{room}/members/eve");
    ann.put(&member, json!({"role": "member"})).await;
    let said = publish(&eve, &room, "1", json!({"data": "at last"})).await;
    assert_eq!(said.status, StatusCode::CREATED, "{said:?}");
}

#[tokio::test]
async fn an_answer_outlives_a_restart() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let own = ann.own_room();
    let first = publish(&ann, &own, "1", json!({"data": "hello"})).await;
    let service = service.restart().await;
    let Tokens { access, .. } = service.sign_in("ann").await;
    let ann = Person {
        service: &service,
        access,
    };
    let mut socket = service.socket(&ann.access).await;
    let again = publish(&ann, &own, "1", json!({"data": "hello"})).await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    socket.hears_nothing_but_itself().await;
}
