//! A room that one isn't in can't be told from one that doesn't exist.

use reqwest::Method;
use serde_json::json;

use super::{Person, comparable};
use crate::service::{Answer, Service};

/// What a person is answered, whatever they ask of a room.
async fn answers(person: &Person<'_>, room: &str) -> Vec<Answer> {
    let role = json!({"role": "owner"});
    let data = json!({"data": "hello"});
    let requests = [
        person.request(Method::GET, room),
        person.request(Method::DELETE, room),
        person.request(Method::GET, &format!("{room}/members")),
        person.request(Method::GET, &format!("{room}/members?after=a&limit=1")),
        // An owner, oneself, somebody, nobody, and no name.
        person
            .request(Method::PUT, &format!("{room}/members/ann"))
            .json(&role),
        person
            .request(Method::PUT, &format!("{room}/members/eve"))
            .json(&role),
        person
            .request(Method::PUT, &format!("{room}/members/nobody"))
            .json(&role),
        person
            .request(Method::PUT, &format!("{room}/members/%20"))
            .json(&role),
        person.request(Method::DELETE, &format!("{room}/members/ann")),
        person.request(Method::DELETE, &format!("{room}/members/eve")),
        person.request(Method::DELETE, &format!("{room}/members/nobody")),
        person.request(Method::DELETE, &format!("{room}/members/%20")),
        person.request(Method::POST, &format!("{room}/token")),
        person.request(Method::GET, &format!("{room}/presence")),
        person.request(Method::GET, &format!("{room}/messages")),
        person.request(
            Method::GET,
            &format!("{room}/messages?since=0123456789abcdef:1"),
        ),
        person
            .request(Method::POST, &format!("{room}/messages"))
            .json(&data),
        person
            .request(Method::POST, &format!("{room}/messages"))
            .header("idempotency-key", "1")
            .json(&data),
    ];
    let mut answers = Vec::new();
    for request in requests {
        let answer = Answer::of(request).await;
        answer.is_problem(404, "room-not-found");
        answers.push(answer);
    }
    answers
}

#[tokio::test]
async fn a_room_of_others_is_as_absent_as_none() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let eve = Person::new(&service, "eve").await;
    let room = ann.room("Tea").await;
    let once_hers = ann.room("Cake").await;
    ann.adds(&once_hers, "eve", "owner").await;
    ann.delete(&format!("{once_hers}/members/eve")).await;
    let deleted = ann.room("Gone").await;
    ann.delete(&deleted).await;

    let never = "/rooms/00000000000000000000000000000000";
    let expected = answers(&eve, never).await;
    for room in [
        &*room,
        &once_hers,
        &deleted,
        &ann.own_room(),
        "/rooms/lobby",
        "/rooms/$control",
        "/rooms/a.b",
        "/rooms/%ff",
    ] {
        let found = answers(&eve, room).await;
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(comparable(found), comparable(expected), "{room}");
        }
    }
    // And all of that had no effect.
    assert_eq!(ann.names(&room).await, ["ann"]);
}
