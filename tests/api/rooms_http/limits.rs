//! How many rooms one may own, and members a room may have.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;

use super::Person;
use crate::service::Service;

#[tokio::test]
async fn nobody_owns_more_rooms_than_one_may() {
    let service = Service::with(&[("APP__ROOMS__MAX_OWNED", "2")]).await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let made = join_all((0..8).map(|_| ann.post("/rooms", json!({"title": "Tea"})))).await;
    let (created, refused): (Vec<_>, Vec<_>) = made
        .iter()
        .partition(|answer| answer.status == StatusCode::CREATED);
    assert_eq!(created.len(), 2);
    for answer in refused {
        answer.is_problem(409, "too-many-rooms");
    }
    // Not owning it, one may be in another one; and a deleted one doesn't count.
    let room = bob.room("Cake").await;
    bob.adds(&room, "ann", "member").await;
    ann.delete(created[0].header("location")).await;
    ann.room("Tea").await;
}

#[tokio::test]
async fn a_room_has_no_more_members_than_it_may() {
    let service = Service::with(&[("APP__ROOMS__MAX_MEMBERS", "2")]).await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    service.sign_up("eve").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let eve = format!("{room}/members/eve");
    let full = ann.put(&eve, json!({"role": "reader"})).await;
    full.is_problem(409, "room-full");
    // Those who are in it can still become something else.
    let path = format!("{room}/members/bob");
    let changed = ann.put(&path, json!({"role": "reader"})).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(bob.delete(&path).await.status, StatusCode::NO_CONTENT);
    ann.adds(&room, "eve", "reader").await;
}
