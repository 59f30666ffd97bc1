//! Whatever is wrong with a body, the answer says so and nothing has happened.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::service::{Answer, PASSWORD, Service};

async fn send(
    service: &Service,
    content_type: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = service.request(Method::POST, "/auth/register").body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn what_is_no_json() {
    let service = Service::start().await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let bodies: [&[u8]; 8] = [
        b"",
        b"{",
        b"{\"username\":\"ann\",\"password\":\"x\"}}",
        b"username=ann&password=x",
        b"{\"username\":\"\xff\xfe\",\"password\":\"x\"}",
        b"{\"username\":\"\\ud800\",\"password\":\"x\"}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = send(&service, Some("application/json"), body.to_vec()).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{body:?}: {}",
            answer.body
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

#[tokio::test]
async fn what_is_json_but_not_what_is_asked_for() {
    let service = Service::start().await;
    let secret = "canary-canary-canary";
    for body in [
        json!(null),
        json!([]),
        json!(secret),
        json!({}),
        json!({"username": "ann"}),
        json!({"password": secret}),
        json!({"username": "ann", "password": [secret]}),
        json!({"username": {"name": secret}, "password": secret}),
        json!({"username": 7, "password": secret}),
        json!({"username": "ann", "password": secret, "admin": true}),
    ] {
        let answer = send(&service, Some("application/json"), body.to_string()).await;
        answer.is_problem(400, "invalid-request");
        assert!(!answer.body.to_string().contains(secret), "{}", answer.body);
    }
    let twice =
        format!("{{\"username\":\"ann\",\"username\":\"bob\",\"password\":\"{PASSWORD}\"}}");
    send(&service, Some("application/json"), twice)
        .await
        .is_problem(400, "invalid-request");
    for name in ["ann", "bob"] {
        service
            .login(name, secret)
            .await
            .is_problem(401, "invalid-credentials");
    }
}

#[tokio::test]
async fn what_is_not_declared_as_json() {
    let service = Service::start().await;
    let body = json!({"username": "ann", "password": PASSWORD}).to_string();
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
    ] {
        let answer = send(&service, content_type, body.clone()).await;
        answer.is_problem(415, "unsupported-media-type");
    }
    let answer = send(&service, Some("application/json; charset=utf-8"), body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn what_is_too_large() {
    let service = Service::start().await;
    let large = json!({"username": "ann", "password": "x".repeat(1024 * 1024)});
    service
        .post("/auth/register", large.clone())
        .await
        .is_problem(413, "body-too-large");
    service
        .post("/auth/login", large)
        .await
        .is_problem(413, "body-too-large");
    // The same without a length in front.
    let chunks =
        futures_util::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>("x".repeat(4096))));
    let answer = send(
        &service,
        Some("application/json"),
        reqwest::Body::wrap_stream(chunks),
    )
    .await;
    answer.is_problem(413, "body-too-large");
}

#[tokio::test]
async fn a_password_of_two_kilobytes() {
    let service = Service::start().await;
    service
        .register("ann", &"kL9#".repeat(512))
        .await
        .is_problem(400, "invalid-password");
    service
        .login("ann", &"kL9#".repeat(512))
        .await
        .is_problem(401, "invalid-credentials");
}
