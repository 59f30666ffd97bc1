//! Make, list, see and delete rooms.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Person, name_in};
use crate::{
    mint,
    service::{Answer, Service},
};

#[tokio::test]
async fn whoever_makes_a_room_owns_it_and_finds_it() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let made = ann.post("/rooms", json!({"title": "  Tea at five "})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.header("cache-control"), "no-store");
    let name = made.body["room"].as_str().unwrap();
    assert!(
        name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{name}"
    );
    assert_eq!(made.header("location"), format!("/rooms/{name}"));
    let created_at = made.body["created_at"].as_str().unwrap();
    assert!(created_at.parse::<contract::Timestamp>().is_ok());
    let room = json!({
        "room": name,
        "title": "Tea at five",
        "presence": false,
        "role": "owner",
        "created_at": created_at,
    });
    assert_eq!(made.body, room);
    let seen = ann.get(made.header("location")).await;
    assert_eq!((seen.status, &seen.body), (StatusCode::OK, &room));
    let listed = ann.get("/rooms").await;
    assert_eq!(listed.body, json!({"rooms": [room]}));
}

#[tokio::test]
async fn a_room_tells_who_is_there_if_it_was_made_so() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let made = ann
        .post("/rooms", json!({"title": "Tea", "presence": true}))
        .await;
    assert_eq!(made.body["presence"], true);
    let seen = ann.get(made.header("location")).await;
    assert_eq!(seen.body["presence"], true);
}

#[tokio::test]
async fn rooms_outlive_a_restart() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let (before, access) = (ann.get(&room).await, ann.access.clone());
    let service = service.restart().await;
    let after = service.get(&room, &access).await;
    assert_eq!(after.body, before.body);
}

#[tokio::test]
async fn a_title_that_is_none_makes_no_room() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    for title in ["", "   ", "a\nb", "a\u{0}b", &"x".repeat(101)] {
        let refused = ann.post("/rooms", json!({"title": title})).await;
        refused.is_problem(400, "invalid-title");
    }
    let longest = "ü".repeat(100);
    let made = ann.post("/rooms", json!({"title": longest})).await;
    assert_eq!(made.body["title"], longest);
    let listed = ann.get("/rooms").await;
    assert_eq!(listed.body["rooms"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_no_room_makes_none() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    for body in [
        json!(null),
        json!([]),
        json!({}),
        json!({"title": 7}),
        json!({"title": "Tea", "presence": "yes"}),
        json!({"title": "Tea", "room": "lobby"}),
    ] {
        ann.post("/rooms", body)
            .await
            .is_problem(400, "invalid-request");
    }
    let send = |content_type: &'static str, body: String| {
        Answer::of(
            ann.request(Method::POST, "/rooms")
                .header("content-type", content_type)
                .body(body),
        )
    };
    send("application/json", "{\"title\":".into())
        .await
        .is_problem(400, "malformed-json");
    send("text/plain", json!({"title": "Tea"}).to_string())
        .await
        .is_problem(415, "unsupported-media-type");
    send(
        "application/json",
        json!({"title": "x".repeat(70_000)}).to_string(),
    )
    .await
    .is_problem(413, "body-too-large");
    assert_eq!(ann.get("/rooms").await.body, json!({"rooms": []}));
}

#[tokio::test]
async fn pages_of_rooms_leave_none_out_and_show_none_twice() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let mut rooms = Vec::new();
    for number in 0..6 {
        let room = ann.room(&number.to_string()).await;
        bob.room("not hers").await;
        rooms.push(name_in(&room).to_owned());
    }
    rooms.sort();
    for limit in [1, 2, 3, 5, 6, 7, 100] {
        assert_eq!(ann.pages("/rooms", "rooms", "room", limit).await, rooms);
    }
    let beyond = ann.get(&format!("/rooms?after={}", rooms[5])).await;
    assert_eq!(beyond.body, json!({"rooms": []}));
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    for path in [
        "/rooms",
        &format!("{room}/members"),
        &format!("{room}/messages"),
    ] {
        for query in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=ten",
            "limit=",
            "limit=1&limit=2",
            "page=2",
            "after=a%20b",
            "since=yesterday",
            "after=%ff",
        ] {
            let refused = ann.get(&format!("{path}?{query}")).await;
            refused.is_problem(400, "invalid-request");
        }
    }
}

#[tokio::test]
async fn a_room_is_deleted_by_an_owner_for_everybody() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let eve = Person::new(&service, "eve").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    ann.adds(&room, "eve", "reader").await;
    for person in [&bob, &eve] {
        person.delete(&room).await.is_problem(403, "not-owner");
    }
    assert_eq!(ann.delete(&room).await.status, StatusCode::NO_CONTENT);
    for person in [&ann, &bob, &eve] {
        person.get(&room).await.is_problem(404, "room-not-found");
        person.delete(&room).await.is_problem(404, "room-not-found");
        assert_eq!(person.get("/rooms").await.body, json!({"rooms": []}));
    }
}

#[tokio::test]
async fn whoever_has_no_token_gets_nowhere() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let operations = [
        (Method::POST, "/rooms".to_owned()),
        (Method::GET, "/rooms".to_owned()),
        (Method::GET, room.clone()),
        (Method::DELETE, room.clone()),
        (Method::GET, format!("{room}/members")),
        (Method::PUT, format!("{room}/members/ann")),
        (Method::DELETE, format!("{room}/members/ann")),
        (Method::POST, format!("{room}/token")),
        (Method::POST, format!("{room}/messages")),
        (Method::GET, format!("{room}/messages")),
    ];
    for (method, path) in operations {
        let request = service.request(method.clone(), &path);
        let anybody = Answer::of(request.json(&json!({}))).await;
        anybody.is_problem(401, "invalid-token");
    }
    assert_eq!(ann.get(&room).await.status, StatusCode::OK);
}

/// A back end that shares the secret speaks of whom it likes.
#[tokio::test]
async fn whoever_has_no_account_manages_and_says_nothing() {
    let service = Service::start().await;
    let user = uuid::Uuid::new_v4().to_string();
    let mut claims = mint::claims(&user);
    claims["sub"] = Value::String(user.clone());
    let token = mint::token(&claims);
    let own = format!("/rooms/{user}");
    for (path, body) in [
        ("/rooms", json!({"title": "Tea"})),
        (&*format!("{own}/token"), json!(null)),
        (&format!("{own}/messages"), json!({"data": "hello"})),
    ] {
        let refused = service.post_as(&token, path, body).await;
        refused.is_problem(401, "invalid-token");
    }
    let history = service.get(&format!("{own}/messages"), &token).await;
    history.is_problem(401, "invalid-token");
    let listed = service.get("/rooms", &token).await;
    assert_eq!(listed.body, json!({"rooms": []}));
}
