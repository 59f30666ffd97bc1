//! The audit log: what happened, to the administrator, and to nobody else.

use std::{process::Output, time::Instant};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use test_servers::Place;

use crate::process::{PASSWORD, Process, SOON, output, told};

/// What somebody types as a name may be a password.
const TYPED: &str = "typed-canary-name";

#[track_caller]
fn said(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The records, the latest first.
fn records(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["audit", "list", "--json"], arguments].concat();
    let text = said(output(place, &[], &arguments));
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits until records of that kind are there: refusals are written when there
/// is time.
async fn recorded(place: &Place, arguments: &[&str], count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let found = records(place, arguments);
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:#?}");
            return found;
        }
        assert!(begun.elapsed() < SOON, "{found:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Event, outcome and reason, the earliest first.
fn told_of(records: &[Value]) -> Vec<(&str, &str, Option<&str>)> {
    let words = records.iter().rev().map(|record| {
        (
            record["event"].as_str().unwrap(),
            record["outcome"].as_str().unwrap(),
            record["reason"].as_str(),
        )
    });
    words.collect()
}

async fn login(service: &Process, username: &str, password: &str) -> (u16, Value) {
    let credentials = json!({"username": username, "password": password});
    service.post("/auth/login", credentials).await.unwrap()
}

async fn send(
    service: &Process,
    tokens: &Value,
    method: Method,
    path: &str,
    body: Value,
) -> (u16, Value) {
    let url = format!("http://{}{path}", service.address);
    let client = reqwest::Client::builder().tls_certs_only([]);
    let request = client.build().unwrap().request(method, url);
    let request = request
        .header("x-request-id", "canary-request")
        .bearer_auth(tokens["access_token"].as_str().unwrap())
        .json(&body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

async fn post_as(service: &Process, tokens: &Value, path: &str, body: Value) -> u16 {
    send(service, tokens, Method::POST, path, body).await.0
}

#[tokio::test]
async fn a_refusal_has_its_reason_there_and_nowhere_else() {
    let mut service = Process::start(&[("APP__LOG__FORMAT", "json")]);
    let place = service.place.clone();
    service.credentials("/auth/register", "ann").await.unwrap();
    service.credentials("/auth/register", "bob").await.unwrap();
    said(output(&place, &[], &["user", "disable", "bob"]));
    let mut answers = Vec::new();
    for (username, password) in [
        (TYPED, PASSWORD),
        ("ann", "wrong-canary-password"),
        ("bob", PASSWORD),
        ("not a name", PASSWORD),
    ] {
        let (status, mut answer) = login(&service, username, password).await;
        answer["request_id"].take();
        answers.push((status, answer));
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    let (status, _) = service.credentials("/auth/register", "Ann").await.unwrap();
    assert_eq!(status, 409);
    let weak = json!({"username": TYPED, "password": "password123"});
    service.post("/auth/register", weak).await.unwrap();

    let failures = recorded(&place, &["--outcome", "failure"], 6).await;
    let mut reasons: Vec<_> = failures
        .iter()
        .map(|record| {
            assert_eq!(record["actor"], Value::Null);
            assert_eq!(record["address"], "127.0.0.1");
            assert!(record["request_id"].is_string());
            let event = record["event"].as_str().unwrap();
            let reason = record["reason"].as_str().unwrap();
            (event, reason, record["username"].as_str())
        })
        .collect();
    reasons.sort_unstable();
    let expected = [
        ("login", "disabled", Some("bob")),
        ("login", "unknown_name", None),
        ("login", "unknown_name", None),
        ("login", "wrong_password", Some("ann")),
        ("registration", "name_taken", Some("ann")),
        ("registration", "password_policy", None),
    ];
    assert_eq!(reasons, expected);

    service.signal(Signal::TERM);
    let (_, log) = service.wait();
    let audit: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["target"] == "audit")
        .collect();
    // Two registrations, and what was refused; the command has a log of its own.
    assert_eq!(audit.len(), 8, "{log}");
    assert!(
        audit.iter().any(|line| line["reason"] == "wrong_password"),
        "{log}"
    );
    for secret in [TYPED, "wrong-canary-password", "password123", PASSWORD] {
        assert!(!log.contains(secret), "{secret} stands in the log");
        assert!(!place.accounts().contains(secret), "{secret} is stored");
    }
}

#[tokio::test]
async fn whatever_a_user_does_is_told() {
    let service = Process::start(&[("APP__TOKENS__REFRESH_GRACE", "0s")]);
    let place = &service.place;
    let ann = service
        .credentials("/auth/register", "ann")
        .await
        .unwrap()
        .1;
    service.credentials("/auth/register", "bob").await.unwrap();
    let (_, first) = login(&service, "ann", PASSWORD).await;
    let (_, second) = login(&service, "ann", PASSWORD).await;

    let change =
        json!({"current_password": "not-it-by-far", "new_password": "quarry-lantern-58-oboe"});
    assert_eq!(
        post_as(&service, &first, "/auth/password", change).await,
        401
    );
    let change = json!({"current_password": PASSWORD, "new_password": "password123"});
    assert_eq!(
        post_as(&service, &first, "/auth/password", change).await,
        400
    );
    let change = json!({"current_password": PASSWORD, "new_password": "quarry-lantern-58-oboe"});
    assert_eq!(
        post_as(&service, &first, "/auth/password", change).await,
        204
    );
    // The second session ended by that.
    let old = json!({"refresh_token": second["refresh_token"]});
    assert_eq!(service.post("/auth/refresh", old).await.unwrap().0, 401);
    let used = json!({"refresh_token": first["refresh_token"]});
    assert_eq!(
        service.post("/auth/refresh", used.clone()).await.unwrap().0,
        200
    );
    assert_eq!(service.post("/auth/refresh", used).await.unwrap().0, 401);
    let (_, third) = login(&service, "ann", "quarry-lantern-58-oboe").await;
    assert_eq!(
        post_as(&service, &third, "/auth/logout", json!(null)).await,
        204
    );

    let all = recorded(place, &["--user", "ann"], 9).await;
    let mut expected = vec![
        ("registration", "success", None),
        ("login", "success", None),
        ("login", "success", None),
        ("password_change", "failure", Some("wrong_password")),
        ("password_change", "failure", Some("password_policy")),
        ("password_change", "success", None),
        ("refresh_reuse", "failure", None),
        ("login", "success", None),
        ("logout", "success", None),
    ];
    let mut told = told_of(&all);
    // What happens within one millisecond has no order.
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    for record in &all {
        assert_eq!(record["user"], ann["id"], "{record}");
        assert_eq!(record["username"], "ann");
        let by = match (
            record["event"].as_str().unwrap(),
            record["outcome"].as_str().unwrap(),
        ) {
            ("refresh_reuse", _) => Value::Null,
            _ => json!({"user": ann["id"], "username": "ann"}),
        };
        assert_eq!(record["actor"], by, "{record}");
    }
    let changed = recorded(
        place,
        &["--event", "password_change", "--outcome", "success"],
        1,
    )
    .await;
    assert_eq!(changed[0]["count"], 1);
    assert_eq!(changed[0]["request_id"], "canary-request");
    let by_id = records(
        place,
        &["--user", ann["id"].as_str().unwrap(), "--limit", "3"],
    );
    assert_eq!(by_id, all[..3]);
    // Both bounds of time.
    let at = all[4]["at"].as_str().unwrap();
    let since = records(place, &["--user", "ann", "--since", at]).len();
    let until = records(place, &["--user", "ann", "--until", at]).len();
    assert_eq!(since + until, 9);
    assert_eq!(records(place, &["--since", "1h"]).len(), 10);
}

/// Who let whom into a room, and who ended it.
#[tokio::test]
async fn what_becomes_of_rooms_is_told() {
    let service = Process::start(&[]);
    let place = &service.place;
    service.credentials("/auth/register", "ann").await.unwrap();
    service.credentials("/auth/register", "bob").await.unwrap();
    let (_, ann) = login(&service, "ann", PASSWORD).await;
    let made = send(
        &service,
        &ann,
        Method::POST,
        "/rooms",
        json!({"title": "Tea"}),
    )
    .await;
    let room = made.1["room"].as_str().unwrap();
    let path = format!("/rooms/{room}");
    let bob = format!("{path}/members/bob");
    for (method, path, body) in [
        (Method::PUT, &bob, json!({"role": "reader"})),
        (Method::DELETE, &bob, Value::Null),
        (Method::PUT, &bob, json!({"role": "owner"})),
        (Method::DELETE, &path, Value::Null),
    ] {
        let (status, answer) = send(&service, &ann, method, path, body).await;
        assert!((200..300).contains(&status), "{answer}");
    }
    let changes = records(place, &["--event", "membership_change"]);
    let mut roles: Vec<_> = changes
        .iter()
        .map(|record| {
            assert_eq!(record["room"], room);
            assert_eq!(record["username"], "bob");
            assert_eq!(record["actor"]["username"], "ann");
            record["role"].as_str()
        })
        .collect();
    roles.sort_unstable();
    assert_eq!(roles, [None, Some("owner"), Some("reader")]);
    let deleted = records(place, &["--event", "room_deleted"]);
    assert_eq!(deleted.len(), 1);
    assert_eq!(
        (&deleted[0]["room"], &deleted[0]["count"]),
        (&json!(room), &json!(2))
    );
    // Those that were done to him, and his registration.
    assert_eq!(records(place, &["--user", "bob"]).len(), 4);
}

#[tokio::test]
async fn whatever_an_operator_does_is_told() {
    let place = Place::new();
    let add = |name| said(told(&place, &[], &["user", "add", name], PASSWORD));
    add("ann");
    for arguments in [
        &["user", "disable", "ann"][..],
        &["user", "enable", "ann"],
        &["user", "revoke", "ann"],
    ] {
        said(output(&place, &[], arguments));
    }
    said(told(
        &place,
        &[],
        &["user", "set-password", "ann"],
        PASSWORD,
    ));
    let told = records(&place, &[]);
    let events: Vec<_> = told_of(&told).into_iter().map(|told| told.0).collect();
    let expected = [
        "account_added",
        "account_disabled",
        "account_enabled",
        "session_revoked",
        "password_set",
    ];
    assert_eq!(events, expected);
    for record in &told {
        assert_eq!(record["username"], "ann");
        assert_ne!(record["actor"]["operator"].as_str().unwrap(), "");
        assert_eq!(record["address"], Value::Null);
    }
    // For people, a line each.
    let text = said(output(
        &place,
        &[],
        &["audit", "list", "--event", "account_added"],
    ));
    assert!(
        text.contains("  account_added       success  user=ann  by=operator "),
        "{text}"
    );
    let unknown = output(&place, &[], &["audit", "list", "--event", "lunch"]);
    assert_eq!(unknown.status.code(), Some(2));
}

/// However many guesses there are, what is stored stays small, and none is lost
/// from the count.
#[tokio::test]
async fn a_flood_of_guesses_is_counted() {
    let mut service = Process::start(&[
        ("APP__AUDIT__REFUSALS_PER_MINUTE", "3"),
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
    ]);
    for _ in 0..60 {
        let (status, _) = login(&service, "nobody", PASSWORD).await;
        assert!(matches!(status, 401 | 429), "{status}");
    }
    service.signal(Signal::TERM);
    service.wait();
    let told = records(&service.place, &[]);
    // A minute may have passed in between.
    assert!(told.len() <= 10, "{told:#?}");
    let throttled = |record: &Value| record["reason"] == "too_many_attempts";
    assert!(told.iter().any(throttled), "{told:#?}");
    let counted = told
        .iter()
        .map(|record| record["count"].as_u64().unwrap_or(1));
    assert_eq!(counted.sum::<u64>(), 60, "{told:#?}");
}

/// Zero is nothing: what was kept goes, what happens is in the log alone.
#[tokio::test]
async fn what_is_not_to_be_kept_goes() {
    let service = Process::start(&[]);
    let place = service.place.clone();
    service.credentials("/auth/register", "ann").await.unwrap();
    assert_eq!(records(&place, &[]).len(), 1);
    drop(service);
    let mut service = Process::start_at(place.clone(), &[("APP__AUDIT__RETENTION", "0s")]);
    recorded_none(&place).await;
    service.credentials("/auth/register", "bob").await.unwrap();
    assert_eq!(records(&place, &[]), [Value::Null; 0]);
    service.signal(Signal::TERM);
    let (_, log) = service.wait();
    assert!(log.contains("event=\"registration\""), "{log}");
    // And of a command, the log is what it says itself.
    let disabled = output(
        &place,
        &[("APP__AUDIT__RETENTION", "0s")],
        &["user", "disable", "ann"],
    );
    let text = String::from_utf8(disabled.stderr).unwrap();
    assert!(text.contains("event=\"account_disabled\""), "{text}");
}

async fn recorded_none(place: &Place) {
    let begun = Instant::now();
    while !records(place, &[]).is_empty() {
        assert!(begun.elapsed() < SOON);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
