//! Why the service ends a socket, and that it says so.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::{
    mint,
    service::{Service, Tokens, until},
};

#[tokio::test]
async fn a_socket_ends_with_its_token_and_comes_back_with_the_next() {
    let service = Service::with(&[
        ("APP__TOKENS__ACCESS_TTL", "2s"),
        ("APP__TOKENS__LEEWAY", "0s"),
    ])
    .await;
    let first = service.sign_up("ann").await;
    let mut socket = service.socket(&first.access).await;
    socket.hears_nothing_but_itself().await;
    let closed = socket.closed().await;
    assert_eq!(u16::from(closed.code), 4401);
    assert!(!closed.reason.is_empty());
    let refused = crate::socket::Socket::open(service.address, &first.access)
        .await
        .err()
        .unwrap();
    refused.is_problem(403, "token-required");
    let second = Tokens::of(&service.refresh(&first.refresh).await);
    service
        .socket(&second.access)
        .await
        .hears_nothing_but_itself()
        .await;
}

#[tokio::test]
async fn whoever_talks_too_fast_is_closed() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "10")]).await;
    let mut bystander = service.socket_in("lobby").await;
    let mut socket = service.socket_in("lobby").await;
    for number in 0..11 {
        socket.say(&number.to_string()).await;
    }
    assert_eq!(u16::from(socket.closed().await.code), 4429);
    for number in 0..10 {
        assert_eq!(bystander.hear().await, number.to_string());
    }
    bystander.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_stays_while_it_answers() {
    let service = Service::with(&[
        ("APP__WS__HEARTBEAT_INTERVAL", "1s"),
        ("APP__WS__HEARTBEAT_TIMEOUT", "500ms"),
    ])
    .await;
    let mut socket = service.socket_in("lobby").await;
    // Reading answers pings: the library does so by itself.
    let listening = async {
        loop {
            let _ = futures_util::StreamExt::next(&mut socket.stream).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(3500), listening).await;
    assert_eq!(service.gateway.sockets().count(), 1);
    socket.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_let_go() {
    let service = Service::with(&[
        ("APP__WS__HEARTBEAT_INTERVAL", "1s"),
        ("APP__WS__HEARTBEAT_TIMEOUT", "200ms"),
        ("APP__WS__CLOSE_TIMEOUT", "200ms"),
    ])
    .await;
    let socket = service.socket_in("lobby").await;
    let sockets = service.gateway.sockets().clone();
    until("the dead peer is gone", || sockets.count() == 0).await;
    drop(socket);
}

#[tokio::test]
async fn a_peer_that_vanishes_mid_frame_leaves_nothing_behind() {
    let service = Service::start().await;
    let mut socket = service.socket_in("lobby").await;
    if let tokio_tungstenite::MaybeTlsStream::Plain(tcp) = socket.stream.get_mut() {
        tcp.write_all(&[0x81, 0xFE, 0xFF]).await.unwrap();
    }
    drop(socket);
    let (sockets, hubs) = (
        service.gateway.sockets().clone(),
        service.gateway.hubs().clone(),
    );
    until("nothing is left", || {
        sockets.count() == 0 && hubs.rooms() == 0
    })
    .await;
}

#[tokio::test]
async fn a_socket_whose_token_has_ended_says_nothing_more() {
    let service = Service::with(&[("APP__TOKENS__LEEWAY", "10s")]).await;
    let mut bystander = service.socket_in("lobby").await;
    let mut claims = mint::claims("lobby");
    // Over, but within the leeway: let in, and out again at once.
    claims["exp"] = (mint::now() - 2).into();
    let mut socket = service.socket(&mint::token(&claims)).await;
    assert_eq!(u16::from(socket.closed().await.code), 4401);
    bystander.hears_nothing_but_itself().await;
}
