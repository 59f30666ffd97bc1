//! `keys …`: what signs is changed, and nobody is signed out.

use std::{os::unix::fs::PermissionsExt, path::PathBuf, process::Output, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use rustix::process::Signal;
use serde_json::{Value, json};
use test_servers::Place;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::ClientRequestBuilder},
};

use crate::process::{Process, SOON, output};

const VARIABLES: &[(&str, &str)] = &[
    ("APP__TOKENS__KEY_DIR", "keys"),
    ("APP__TOKENS__ACCESS_TTL", "24h"),
    ("APP__SHUTDOWN__CLOSE_JITTER", "0s"),
];

fn run(place: &Place, arguments: &[&str]) -> Output {
    output(place, VARIABLES, arguments)
}

#[track_caller]
fn done(place: &Place, arguments: &[&str]) -> String {
    let output = run(place, arguments);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(place: &Place, arguments: &[&str], reason: &str) {
    let output = run(place, arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("error: ") && text.contains(reason),
        "{text}"
    );
}

/// The keys, the oldest first.
fn list(place: &Place) -> Vec<Value> {
    let text = done(place, &["keys", "list", "--json"]);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn kid(key: &Value) -> &str {
    key["kid"].as_str().unwrap()
}

fn file(place: &Place, key: &Value) -> PathBuf {
    place.path().join(key["path"].as_str().unwrap())
}

async fn restarted(mut service: Process) -> Process {
    service.signal(Signal::TERM);
    service.wait();
    Process::start_at(Arc::clone(&service.place), VARIABLES)
}

/// Whether the access token opens a socket that hears itself.
async fn talks(service: &Process, tokens: &Value) -> bool {
    let url = format!("ws://{}/ws", service.address);
    let request = ClientRequestBuilder::new(url.parse().unwrap())
        .with_sub_protocol("bearer")
        .with_sub_protocol(tokens["access_token"].as_str().unwrap());
    let Ok((mut socket, _)) = connect_async(request).await else {
        return false;
    };
    socket.send(Message::text("hello")).await.unwrap();
    let heard = tokio::time::timeout(SOON, socket.next()).await.unwrap();
    matches!(heard, Some(Ok(Message::Text(text))) if text.as_str() == "hello")
}

async fn refreshed(service: &Process, tokens: &Value) -> Value {
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let (status, tokens) = service.post("/auth/refresh", refresh).await.unwrap();
    assert_eq!(status, 200, "{tokens}");
    tokens
}

/// A whole turn: make, start again, retire, start again.
#[tokio::test]
async fn keys_turn_and_a_session_lives_on() {
    let service = Process::start(VARIABLES);
    service.credentials("/auth/register", "ann").await.unwrap();
    let (_, old) = service.credentials("/auth/login", "ann").await.unwrap();
    assert!(talks(&service, &old).await);
    let [first] = &list(&service.place)[..] else {
        panic!()
    };
    assert_eq!(
        (&first["use"], &first["problem"]),
        (&json!("signs"), &Value::Null)
    );
    refused(
        &service.place,
        &["keys", "retire", kid(first)],
        "is the key that signs",
    );

    let made = done(&service.place, &["keys", "new"]);
    let keys = list(&service.place);
    let uses: Vec<_> = keys
        .iter()
        .map(|key| key["use"].as_str().unwrap())
        .collect();
    assert_eq!(uses, ["verifies", "signs"]);
    assert_eq!(keys[0]["kid"], first["kid"]);
    assert_eq!(
        file(&service.place, &keys[1]),
        service.place.path().join(made.trim_end())
    );
    // It has not been told yet: what it signs with is the old one.
    assert!(talks(&service, &refreshed(&service, &old).await).await);

    let service = restarted(service).await;
    let place = Arc::clone(&service.place);
    assert!(talks(&service, &old).await, "the old key verifies");
    let new = refreshed(&service, &refreshed(&service, &old).await).await;
    assert!(talks(&service, &new).await);
    // A day is how long its tokens may live here.
    refused(
        &place,
        &["keys", "retire", kid(first)],
        "may be valid until 2",
    );
    refused(
        &place,
        &["keys", "retire", kid(&keys[1])],
        "is the key that signs",
    );
    refused(
        &place,
        &["keys", "retire", "nonsense"],
        "there is no key nonsense",
    );
    assert_eq!(list(&place).len(), 2);

    done(&place, &["keys", "retire", kid(first), "--now"]);
    assert_eq!(list(&place)[..], keys[1..]);
    let service = restarted(service).await;
    assert!(!talks(&service, &old).await, "the old key verifies no more");
    assert!(talks(&service, &new).await);
    let newest = refreshed(&service, &new).await;
    assert!(talks(&service, &newest).await);

    let text = done(&place, &["audit", "list", "--json"]);
    let told: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (event, key) in [("key_made", &keys[1]), ("key_retired", first)] {
        let record = told.iter().find(|record| record["event"] == event).unwrap();
        assert_eq!(record["key"], key["kid"]);
        assert!(record["actor"]["operator"].is_string(), "{record}");
    }
}

/// Tokens of a key are known to be over when those of the longest life are.
#[test]
fn a_key_is_retired_when_its_tokens_are_over() {
    let place = Place::new();
    done(&place, &["keys", "new"]);
    done(&place, &["keys", "new"]);
    let keys = list(&place);
    // Made long ago, by its name.
    let long_ago = place.path().join("keys/20200101T000000.000Z.pem");
    std::fs::rename(file(&place, &keys[0]), &long_ago).unwrap();
    refused(
        &place,
        &["keys", "retire", kid(&keys[0])],
        "may be valid until",
    );
    let less_long_ago = place.path().join("keys/20200102T000000.000Z.pem");
    std::fs::rename(file(&place, &keys[1]), less_long_ago).unwrap();
    assert_eq!(list(&place)[0]["created_at"], "2020-01-01T00:00:00Z");
    done(&place, &["keys", "retire", kid(&keys[0])]);
    assert!(!long_ago.exists());
    assert_eq!(list(&place).len(), 1);
}

/// What is wrong with a file is said where keys are listed, and none of it hides
/// the others.
#[test]
fn a_list_says_what_is_wrong() {
    let place = Place::new();
    for _ in 0..4 {
        done(&place, &["keys", "new"]);
    }
    let keys = list(&place);
    let mode = |key, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file(&place, key), mode).unwrap();
    };
    std::fs::write(file(&place, &keys[0]), "canary").unwrap();
    mode(&keys[1], 0o644);
    mode(&keys[2], 0o640);
    let listed = list(&place);
    let problems: Vec<_> = listed.iter().map(|key| key["problem"].as_str()).collect();
    assert!(
        problems[0]
            .unwrap()
            .contains("is not an Ed25519 private key"),
        "{problems:?}"
    );
    assert!(problems[1].unwrap().contains("(mode 0644)"), "{problems:?}");
    assert!(
        problems[2].unwrap().contains("its group can read it"),
        "{problems:?}"
    );
    assert_eq!(problems[3], None);
    assert_eq!(listed[2]["kid"], keys[2]["kid"]);
    assert!(!problems[0].unwrap().contains("canary"));
    let table = done(&place, &["keys", "list"]);
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(
        table.lines().nth(4).unwrap().ends_with("  signs"),
        "{table}"
    );
}

/// Whoever has a secret doesn't use keys, and should know.
#[test]
fn keys_beside_a_secret_are_unused() {
    let place = Place::new();
    done(&place, &["keys", "new"]);
    let variables = [VARIABLES, &[("JWT_SECRET", "anything at all")]].concat();
    let listed = output(&place, &variables, &["keys", "list"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(text.trim_end().ends_with("  unused"), "{text}");
    let noted = String::from_utf8(listed.stderr).unwrap();
    assert!(
        noted.contains("note: tokens.secret (JWT_SECRET) signs"),
        "{noted}"
    );
}
