//! How often one user may ask, wherever from.

use reqwest::StatusCode;

use super::comes_back_within;
use crate::{
    mint,
    service::{Service, Tokens},
    socket::Socket,
};

#[tokio::test]
async fn a_user_refreshes_so_often() {
    let service = Service::with(&[("APP__LIMITS__USER_REFRESHES_PER_MINUTE", "2")]).await;
    let (ann, bob) = (service.sign_up("ann").await, service.sign_up("bob").await);
    let second = Tokens::of(&service.refresh(&ann.refresh).await);
    let third = Tokens::of(&service.refresh(&second.refresh).await);
    let refused = service.refresh(&third.refresh).await;
    refused.is_problem(429, "too-many-requests");
    comes_back_within(&refused, 60);
    // It is still as good as it was, and nobody else is held up.
    assert_eq!(service.get("/auth/me", &third.access).await.status, 200);
    assert_eq!(service.refresh(&bob.refresh).await.status, StatusCode::OK);
    let service = service.restart().await;
    let again = service.refresh(&third.refresh).await;
    assert_eq!(again.status, StatusCode::OK, "{again:?}");
}

#[tokio::test]
async fn tokens_that_are_not_authentic_are_not_counted_as_the_users() {
    let service = Service::with(&[("APP__LIMITS__USER_REFRESHES_PER_MINUTE", "1")]).await;
    let ann = service.sign_up("ann").await;
    // The same session, and another signature.
    let mut forged = ann.refresh.clone().into_bytes();
    let last = forged.len() - 3;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for _ in 0..10 {
        let refused = service.refresh(&forged).await;
        refused.is_problem(401, "invalid-refresh-token");
    }
    assert_eq!(service.refresh(&ann.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_user_asks_for_so_many_sockets() {
    let service = Service::with(&[("APP__LIMITS__USER_CONNECTS_PER_MINUTE", "2")]).await;
    let token = mint::token(&mint::claims("lobby"));
    let mut first = service.socket(&token).await;
    service.socket(&token).await;
    let refused = Socket::open(service.address, &token).await.err().unwrap();
    refused.is_problem(429, "too-many-requests");
    assert!(refused.retry_after);
    // Those that are open stay, and others come in.
    service.socket_in("attic").await;
    first.hears_nothing_but_itself().await;
}
