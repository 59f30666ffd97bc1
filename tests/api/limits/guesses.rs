//! Guessing a password is slow.

use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use test_servers::Place;

use super::{
    BEHIND_A_PROXY, LONG_DELAYS, WRONG, comes_back_within, disable, guess_from, login_from,
    sign_in_from, slow_to_guess,
};
use crate::{
    node::Node,
    service::{Answer, PASSWORD, Service},
};

/// As many as are set by default.
const FREE: usize = 5;

/// Everything in an answer that is the same for all.
fn essence(answer: &Answer) -> (StatusCode, String, Vec<String>) {
    let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (answer.status, answer.body_without_id().to_string(), names)
}

#[tokio::test]
async fn whoever_guesses_has_to_wait_whether_or_not_there_is_such_an_account() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    service.register("bob", PASSWORD).await;
    disable(&service, "bob").await;
    let mut answers = Vec::new();
    for name in ["ann", "nobody", "bob"] {
        assert_eq!(
            guess_from(&service, "198.51.100.1", name).await,
            FREE,
            "{name}"
        );
        // However it is spelled, and if it is right.
        for (name, password) in [(name.to_uppercase(), WRONG), (name.to_owned(), PASSWORD)] {
            let answer = login_from(&service, "198.51.100.1", &name, password).await;
            answer.is_problem(429, "too-many-attempts");
            comes_back_within(&answer, 600);
            answers.push(essence(&answer));
        }
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn whoever_has_to_wait_costs_no_hash() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    guess_from(&service, "198.51.100.1", "ann").await;
    let before = service.passwords.stats().done;
    for _ in 0..20 {
        let answer = login_from(&service, "198.51.100.1", "ann", WRONG).await;
        answer.is_problem(429, "too-many-attempts");
    }
    assert_eq!(service.passwords.stats().done, before);
}

#[tokio::test]
async fn of_a_hundred_guesses_at_once_no_more_are_looked_at() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    for name in ["ann", "nobody"] {
        let before = service.passwords.stats().done;
        let guesses = (0..100).map(|_| login_from(&service, "198.51.100.1", name, WRONG));
        let answers = join_all(guesses).await;
        let looked_at = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::UNAUTHORIZED)
            .count();
        assert_eq!(looked_at, FREE, "{name}");
        assert_eq!(service.passwords.stats().done - before, 5);
    }
}

#[tokio::test]
async fn a_right_password_resets_the_count() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    for _ in 0..3 {
        for _ in 1..FREE {
            let answer = login_from(&service, "198.51.100.1", "ann", WRONG).await;
            answer.is_problem(401, "invalid-credentials");
        }
        sign_in_from(&service, "198.51.100.1", "ann").await;
    }
    // And only a right one does.
    disable(&service, "ann").await;
    for _ in 0..FREE {
        let answer = login_from(&service, "198.51.100.1", "ann", PASSWORD).await;
        answer.is_problem(401, "invalid-credentials");
    }
    let answer = login_from(&service, "198.51.100.1", "ann", PASSWORD).await;
    answer.is_problem(429, "too-many-attempts");
}

#[tokio::test]
async fn a_delay_ends() {
    let service = Service::with(&[
        ("APP__LIMITS__FREE_FAILURES", "1"),
        ("APP__LIMITS__FAILURE_DELAY", "10ms"),
        ("APP__LIMITS__MAX_FAILURE_DELAY", "20ms"),
    ])
    .await;
    service.register("ann", PASSWORD).await;
    for _ in 0..5 {
        crate::service::until_async("a guess is looked at", async || {
            service.login("ann", WRONG).await.status == StatusCode::UNAUTHORIZED
        })
        .await;
    }
    crate::service::until_async("ann is let in", async || {
        service.login("ann", PASSWORD).await.status == StatusCode::OK
    })
    .await;
}

#[tokio::test]
async fn a_restart_forgets_no_guess() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    for name in ["ann", "nobody"] {
        guess_from(&service, "198.51.100.1", name).await;
    }
    let service = service.restart().await;
    for name in ["ann", "nobody"] {
        assert_eq!(guess_from(&service, "198.51.100.1", name).await, 0);
    }
}

#[tokio::test]
async fn two_nodes_count_together() {
    let place = Arc::new(Place::new());
    let one = Node::start_at(place.clone(), "127.0.0.1:0", &LONG_DELAYS).await;
    let other = Node::start_at(place, "127.0.0.1:0", &LONG_DELAYS).await;
    one.register("ann").await;
    for name in ["ann", "nobody"] {
        let guess = json!({"username": name, "password": WRONG});
        let guesses = (0..20).map(|number| {
            let node = if number % 2 == 0 { &one } else { &other };
            node.post("/auth/login", guess.clone())
        });
        let answers = join_all(guesses).await;
        let looked_at = answers
            .iter()
            .filter(|answer| answer.status == StatusCode::UNAUTHORIZED)
            .count();
        assert_eq!(looked_at, FREE, "{name}");
    }
}

#[tokio::test]
async fn the_current_password_is_not_guessed_either() {
    let service = slow_to_guess().await;
    service.register("ann", PASSWORD).await;
    let thief = sign_in_from(&service, "198.51.100.1", "ann").await;
    let owner = sign_in_from(&service, "198.51.100.1", "ann").await;
    let change = json!({"current_password": WRONG, "new_password": "plum-lamp-under-91"});
    for _ in 0..FREE {
        let answer = service.post_as(&thief.access, "/auth/password", change.clone());
        answer.await.is_problem(401, "invalid-credentials");
    }
    let right = json!({"current_password": PASSWORD, "new_password": "plum-lamp-under-91"});
    let answer = service
        .post_as(&thief.access, "/auth/password", right.clone())
        .await;
    answer.is_problem(429, "too-many-attempts");
    comes_back_within(&answer, 600);
    // Each session for itself: that one keeps nobody else from changing it.
    let answer = service
        .post_as(&owner.access, "/auth/password", right)
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
}

#[tokio::test]
async fn what_is_no_name_is_nobodys() {
    let service = slow_to_guess().await;
    for _ in 0..3 * FREE {
        let answer = login_from(&service, "198.51.100.1", "no name", WRONG).await;
        answer.is_problem(401, "invalid-credentials");
    }
}

#[tokio::test]
async fn delays_can_be_switched_off() {
    let service = Service::with(&[BEHIND_A_PROXY, ("APP__LIMITS__FAILURE_DELAY", "0s")]).await;
    service.register("ann", PASSWORD).await;
    for _ in 0..3 * FREE {
        let answer = login_from(&service, "198.51.100.1", "ann", WRONG).await;
        answer.is_problem(401, "invalid-credentials");
    }
    sign_in_from(&service, "198.51.100.1", "ann").await;
}
