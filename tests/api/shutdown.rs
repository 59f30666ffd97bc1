//! Going down in order: readiness first, sockets told, requests finished.

use reqwest::{Method, StatusCode};

use crate::service::{Answer, Service, soon, until};

#[tokio::test]
async fn sockets_are_told_to_come_back() {
    let mut service = Service::with(&[("APP__SHUTDOWN__CLOSE_JITTER", "100ms")]).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(service.socket_in("lobby").await);
    }
    service.begin_stop();
    for socket in &mut sockets {
        assert_eq!(u16::from(socket.closed().await.code), 1012);
    }
    drop(sockets);
    service.stop().await;
}

#[tokio::test]
async fn readiness_fails_before_the_listener_closes() {
    let mut service = Service::with(&[("APP__SHUTDOWN__DRAIN_DELAY", "2s")]).await;
    let mut socket = service.socket_in("lobby").await;
    service.begin_stop();
    let ready = || Answer::of(service.request(Method::GET, "/readyz"));
    let answer = soon(async {
        loop {
            let answer = ready().await;
            if answer.status != StatusCode::OK {
                return answer;
            }
        }
    })
    .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["status"], "draining");
    // Still serving, until whoever sends requests here has noticed.
    assert_eq!(
        Answer::of(service.request(Method::GET, "/livez"))
            .await
            .status,
        StatusCode::OK
    );
    socket.hears_nothing_but_itself().await;
    assert_eq!(u16::from(socket.closed().await.code), 1012);
    drop(socket);
    service.stop().await;
}

#[tokio::test]
async fn nobody_new_is_let_in_once_the_listener_is_closed() {
    let mut service = Service::with(&[
        ("APP__SHUTDOWN__CLOSE_JITTER", "0s"),
        ("APP__SHUTDOWN__DEADLINE", "60s"),
        ("APP__WS__CLOSE_TIMEOUT", "60s"),
    ])
    .await;
    // It keeps the service draining, for it never answers the close frame.
    let socket = service.socket_in("lobby").await;
    service.begin_stop();
    let address = service.address;
    soon(async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(socket);
    service.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_finished() {
    // Four passes over 64 MiB: long enough to be under way.
    let mut service = Service::with(&[
        ("APP__PASSWORDS__MEMORY_KIB", "65536"),
        ("APP__PASSWORDS__ITERATIONS", "4"),
    ])
    .await;
    let registering = {
        let request = service
            .request(Method::POST, "/auth/register")
            .json(&serde_json::json!({"username": "ann", "password": crate::service::PASSWORD}));
        tokio::spawn(Answer::of(request))
    };
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    service.begin_stop();
    assert_eq!(soon(registering).await.unwrap().status, StatusCode::CREATED);
    service.stop().await;
}

#[tokio::test]
async fn a_peer_that_does_not_close_is_not_waited_for_beyond_the_deadline() {
    let mut service = Service::with(&[
        ("APP__SHUTDOWN__CLOSE_JITTER", "0s"),
        ("APP__SHUTDOWN__DEADLINE", "1s"),
        ("APP__WS__CLOSE_TIMEOUT", "60s"),
    ])
    .await;
    let socket = service.socket_in("lobby").await;
    let sockets = service.gateway.sockets().clone();
    until("the socket is there", || sockets.count() == 1).await;
    service.stop().await;
    drop(socket);
}
