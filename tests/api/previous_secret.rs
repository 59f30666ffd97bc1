//! The shared secret is changed, in two steps, and nobody is signed out.

use reqwest::StatusCode;

use crate::{
    mint,
    service::{Service, Tokens},
    socket::Socket,
};

const OLD: &str = mint::SECRET;
const NEW: &str = "a-secret-of-tests-4be08a532c61d07f";

/// The variables of a step: what signs, and what verifies beside it.
fn step<'a>(current: &'a str, previous: &'a str) -> [(&'a str, &'a str); 2] {
    [("JWT_SECRET", current), ("JWT_SECRET_PREVIOUS", previous)]
}

async fn is_valid(service: &Service, tokens: &Tokens) -> bool {
    let me = service.get("/auth/me", &tokens.access).await.status;
    let socket = Socket::open(service.address, &tokens.access).await;
    let valid = me == StatusCode::OK;
    assert_eq!(socket.is_ok(), valid, "HTTP and the gate are of one mind");
    if let Ok(mut socket) = socket {
        socket.hears_nothing_but_itself().await;
    }
    valid
}

async fn refreshed(service: &Service, tokens: &Tokens) -> Tokens {
    let answer = service.refresh(&tokens.refresh).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    Tokens::of(&answer)
}

#[tokio::test]
async fn a_secret_is_changed_and_sessions_live_on() {
    let service = Service::start().await;
    let old = service.sign_up("ann").await;
    let idle = service.sign_in("ann").await;

    // Every node accepts what none makes yet.
    let service = service.restart_with(&step(OLD, NEW)).await;
    assert!(is_valid(&service, &old).await);
    let old = refreshed(&service, &old).await;

    // The new one signs; what the old one signed is good.
    let service = service.restart_with(&step(NEW, OLD)).await;
    assert!(is_valid(&service, &old).await);
    let new = refreshed(&service, &old).await;
    assert!(is_valid(&service, &new).await);
    // A lost answer: the same token again gets the same child.
    let again = refreshed(&service, &old).await;
    assert_eq!(again.refresh, new.refresh);

    // A node that is still at the step before takes what this one makes.
    let service = service.restart_with(&step(OLD, NEW)).await;
    assert!(is_valid(&service, &new).await);
    let back = refreshed(&service, &new).await;
    let service = service.restart_with(&step(NEW, OLD)).await;
    let new = refreshed(&service, &back).await;

    // The old one is over, and with it who has not come back in between.
    let service = service.restart_with(&step(NEW, "")).await;
    assert!(is_valid(&service, &new).await);
    let new = refreshed(&service, &new).await;
    assert!(is_valid(&service, &new).await);
    assert!(!is_valid(&service, &idle).await);
    service
        .refresh(&idle.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
}

/// Somebody else's back end, which doesn't name its key, has the one or the
/// other.
#[tokio::test]
async fn a_token_that_names_no_key_may_be_of_either_secret() {
    let service = Service::with(&step(NEW, OLD)).await;
    let header = serde_json::json!({"typ": "at+jwt", "alg": "HS256"});
    for (secret, valid) in [(OLD, true), (NEW, true), ("another secret", false)] {
        let token = mint::signed(&header, &mint::claims("lobby"), secret);
        let socket = Socket::open(service.address, &token).await;
        assert_eq!(socket.is_ok(), valid, "{secret}");
    }
}

/// A secret that is to come opens nothing before it is accepted.
#[tokio::test]
async fn a_secret_that_is_not_told_is_not_accepted() {
    let service = Service::with(&step(NEW, "")).await;
    let tokens = service.sign_up("ann").await;
    let service = service.restart_with(&step(OLD, "")).await;
    assert!(!is_valid(&service, &tokens).await);
    service
        .refresh(&tokens.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
}
