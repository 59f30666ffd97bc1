//! People who do everything that there is to be done.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::{
    service::{Answer, Service},
    socket::Socket,
};

/// How many do so at a time.
const AT_A_TIME: usize = 20;

/// So many new people, each with a room, of which each does everything once.
pub async fn people(service: &Service, many: usize) {
    let people: Vec<usize> = (0..many).collect();
    for some in people.chunks(AT_A_TIME) {
        join_all(some.iter().map(|_| person(service))).await;
    }
}

async fn person(service: &Service) {
    let name = format!("u{}", Uuid::new_v4().simple());
    let tokens = service.sign_up(&name).await;
    let taken = service.register(&name, crate::service::PASSWORD).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let refused = service.login(&name, "not-the-password-1").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let nobody = service.login(&format!("no-{name}"), "x").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let refreshed = service.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    let token = refreshed.body["access_token"].as_str().unwrap();

    let made = service
        .post_as(token, "/rooms", json!({"title": name}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let room = made.body["room"].as_str().unwrap();
    let seat = format!("/rooms/{room}/token");
    let seat = service.post_as(token, &seat, json!({})).await;
    let seat = seat.body["access_token"].as_str().unwrap();
    let mut raw = service.socket(seat).await;
    let rooms_v1 = Socket::open_rooms_v1(service.address, seat, "").await;
    let mut rooms_v1 = rooms_v1.unwrap();
    assert!(rooms_v1.hear().await.contains("welcome"));
    raw.say("hello").await;
    assert_eq!(raw.hear().await, "hello");
    assert!(rooms_v1.hear().await.contains("hello"));
    let said = format!("/rooms/{room}/messages");
    let said = service
        .post_as(token, &said, json!({"data": "over HTTP"}))
        .await;
    assert_eq!(said.status, StatusCode::CREATED);
    assert!(raw.hear().await.contains("over HTTP"));

    for (method, path) in [
        (Method::GET, "/auth/me".to_owned()),
        (Method::GET, "/auth/sessions".to_owned()),
        (Method::GET, format!("/rooms/{room}/messages")),
        (Method::GET, format!("/rooms/{room}/members")),
        (Method::GET, format!("/{name}?token={name}")),
        (Method::GET, format!("/rooms/{name}/members/{name}/{name}")),
        (
            Method::from_bytes(b"BREW").unwrap(),
            format!("/rooms/{room}"),
        ),
        (Method::GET, format!("/docs/{name}")),
        (Method::DELETE, format!("/auth/sessions/{}", Uuid::new_v4())),
        (Method::DELETE, format!("/rooms/{room}")),
        (Method::POST, "/auth/logout".to_owned()),
    ] {
        Answer::of(service.request(method, &path).bearer_auth(token)).await;
    }
    let refused = Socket::open(service.address, seat).await;
    assert_eq!(refused.err().unwrap().status, StatusCode::FORBIDDEN);
}
