//! Passwords, tokens and hashes never show, however much is logged.

use futures_util::StreamExt;
use rustix::process::Signal;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;

use crate::process::{PASSWORD, Process};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_at_its_finest_holds_no_secret() {
    let secret = "a-secret-of-tests-77aa02cd914fb6e0";
    let mut service = Process::start(&[
        ("RUST_LOG", "trace"),
        ("JWT_SECRET", secret),
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
        ("APP__SHUTDOWN__CLOSE_JITTER", "0s"),
    ]);
    service.credentials("/auth/register", "ann").await.unwrap();
    let (_, tokens) = service.credentials("/auth/login", "ann").await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    service
        .post("/auth/refresh", json!({"refresh_token": refresh}))
        .await
        .unwrap();
    service
        .post(
            "/auth/login",
            json!({"username": "ann", "password": "wrong-canary-password"}),
        )
        .await
        .unwrap();
    service
        .post("/auth/login", json!("wrong-canary-body"))
        .await
        .unwrap();
    service
        .get(&format!("/auth/me?access_token={access}"))
        .await
        .unwrap();
    let url = format!("ws://{}/ws?token={access}", service.address);
    let request = ClientRequestBuilder::new(url.parse().unwrap())
        .with_sub_protocol("bearer")
        .with_sub_protocol(access);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    service.signal(Signal::TERM);
    while socket.next().await.is_some() {}
    let (_, log) = service.wait();

    assert!(
        log.contains("socket opened") && log.contains("event=\"login\" outcome=\"success\""),
        "{log}"
    );
    let signature = access.rsplit('.').next().unwrap();
    for (what, secret) in [
        ("the password", PASSWORD),
        ("a wrong password", "wrong-canary-password"),
        ("a wrong body", "wrong-canary-body"),
        ("the secret", secret),
        ("the access token", access),
        ("the access token's signature", signature),
        ("the refresh token", refresh),
        ("a hash", "$argon2id$"),
    ] {
        assert!(!log.contains(secret), "{what} stands in the log");
    }
}
