//! What a browser is told with every answer, so that nothing of it is taken for
//! something else, shown elsewhere, or kept.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::service::{Answer, Service};

/// One answer of each kind: probes, documents, keys, problems of all layers.
async fn answers(service: &Service) -> Vec<(&'static str, Answer)> {
    let token = service.sign_up("ann").await.access;
    let mut answers = Vec::new();
    for (method, path) in [
        (Method::GET, "/health"),
        (Method::GET, "/livez"),
        (Method::GET, "/metrics"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/asyncapi.json"),
        (Method::GET, "/.well-known/jwks.json"),
        (Method::GET, "/auth/me"),
        (Method::GET, "/auth/sessions"),
        (Method::GET, "/rooms"),
        (Method::GET, "/nothing"),
        (Method::GET, "/auth/login"),
        (Method::POST, "/auth/login"),
        (Method::GET, "/ws"),
    ] {
        let asked = service.request(method, path).bearer_auth(&token);
        answers.push((path, Answer::of(asked).await));
    }
    answers.push((
        "no token",
        Answer::of(service.request(Method::GET, "/auth/me")).await,
    ));
    let asked = json!({"username": "ann", "password": "another one"});
    answers.push(("a wrong password", service.post("/auth/login", asked).await));
    answers
}

#[tokio::test]
async fn an_answer_is_no_page_and_part_of_none() {
    let service = Service::start().await;
    for (what, answer) in answers(&service).await {
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), value, "{what}: {name}");
        }
        // Nor of what it is made.
        for name in ["server", "via", "x-powered-by"] {
            assert_eq!(answer.header(name), "", "{what}: {name}");
        }
    }
}

#[tokio::test]
async fn what_an_answer_is_stands_in_its_content_type() {
    let service = Service::start().await;
    for (what, answer) in answers(&service).await {
        let content_type = answer.header("content-type");
        // JSON is always UTF-8 (RFC 8259, section 8.1).
        if answer.body.is_object() {
            let json = ["application/json", "application/problem+json"];
            assert!(json.contains(&content_type), "{what}: {content_type}");
        } else {
            let text = ["text/plain;", "application/openmetrics-text;"];
            assert!(
                text.iter().any(|text| content_type.starts_with(text))
                    && content_type.ends_with(" charset=utf-8"),
                "{what}: {content_type}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_about_anybody_is_kept_by_a_cache() {
    let service = Service::start().await;
    let tokens = service.sign_up("ann").await;
    let made = service
        .post_as(&tokens.access, "/rooms", json!({"title": "Tea"}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let room = made.body["room"].as_str().unwrap();
    for path in [
        "/auth/me",
        "/auth/sessions",
        "/rooms",
        &format!("/rooms/{room}"),
        &format!("/rooms/{room}/members"),
        &format!("/rooms/{room}/messages"),
        &format!("/rooms/{room}/presence"),
        "/rooms/somebody-elses",
    ] {
        let answer = service.get(path, &tokens.access).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    for (path, body) in [
        ("/auth/refresh", json!({"refresh_token": tokens.refresh})),
        ("/auth/logout", json!({})),
    ] {
        let answer = service.post_as(&tokens.access, path, body).await;
        assert!(answer.status.is_success());
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}
