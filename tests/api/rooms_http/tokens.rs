//! A token for a room: what it claims, what it opens, and when it ends.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Person, claims, name_in};
use crate::{
    mint,
    service::{Answer, Service},
};

#[tokio::test]
async fn it_claims_what_the_membership_is() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let login = claims(&bob.access);
    for (role, grant) in [("owner", "rw"), ("member", "rw"), ("reader", "r")] {
        for presence in [false, true] {
            let made = json!({"title": "Tea", "presence": presence});
            let made = ann.post("/rooms", made).await;
            let room = made.header("location");
            ann.adds(room, "bob", role).await;
            let path = format!("{room}/token");
            let answer = Answer::of(bob.request(Method::POST, &path)).await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            assert_eq!(answer.header("cache-control"), "no-store");
            let token = answer.body["access_token"].as_str().unwrap();
            let body = json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": 600,
                "room": name_in(room),
                "grant": grant,
                "presence": presence,
            });
            assert_eq!(answer.body, body);

            let claims = claims(token);
            for same in ["iss", "aud", "sub", "sid"] {
                assert_eq!(claims[same], login[same], "{same}");
            }
            assert_eq!(claims["room"], name_in(room));
            assert_eq!(claims["grant"], grant);
            // Absent is false.
            let claimed = claims.get("presence").cloned();
            assert_eq!(claimed, presence.then_some(Value::Bool(true)));
            let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
            assert_eq!(lives, 600);
        }
    }
}

#[tokio::test]
async fn it_opens_the_room() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let mut anns = service.socket(&ann.token(&room).await).await;
    let mut bobs = service.socket(&bob.token(&room).await).await;
    anns.say("tea?").await;
    assert_eq!(bobs.hear().await, "tea?");
    assert_eq!(anns.hear().await, "tea?");
    bobs.say("yes").await;
    assert_eq!(anns.hear().await, "yes");
}

#[tokio::test]
async fn ones_own_room_needs_no_making() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let path = format!("{}/token", ann.own_room());
    let answer = Answer::of(ann.request(Method::POST, &path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.body["room"], ann.id());
    assert_eq!(answer.body["grant"], "rw");
    assert_eq!(answer.body["presence"], false);
    // It is nothing to manage.
    ann.get(&ann.own_room())
        .await
        .is_problem(404, "room-not-found");
    assert_eq!(ann.get("/rooms").await.body, json!({"rooms": []}));
}

#[tokio::test]
async fn it_does_not_outlive_its_session() {
    let service = Service::with(&[
        ("APP__TOKENS__REFRESH_IDLE_TTL", "1m"),
        ("APP__TOKENS__REFRESH_ABSOLUTE_TTL", "1m"),
    ])
    .await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let first = ann.token(&room).await;
    // Nor does one that was got with that one.
    let again = Person {
        access: first.clone(),
        ..ann
    };
    let second = again.token(&room).await;
    let ends = claims(&again.access)["exp"].as_i64().unwrap();
    assert!(ends <= mint::now() + 60);
    assert_eq!(claims(&second)["exp"], ends);
}

#[tokio::test]
async fn a_session_that_has_ended_gets_none() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let token = ann.token(&room).await;
    // One that never was.
    let mut claims = claims(&ann.access);
    claims["sid"] = json!(uuid::Uuid::new_v4());
    let path = format!("{room}/token");
    service
        .post_as(&mint::token(&claims), &path, json!(null))
        .await
        .is_problem(401, "invalid-token");
    // Another's.
    let bob = Person::new(&service, "bob").await;
    claims["sid"] = super::claims(&bob.access)["sid"].clone();
    service
        .post_as(&mint::token(&claims), &path, json!(null))
        .await
        .is_problem(401, "invalid-token");

    let mut socket = service.socket(&token).await;
    let left = service
        .post_as(&ann.access, "/auth/logout", json!(null))
        .await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    // Room tokens are of the same session.
    assert_eq!(u16::from(socket.closed().await.code), 4503);
    for token in [&ann.access, &token] {
        let refused = service.post_as(token, &path, json!(null)).await;
        refused.is_problem(401, "invalid-token");
    }
}

#[tokio::test]
async fn a_readers_token_says_nothing() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let eve = Person::new(&service, "eve").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "eve", "reader").await;
    let token = eve.token(&room).await;
    let path = format!("{room}/messages");
    for access in [&eve.access, &token] {
        let refused = service.post_as(access, &path, json!({"data": "hello"}));
        refused.await.is_problem(403, "not-permitted");
    }
    let mut socket = service.socket(&token).await;
    ann.says(&room, json!("hello")).await;
    assert_eq!(socket.hear().await, "hello");
    socket.say("hello?").await;
    assert_eq!(u16::from(socket.closed().await.code), 4507);
}

/// A back end may send somebody to their room to listen.
#[tokio::test]
async fn it_allows_no_more_than_the_one_it_was_got_with() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let mut listens = claims(&ann.access);
    listens["grant"] = json!("r");
    let listens = mint::token(&listens);
    let own = ann.own_room();
    let answer = service
        .post_as(&listens, &format!("{own}/token"), json!(null))
        .await;
    assert_eq!(answer.body["grant"], "r");
    service
        .post_as(
            &listens,
            &format!("{own}/messages"),
            json!({"data": "hello"}),
        )
        .await
        .is_problem(403, "not-permitted");
}
