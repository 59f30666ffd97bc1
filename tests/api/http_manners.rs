//! What every client, browser and proxy may expect of an HTTP API.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::service::{Answer, Service, soon};

/// Sends bytes as they are, and reads until the service closes.
pub async fn raw(service: &Service, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    // The service may have answered, and closed, before it has read all of it.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let service = Service::start().await;
    let get = |path: &'static str| Answer::of(service.request(Method::GET, path));
    for path in [
        "/page",
        "/auth",
        "/auth/login/",
        "/nothing",
        "/auth/%2e%2e/x",
    ] {
        get(path).await.is_problem(404, "not-found");
    }
    let wrong = get("/auth/login").await;
    wrong.is_problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), "POST");
}

#[tokio::test]
async fn no_method_is_answered_that_is_not_described() {
    let service = Service::start().await;
    for method in ["TRACE", "TRACK", "PATCH", "PROPFIND", "BREW"] {
        for path in ["/auth/login", "/auth/me", "/rooms", "/livez", "/ws"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let secret = service.request(method, path).header("x-secret", "quokka");
            let answer = Answer::of(secret).await;
            answer.is_problem(405, "method-not-allowed");
            assert!(!answer.body.to_string().contains("quokka"));
        }
    }
}

#[tokio::test]
async fn probes_answer_without_a_token() {
    let service = Service::start().await;
    for path in ["/health", "/livez", "/readyz"] {
        let answer = Answer::of(service.request(Method::GET, path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    let health = Answer::of(service.request(Method::GET, "/health")).await;
    assert_eq!(health.body["status"], "ok");
    assert_eq!(health.body["store"], "ok");
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_others_may_not() {
    let service = Service::start().await;
    let preflight = |origin: &'static str| {
        Answer::of(
            service
                .request(Method::OPTIONS, "/auth/login")
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header(
                    "access-control-request-headers",
                    "authorization,content-type,idempotency-key",
                ),
        )
    };
    let listed = preflight("http://localhost:3000").await;
    assert_eq!(
        listed.header("access-control-allow-origin"),
        "http://localhost:3000"
    );
    assert!(
        listed
            .header("access-control-allow-headers")
            .contains("authorization,content-type,idempotency-key")
    );
    assert!(
        listed
            .header("access-control-allow-headers")
            .ends_with("traceparent,tracestate")
    );
    assert!(listed.header("vary").contains("origin"));
    let unlisted = preflight("http://evil.example").await;
    assert_eq!(unlisted.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_request_keeps_its_id_if_it_is_harmless() {
    let service = Service::start().await;
    let with_id = |id: &'static str| {
        Answer::of(
            service
                .request(Method::GET, "/livez")
                .header("x-request-id", id),
        )
    };
    assert_eq!(with_id("abc-123").await.header("x-request-id"), "abc-123");
    for id in ["a b", "x\"y", ""] {
        let given = with_id(id).await.header("x-request-id").to_owned();
        assert!(given.len() == 36 && given != id, "{given}");
    }
}

#[tokio::test]
async fn a_problem_says_of_which_request_it_is() {
    let service = Service::start().await;
    for (method, path, status) in [
        (Method::GET, "/nothing", 404),
        (Method::DELETE, "/livez", 405),
        (Method::GET, "/auth/me", 401),
        (Method::POST, "/auth/login", 415),
        (Method::GET, "/ws", 426),
    ] {
        let answer = Answer::of(service.request(method, path)).await;
        assert_eq!(answer.status.as_u16(), status);
        let id = answer.header("x-request-id");
        assert!(!id.is_empty());
        assert_eq!(answer.body["request_id"], id, "{path}");
        let given = service.request(Method::GET, "/nothing");
        let answer = Answer::of(given.header("x-request-id", "abc-123")).await;
        assert_eq!(answer.body["request_id"], "abc-123");
    }
    // The answer is as long as it says.
    let head = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = raw(&service, head.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    assert_eq!(length.unwrap().parse(), Ok(body.len()), "{answer}");
}

#[tokio::test]
async fn heads_are_bounded() {
    let service = Service::start().await;
    let large = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(32 * 1024)
    );
    assert!(
        raw(&service, large.as_bytes())
            .await
            .starts_with("HTTP/1.1 431 ")
    );
    let many = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X: y\r\n".repeat(200)
    );
    assert!(
        raw(&service, many.as_bytes())
            .await
            .starts_with("HTTP/1.1 431 ")
    );
    assert!(
        raw(&service, b"nonsense\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400 ")
    );
}

#[tokio::test]
async fn whoever_does_not_finish_a_request_is_cut_off() {
    let service = Service::with(&[
        ("APP__HTTP__HEADER_TIMEOUT", "200ms"),
        ("APP__HTTP__REQUEST_TIMEOUT", "300ms"),
    ])
    .await;
    // Half a head, then silence: read_to_end returns because the service closes.
    let half_head = raw(&service, b"GET /livez HTTP/1.1\r\nHost: x\r\n").await;
    assert!(!half_head.contains("200 OK"), "{half_head}");
    let half_body = raw(
        &service,
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{",
    )
    .await;
    assert!(half_body.starts_with("HTTP/1.1 408 "), "{half_body}");
    assert!(
        half_body.contains("urn:problem-type:request-timeout"),
        "{half_body}"
    );
    // Nor is a connection kept that is opened and left alone.
    raw(&service, b"").await;
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_longer_than_a_head_may_take() {
    let service = Service::with(&[
        ("APP__HTTP__HEADER_TIMEOUT", "200ms"),
        ("APP__HTTP__KEEP_ALIVE", "2s"),
    ])
    .await;
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    let request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(request).await.unwrap();
        let mut answer = [0; 12];
        soon(stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut rest = Vec::new();
        while !rest.ends_with(b"\r\n\r\nok") {
            rest.push(soon(stream.read_u8()).await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // Half a head on a used connection is cut off all the same.
    stream.write_all(&request[..10]).await.unwrap();
    let mut rest = Vec::new();
    soon(stream.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn a_connection_is_not_kept_for_ever() {
    let service = Service::with(&[("APP__HTTP__KEEP_ALIVE", "1s")]).await;
    let request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    // Read to the end, which comes because the service closes.
    assert!(raw(&service, request).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn connections_are_bounded_and_the_next_one_waits_for_its_turn() {
    let service = Service::with(&[("APP__HTTP__MAX_CONNECTIONS", "1")]).await;
    let first = TcpStream::connect(service.address).await.unwrap();
    let second = raw_later(&service);
    tokio::pin!(second);
    tokio::select! {
        answer = &mut second => panic!("served beyond the bound: {answer}"),
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
    }
    drop(first);
    assert!(soon(second).await.starts_with("HTTP/1.1 200 "));
}

async fn raw_later(service: &Service) -> String {
    raw(
        service,
        b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await
}

#[tokio::test]
async fn sockets_do_not_count_as_connections() {
    let service = Service::with(&[("APP__HTTP__MAX_CONNECTIONS", "2")]).await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(service.socket_in("lobby").await);
    }
    assert_eq!(
        Answer::of(service.request(Method::GET, "/livez"))
            .await
            .status,
        StatusCode::OK
    );
}
