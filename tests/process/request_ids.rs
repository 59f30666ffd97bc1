//! What a client was answered is found in the log, by the id of its request.

use futures_util::StreamExt;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;

use crate::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_its_socket_are_found_by_their_ids() {
    let mut service = Process::start(&[
        ("APP__LOG__FORMAT", "json"),
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
        ("APP__SHUTDOWN__CLOSE_JITTER", "0s"),
    ]);
    service.credentials("/auth/register", "ann").await.unwrap();
    let client = reqwest::Client::builder().tls_certs_only([]);
    let answer = client
        .build()
        .unwrap()
        .post(format!("http://{}/auth/login", service.address))
        .header("x-request-id", "a-login-that-fails")
        .json(&json!({"username": "ann", "password": "wrong"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-request-id"], "a-login-that-fails");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["request_id"], "a-login-that-fails");

    let (_, tokens) = service.credentials("/auth/login", "ann").await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let client = reqwest::Client::builder().tls_certs_only([]);
    let refused = client
        .build()
        .unwrap()
        .delete(format!("http://{}/rooms/not-anns", service.address))
        .header("x-request-id", "a-deletion-that-fails")
        .bearer_auth(access)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 404);
    let url = format!("ws://{}/ws", service.address);
    let request = ClientRequestBuilder::new(url.parse().unwrap())
        .with_header("x-request-id", "a-handshake")
        .with_sub_protocol("bearer")
        .with_sub_protocol(access);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    service.signal(Signal::TERM);
    while socket.next().await.is_some() {}
    let (_, log) = service.wait();

    let lines: Vec<Value> = log
        .lines()
        // What is said before there is a log is for people.
        .filter(|line| !line.starts_with("warning: "))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let find = |message: &str, holds: &dyn Fn(&Value) -> bool| {
        let mut lines = lines.iter();
        let found = lines.find(|line| line["message"] == message && holds(line));
        found.unwrap_or_else(|| panic!("{message}: {log}"))
    };
    let answered = find("answered", &|line| {
        line["span"]["id"] == "a-login-that-fails"
    });
    assert_eq!(answered["status"], 401);
    assert_eq!(answered["span"]["client"], "127.0.0.1");
    assert!(answered["timestamp"].as_str().unwrap().ends_with('Z'));
    // Who was refused is told where the token says it.
    assert_eq!(answered["span"]["user"], Value::Null);
    let refused = find("answered", &|line| {
        line["span"]["id"] == "a-deletion-that-fails"
    });
    assert_eq!(refused["status"], 404);
    // What happens within a request is under its id, too.
    find("audit", &|line| line["span"]["id"].is_string());
    let opened = find("socket opened", &|line| line["request"] == "a-handshake");
    assert_eq!(refused["span"]["user"], opened["user"]);
    let connection = opened["connection"].as_str().unwrap();
    assert_eq!(connection.len(), 16, "{connection}");
    find("socket closed", &|line| line["connection"] == connection);
}
