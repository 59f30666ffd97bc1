//! How often one address may ask.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{BEHIND_A_PROXY, comes_back_within, login_from, post_from};
use crate::{
    mint,
    service::{Answer, Service},
    socket::{Socket, request},
};

/// What each operation may be asked for in a minute in these tests.
const TWICE: [(&str, &str); 4] = [
    ("APP__LIMITS__LOGINS_PER_MINUTE", "2"),
    ("APP__LIMITS__REGISTRATIONS_PER_MINUTE", "2"),
    ("APP__LIMITS__REFRESHES_PER_MINUTE", "2"),
    ("APP__LIMITS__CONNECTS_PER_MINUTE", "2"),
];

async fn start(more: &[(&str, &str)]) -> Service {
    Service::with(&[&TWICE, more].concat()).await
}

/// Bodies that are good enough to be looked at.
fn operations() -> [(&'static str, Value); 3] {
    [
        (
            "/auth/login",
            json!({"username": "nobody", "password": "x"}),
        ),
        (
            "/auth/register",
            json!({"username": "nobody", "password": "x"}),
        ),
        ("/auth/refresh", json!({"refresh_token": "x"})),
    ]
}

#[track_caller]
fn is_too_many(answer: &Answer) {
    answer.is_problem(429, "too-many-requests");
    comes_back_within(answer, 60);
}

async fn connect(service: &Service, address: &str) -> Result<Socket, u16> {
    let token = mint::token(&mint::claims("lobby"));
    let asked = request(service.address)
        .with_header("X-Forwarded-For", address)
        .with_sub_protocol("bearer")
        .with_sub_protocol(token);
    Socket::ask(asked).await.map_err(|refused| {
        if refused.status == StatusCode::TOO_MANY_REQUESTS {
            refused.is_problem(429, "too-many-requests");
            assert!(refused.retry_after);
        }
        refused.status.as_u16()
    })
}

#[tokio::test]
async fn each_operation_is_limited_by_itself_for_each_address() {
    let service = start(&[BEHIND_A_PROXY]).await;
    for (path, body) in operations() {
        for address in ["198.51.100.1", "198.51.100.2"] {
            for _ in 0..2 {
                let answer = post_from(&service, address, path, body.clone()).await;
                assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
            }
            is_too_many(&post_from(&service, address, path, body.clone()).await);
        }
    }
    for address in ["198.51.100.1", "198.51.100.2"] {
        for _ in 0..2 {
            assert!(connect(&service, address).await.is_ok());
        }
        assert_eq!(connect(&service, address).await.err(), Some(429));
    }
}

#[tokio::test]
async fn of_ipv6_a_whole_network_is_one_client() {
    let service = start(&[BEHIND_A_PROXY]).await;
    for (path, body) in operations() {
        for host in ["2001:db8::1", "2001:db8::2"] {
            let answer = post_from(&service, host, path, body.clone()).await;
            assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        }
        is_too_many(&post_from(&service, "2001:db8::ffff:3", path, body.clone()).await);
        let next = post_from(&service, "2001:db8:0:1::1", path, body).await;
        assert_ne!(next.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    for host in ["2001:db8::1", "2001:db8::2"] {
        assert!(connect(&service, host).await.is_ok());
    }
    assert_eq!(connect(&service, "2001:db8::3").await.err(), Some(429));
    assert!(connect(&service, "2001:db8:0:1::1").await.is_ok());
}

#[tokio::test]
async fn ipv4_in_ipv6_is_ipv4() {
    let service = start(&[BEHIND_A_PROXY]).await;
    for address in ["198.51.100.1", "::ffff:198.51.100.1"] {
        login_from(&service, address, "nobody", "x").await;
    }
    is_too_many(&login_from(&service, "198.51.100.1", "nobody", "x").await);
    let neighbour = login_from(&service, "::ffff:198.51.100.2", "nobody", "x").await;
    neighbour.is_problem(401, "invalid-credentials");
}

#[tokio::test]
async fn nobody_chooses_an_address_for_oneself() {
    // Nobody is trusted: all are who they come from.
    let service = start(&[("APP__HTTP__TRUSTED_PROXIES", "[]")]).await;
    for (path, body) in operations() {
        for host in 1..=2 {
            let spoofed = format!("198.51.100.{host}");
            let answer = post_from(&service, &spoofed, path, body.clone()).await;
            assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        }
        is_too_many(&post_from(&service, "198.51.100.3", path, body).await);
    }
    for host in 1..=2 {
        assert!(
            connect(&service, &format!("198.51.100.{host}"))
                .await
                .is_ok()
        );
    }
    assert_eq!(connect(&service, "198.51.100.3").await.err(), Some(429));

    // The proxy is trusted, and what its client wrote is not.
    let service = start(&[BEHIND_A_PROXY]).await;
    for host in 1..=2 {
        let spoofed = format!("203.0.113.{host}, 198.51.100.1");
        let answer = login_from(&service, &spoofed, "nobody", "x").await;
        answer.is_problem(401, "invalid-credentials");
    }
    let spoofed = "203.0.113.3, 198.51.100.1";
    is_too_many(&login_from(&service, spoofed, "nobody", "x").await);
}

#[tokio::test]
async fn what_is_too_much_costs_no_hash_and_is_not_read() {
    let service = start(&[BEHIND_A_PROXY]).await;
    for _ in 0..2 {
        login_from(&service, "198.51.100.1", "nobody", "x").await;
    }
    let before = service.passwords.stats().done;
    for _ in 0..50 {
        is_too_many(&login_from(&service, "198.51.100.1", "nobody", "x").await);
    }
    is_too_many(&post_from(&service, "198.51.100.1", "/auth/login", json!([])).await);
    assert_eq!(service.passwords.stats().done, before);
}

#[tokio::test]
async fn zero_is_no_limit() {
    let service = Service::with(&[BEHIND_A_PROXY]).await;
    for (path, body) in operations() {
        for _ in 0..50 {
            let answer = post_from(&service, "198.51.100.1", path, body.clone()).await;
            // Of failures there is another limit.
            let slug = answer.body["type"].as_str().unwrap();
            assert_ne!(slug, "urn:problem-type:too-many-requests");
        }
    }
}
