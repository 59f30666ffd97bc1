//! Somebody guesses, and the owner of the account goes on as before.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use service::accounts::guesses::SHARES;

use super::{WRONG, guess_from, login_from, post_from, sign_in_from, slow_to_guess};
use crate::service::{PASSWORD, Service, Tokens};

/// Where the owner is at home, and what else is there.
const HOME: &str = "192.0.2.7";

/// Guesses from everywhere until everybody has to wait; how many were looked at.
async fn besiege(service: &Service, name: &str) -> usize {
    let mut looked_at = 0;
    for provider in 0..100 {
        looked_at += guess_from(service, &format!("203.{provider}.113.1"), name).await;
    }
    looked_at
}

#[tokio::test]
async fn the_owner_goes_on_and_signs_in_while_somebody_guesses() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    let tokens = sign_in_from(&service, HOME, "ann").await;
    let mut socket = service.socket(&tokens.access).await;

    // Five of each share of the strangers, from as many places as one has.
    assert_eq!(besiege(&service, "ann").await, 5 * usize::from(SHARES));
    for provider in 0..100 {
        let stranger = format!("203.{provider}.113.9");
        let answer = login_from(&service, &stranger, "ann", PASSWORD).await;
        answer.is_problem(429, "too-many-attempts");
    }

    socket.hears_nothing_but_itself().await;
    assert_eq!(service.get("/auth/me", &tokens.access).await.status, 200);
    let refreshed = json!({"refresh_token": tokens.refresh});
    let refreshed = post_from(&service, "203.1.113.1", "/auth/refresh", refreshed).await;
    let refreshed = Tokens::of(&refreshed);
    service.socket(&refreshed.access).await;
    // From home, as often as it takes, and with some mistakes.
    for _ in 0..3 {
        let mistake = login_from(&service, HOME, "ann", WRONG).await;
        mistake.is_problem(401, "invalid-credentials");
        sign_in_from(&service, HOME, "ann").await;
    }
    let change = json!({"current_password": PASSWORD, "new_password": "plum-lamp-under-91"});
    let changed = service
        .post_as(&refreshed.access, "/auth/password", change)
        .await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{changed:?}");
    socket.hears_nothing_but_itself().await;
    // What helped the owner helps nobody else.
    assert_eq!(besiege(&service, "ann").await, 0);
}

#[tokio::test]
async fn the_owner_signs_in_at_home_when_strangers_keep_all_threads_busy() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    sign_in_from(&service, HOME, "ann").await;
    let passwords = &service.passwords;
    let strangers: Vec<_> = std::iter::from_fn(|| passwords.reserve_for_stranger().ok()).collect();
    assert!(!strangers.is_empty());
    for name in ["ann", "nobody"] {
        let answer = login_from(&service, "203.0.113.1", name, PASSWORD).await;
        answer.is_problem(503, "busy");
    }
    let answer = login_from(&service, HOME, "nobody", PASSWORD).await;
    answer.is_problem(503, "busy");
    sign_in_from(&service, HOME, "ann").await;
}

#[tokio::test]
async fn home_is_a_whole_network_of_ipv6() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    sign_in_from(&service, "2001:db8:7::1", "ann").await;
    besiege(&service, "ann").await;
    sign_in_from(&service, "2001:db8:7:0:1:2:3:4", "ann").await;
}

#[tokio::test]
async fn whoever_guesses_from_one_provider_keeps_few_strangers_out() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    for host in 1..=50 {
        let guesses = guess_from(&service, &format!("203.0.113.{host}"), "ann").await;
        assert_eq!(guesses, if host == 1 { 5 } else { 0 });
    }
    let mut let_in = 0;
    for provider in 0..80 {
        let owner = format!("198.{provider}.100.1");
        let answer = login_from(&service, &owner, "ann", PASSWORD).await;
        let_in += usize::from(answer.status == StatusCode::OK);
    }
    // Seven of eight on average.
    assert!(let_in >= 40, "{let_in}");
}

#[tokio::test]
async fn whoever_guesses_for_many_accounts_gets_no_more_from_each() {
    let service = slow_to_guess().await;
    let mut looked_at = 0;
    for number in 0..20 {
        let name = format!("user{number}");
        let guesses = (0..40).map(|host| {
            let (service, name) = (&service, &name);
            async move { login_from(service, &format!("203.0.113.{host}"), name, WRONG).await }
        });
        looked_at += join_all(guesses)
            .await
            .iter()
            .filter(|answer| answer.status == StatusCode::UNAUTHORIZED)
            .count();
    }
    assert_eq!(looked_at, 20 * 5);
    assert_eq!(service.passwords.stats().done, 20 * 5);
}
