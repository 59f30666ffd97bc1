//! Whatever is refused is refused as the document says.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::contract::Contract;
use crate::{
    mint,
    service::{Answer, PASSWORD, Service},
};

#[tokio::test]
async fn without_a_token_and_with_bad_ones() {
    let service = Service::start().await;
    let contract = Contract::committed();
    let guarded = contract.operations().filter(|op| op.takes_a_token());
    let mut operations = 0;
    for operation in guarded {
        operations += 1;
        let without = Answer::of(operation.request(&service, &[])).await;
        let forged = operation.request(&service, &[]).bearer_auth("x.y.z");
        for answer in [without, Answer::of(forged).await] {
            answer.is_problem(401, "invalid-token");
            operation.assert_describes(&answer);
        }
    }
    assert!(operations > 10, "{operations}");
}

#[tokio::test]
async fn bodies_that_are_none() {
    let service = Service::start().await;
    let contract = Contract::committed();
    let token = service.sign_up("ann").await.access;
    let taking = contract.operations().filter(|op| op.takes_a_body());
    let mut operations = 0;
    for operation in taking {
        operations += 1;
        let request = || operation.request(&service, &[]).bearer_auth(&token);
        let declared = || request().header("content-type", "application/json");
        for (asked, status, slug) in [
            (declared().body("{"), 400, "malformed-json"),
            (declared().body("[]"), 400, "invalid-request"),
            (request().json(&json!({"x": 1})), 400, "invalid-request"),
            (request().body("{}"), 415, "unsupported-media-type"),
            (request().json(&"x".repeat(70_000)), 413, "body-too-large"),
        ] {
            let answer = Answer::of(asked).await;
            answer.is_problem(status, slug);
            operation.assert_describes(&answer);
        }
    }
    assert!(operations >= 6, "{operations}");
}

#[tokio::test]
async fn bodies_that_do_not_come() {
    let service = Service::with(&[("APP__HTTP__REQUEST_TIMEOUT", "100ms")]).await;
    let contract = Contract::committed();
    let token = mint::token(&mint::claims("lobby"));
    for operation in contract.operations().filter(|op| op.takes_a_body()) {
        let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let asked = operation.request(&service, &[]).bearer_auth(&token);
        let asked = asked
            .header("content-type", "application/json")
            .body(reqwest::Body::wrap_stream(never));
        let answer = Answer::of(asked).await;
        answer.is_problem(408, "request-timeout");
        operation.assert_describes(&answer);
    }
}

#[tokio::test]
async fn queries_that_are_none() {
    let service = Service::start().await;
    let contract = Contract::committed();
    let token = service.sign_up("ann").await.access;
    let room = service.post_as(&token, "/rooms", json!({"title": "Tea"}));
    let room = room.await.body["room"].as_str().unwrap().to_owned();
    for (id, query) in [
        ("logout", "all=maybe"),
        ("logout", "every=true"),
        ("listRooms", "limit=0"),
        ("listRooms", "after=a.b"),
        ("listMembers", "limit=101"),
        ("listMembers", "after="),
        ("history", "limit=-1"),
        ("history", "since=1"),
    ] {
        let operation = contract.operation(id);
        let path = operation.path.replace("{room}", &room);
        let asked = service.request(operation.method.clone(), &format!("{path}?{query}"));
        let answer = Answer::of(asked.bearer_auth(&token)).await;
        answer.is_problem(400, "invalid-request");
        operation.assert_describes(&answer);
    }
}

#[tokio::test]
async fn what_accounts_refuse() {
    let service = Service::start().await;
    let contract = Contract::committed();
    let token = service.sign_up("ann").await.access;
    let sid = "3f1c9a52-0f0b-4f3c-9d47-2f6f5a3f0c11";
    let credentials = |name: &str, password: &str| json!({"username": name, "password": password});
    let passwords =
        |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    for (id, body, status, slug) in [
        (
            "register",
            credentials("a b", PASSWORD),
            400,
            "invalid-username",
        ),
        (
            "register",
            credentials("bob", "bob"),
            400,
            "invalid-password",
        ),
        ("register", credentials("Ann", PASSWORD), 409, "name-taken"),
        (
            "login",
            credentials("ann", "wrong"),
            401,
            "invalid-credentials",
        ),
        (
            "addTotp",
            json!({"current_password": PASSWORD}),
            404,
            "second-factor-off",
        ),
        (
            "confirmTotp",
            json!({"code": "123456"}),
            404,
            "second-factor-off",
        ),
        (
            "removeTotp",
            json!({"current_password": PASSWORD, "code": "123456"}),
            404,
            "second-factor-off",
        ),
        (
            "refresh",
            json!({"refresh_token": "x"}),
            401,
            "invalid-refresh-token",
        ),
        (
            "changePassword",
            passwords("wrong", PASSWORD),
            401,
            "invalid-credentials",
        ),
        (
            "changePassword",
            passwords(PASSWORD, "ann"),
            400,
            "invalid-password",
        ),
        ("endSession", Value::Null, 404, "session-not-found"),
    ] {
        let operation = contract.operation(id);
        let mut asked = operation
            .request(&service, &[("sid", sid)])
            .bearer_auth(&token);
        if operation.takes_a_body() {
            asked = asked.json(&body);
        }
        let answer = Answer::of(asked).await;
        answer.is_problem(status, slug);
        operation.assert_describes(&answer);
    }
}

#[tokio::test]
async fn what_is_asked_too_often() {
    let service = Service::with(&[
        ("APP__LIMITS__LOGINS_PER_MINUTE", "2"),
        ("APP__LIMITS__REGISTRATIONS_PER_MINUTE", "1"),
        ("APP__LIMITS__REFRESHES_PER_MINUTE", "1"),
        ("APP__LIMITS__FREE_FAILURES", "1"),
        ("APP__LIMITS__FAILURE_DELAY", "10m"),
    ])
    .await;
    let contract = Contract::committed();
    let token = service.sign_up("ann").await.access;
    let wrong = json!({"username": "ann", "password": "wrong"});
    let change = json!({"current_password": "wrong", "new_password": PASSWORD});
    let refresh = json!({"refresh_token": "x"});
    service.refresh("x").await;
    service
        .post_as(&token, "/auth/password", change.clone())
        .await;
    for (id, body, slug) in [
        ("changePassword", change, "too-many-attempts"),
        ("register", wrong.clone(), "too-many-requests"),
        ("refresh", refresh, "too-many-requests"),
    ] {
        let operation = contract.operation(id);
        let asked = operation.request(&service, &[]).bearer_auth(&token);
        let answer = Answer::of(asked.json(&body)).await;
        answer.is_problem(429, slug);
        operation.assert_describes(&answer);
    }
    // The second login of an address, and the third.
    let operation = contract.operation("login");
    service.login("ann", "wrong").await;
    let service = service.restart().await;
    for slug in [
        "too-many-attempts",
        "too-many-attempts",
        "too-many-requests",
    ] {
        let asked = operation.request(&service, &[]);
        let answer = Answer::of(asked.json(&wrong)).await;
        answer.is_problem(429, slug);
        operation.assert_describes(&answer);
    }
}

#[tokio::test]
async fn what_rooms_refuse() {
    let service = Service::with(&[
        ("APP__ROOMS__MAX_MEMBERS", "2"),
        ("APP__ROOMS__MAX_OWNED", "1"),
    ])
    .await;
    let contract = Contract::committed();
    let ann = service.sign_up("ann").await.access;
    let bob = service.sign_up("bob").await.access;
    service.sign_up("cy").await;
    let room = service.post_as(&ann, "/rooms", json!({"title": "Tea"}));
    let room = room.await.body["room"].as_str().unwrap().to_owned();
    let reader = json!({"role": "reader"});
    let add = format!("/rooms/{room}/members/bob");
    let add = service.request(Method::PUT, &add).bearer_auth(&ann);
    let added = Answer::of(add.json(&reader)).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let message = |text: &str| json!({"data": text});
    let said = service.request(Method::POST, &format!("/rooms/{room}/messages"));
    let said = said.bearer_auth(&ann).header("idempotency-key", "1");
    let said = Answer::of(said.json(&message("one"))).await;
    assert_eq!(said.status, StatusCode::CREATED);

    let unknown = "nowhere";
    let here = room.as_str();
    for (id, who, room, name, body, status, slug) in [
        (
            "createRoom",
            &ann,
            here,
            "",
            json!({"title": " "}),
            400,
            "invalid-title",
        ),
        (
            "createRoom",
            &ann,
            here,
            "",
            json!({"title": "x"}),
            409,
            "too-many-rooms",
        ),
        (
            "getRoom",
            &ann,
            unknown,
            "",
            Value::Null,
            404,
            "room-not-found",
        ),
        (
            "deleteRoom",
            &ann,
            unknown,
            "",
            Value::Null,
            404,
            "room-not-found",
        ),
        ("deleteRoom", &bob, here, "", Value::Null, 403, "not-owner"),
        (
            "listMembers",
            &ann,
            unknown,
            "ann",
            Value::Null,
            404,
            "room-not-found",
        ),
        (
            "putMember",
            &ann,
            unknown,
            "bob",
            reader.clone(),
            404,
            "room-not-found",
        ),
        (
            "putMember",
            &bob,
            here,
            "bob",
            reader.clone(),
            403,
            "not-owner",
        ),
        (
            "putMember",
            &ann,
            here,
            "nobody",
            reader.clone(),
            404,
            "no-such-account",
        ),
        (
            "putMember",
            &ann,
            here,
            "ann",
            reader.clone(),
            409,
            "last-owner",
        ),
        ("putMember", &ann, here, "cy", reader, 409, "room-full"),
        (
            "removeMember",
            &ann,
            unknown,
            "bob",
            Value::Null,
            404,
            "room-not-found",
        ),
        (
            "removeMember",
            &bob,
            here,
            "ann",
            Value::Null,
            403,
            "not-owner",
        ),
        (
            "removeMember",
            &ann,
            here,
            "cy",
            Value::Null,
            404,
            "member-not-found",
        ),
        (
            "removeMember",
            &ann,
            here,
            "ann",
            Value::Null,
            409,
            "last-owner",
        ),
        (
            "roomToken",
            &ann,
            unknown,
            "",
            Value::Null,
            404,
            "room-not-found",
        ),
        (
            "publish",
            &ann,
            unknown,
            "",
            message("x"),
            404,
            "room-not-found",
        ),
        (
            "publish",
            &bob,
            here,
            "",
            message("x"),
            403,
            "not-permitted",
        ),
        (
            "publish",
            &ann,
            here,
            "",
            message("two"),
            422,
            "idempotency-key-reused",
        ),
        (
            "history",
            &ann,
            unknown,
            "",
            Value::Null,
            404,
            "room-not-found",
        ),
        (
            "presence",
            &ann,
            unknown,
            "",
            Value::Null,
            404,
            "room-not-found",
        ),
        ("presence", &ann, here, "", Value::Null, 409, "presence-off"),
    ] {
        let operation = contract.operation(id);
        let values = [
            ("room", room),
            ("username", name),
            ("after", "0"),
            ("Idempotency-Key", "1"),
        ];
        let values: Vec<_> = values
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let mut asked = operation.request(&service, &values).bearer_auth(who);
        if operation.takes_a_body() {
            asked = asked.json(&body);
        }
        let answer = Answer::of(asked).await;
        answer.is_problem(status, slug);
        operation.assert_describes(&answer);
    }
}
