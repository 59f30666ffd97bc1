//! Refresh tokens: one row per session, the same child for the same token, and
//! no mercy for a token that two parties hold.

use std::time::Duration;

use reqwest::StatusCode;

use crate::service::{Service, Tokens};

#[tokio::test]
async fn a_refresh_gives_tokens_that_work() {
    let service = Service::start().await;
    let first = service.sign_up("ann").await;
    let answer = service.refresh(&first.refresh).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let second = Tokens::of(&answer);
    assert_ne!(second.refresh, first.refresh);
    assert_ne!(second.access, first.access);
    assert_eq!(
        service.get("/auth/me", &second.access).await.status,
        StatusCode::OK
    );
    assert_eq!(
        service.refresh(&second.refresh).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn fifty_identical_refreshes_at_once_get_the_same_child() {
    let service = Service::start().await;
    let tokens = service.sign_up("ann").await;
    let all =
        futures_util::future::join_all((0..50).map(|_| service.refresh(&tokens.refresh))).await;
    let child = &all[0].body["refresh_token"];
    for answer in &all {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(&answer.body["refresh_token"], child);
    }
    assert_eq!(
        service.refresh(child.as_str().unwrap()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_old_token_after_its_grace_ends_the_session_and_its_sockets() {
    let service = Service::with(&[("APP__TOKENS__REFRESH_GRACE", "1s")]).await;
    let first = service.sign_up("ann").await;
    let second = Tokens::of(&service.refresh(&first.refresh).await);
    let mut socket = service.socket(&second.access).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    service
        .refresh(&first.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
    assert_eq!(u16::from(socket.closed().await.code), 4503);
    service
        .refresh(&second.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
    service
        .get("/auth/me", &second.access)
        .await
        .is_problem(401, "invalid-token");
}

#[tokio::test]
async fn a_grandparent_ends_the_session_at_once() {
    let service = Service::start().await;
    let first = service.sign_up("ann").await;
    let second = Tokens::of(&service.refresh(&first.refresh).await);
    let third = Tokens::of(&service.refresh(&second.refresh).await);
    service
        .refresh(&first.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
    service
        .refresh(&third.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
}

#[tokio::test]
async fn another_session_is_not_harmed() {
    let service = Service::with(&[("APP__TOKENS__REFRESH_GRACE", "0s")]).await;
    let here = service.sign_up("ann").await;
    let there = service.sign_in("ann").await;
    let mut socket = service.socket(&there.access).await;
    service.refresh(&here.refresh).await;
    service
        .refresh(&here.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
    socket.hears_nothing_but_itself().await;
    assert_eq!(service.refresh(&there.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn forged_refresh_tokens_change_nothing() {
    let service = Service::start().await;
    let tokens = service.sign_up("ann").await;
    let other = service.sign_in("ann").await;
    let mut forged: Vec<String> = vec![
        String::new(),
        "x".into(),
        tokens.access.clone(),
        format!("{}A", tokens.refresh),
        tokens.refresh[1..].into(),
        "A".repeat(tokens.refresh.len()),
        // The signature of one session's token behind the id of another's.
        format!("{}{}", &tokens.refresh[..26], &other.refresh[26..]),
    ];
    // Every bit counts: the id, the counter and the signature.
    for position in [0, 10, 22, 24, 30, 50, tokens.refresh.len() - 2] {
        let mut bytes = tokens.refresh.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        forged.push(String::from_utf8(bytes).unwrap());
    }
    for token in forged {
        service
            .refresh(&token)
            .await
            .is_problem(401, "invalid-refresh-token");
    }
    assert_eq!(
        service.refresh(&tokens.refresh).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_refreshed() {
    // The shortest that may be configured; time itself is the store's law.
    let service = Service::with(&[
        ("APP__TOKENS__REFRESH_IDLE_TTL", "60s"),
        ("APP__TOKENS__REFRESH_ABSOLUTE_TTL", "60s"),
        ("APP__TOKENS__ACCESS_TTL", "10m"),
    ])
    .await;
    let answer = service.register("ann", crate::service::PASSWORD).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let answer = service.login("ann", crate::service::PASSWORD).await;
    // No access token outlives its session.
    assert!(answer.body["expires_in"].as_u64().unwrap() <= 60);
}
