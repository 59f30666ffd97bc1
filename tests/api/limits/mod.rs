//! Limits on abuse: how often one client may ask, and how slow guessing is.

mod addresses;
mod attacks;
mod guesses;
mod timing;
mod users;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use service::{assembly, clock, wiring};

use crate::service::{Answer, PASSWORD, Service, Tokens};

const WRONG: &str = "seven-lamps-under-water";

/// Whoever connects is a proxy that says for whom.
const BEHIND_A_PROXY: (&str, &str) = ("APP__HTTP__TRUSTED_PROXIES", "127.0.0.1");

/// So long that a test is over before.
const LONG_DELAYS: [(&str, &str); 2] = [
    ("APP__LIMITS__FAILURE_DELAY", "10m"),
    ("APP__LIMITS__MAX_FAILURE_DELAY", "10m"),
];

/// A service behind a proxy, which makes whoever guesses wait for long.
async fn slow_to_guess() -> Service {
    let [delay, longest] = LONG_DELAYS;
    Service::with(&[BEHIND_A_PROXY, delay, longest]).await
}

/// What a client at an address, behind the proxy, is answered.
async fn post_from(service: &Service, address: &str, path: &str, body: Value) -> Answer {
    let asked = service.request(Method::POST, path);
    let asked = asked.header("x-forwarded-for", address).json(&body);
    Answer::of(asked).await
}

async fn login_from(service: &Service, address: &str, name: &str, password: &str) -> Answer {
    let body = json!({"username": name, "password": password});
    post_from(service, address, "/auth/login", body).await
}

/// Signs in from an address, which is known from then on.
async fn sign_in_from(service: &Service, address: &str, name: &str) -> Tokens {
    let answer = login_from(service, address, name, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    Tokens::of(&answer)
}

/// The answer says when to come back, in seconds.
#[track_caller]
fn comes_back_within(answer: &Answer, most: u64) {
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=most).contains(&seconds), "{seconds}");
}

/// Guesses from that address until it has to wait; how many were looked at.
async fn guess_from(service: &Service, address: &str, name: &str) -> usize {
    for guesses in 0..100 {
        let answer = login_from(service, address, name, WRONG).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            answer.is_problem(429, "too-many-attempts");
            return guesses;
        }
        answer.is_problem(401, "invalid-credentials");
    }
    panic!("nothing stops it");
}

/// Disables an account, as operators do.
async fn disable(service: &Service, name: &str) {
    let config = service.config();
    let stores = wiring::open_stores(&config).await.unwrap().unwrap();
    assembly::administration(&config, &stores, "operator".to_owned())
        .disable(name, clock::now())
        .await
        .unwrap();
}
