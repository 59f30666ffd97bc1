//! `user …`: what operators do to accounts, beside a service that serves them.

use contract::{Account, StoredHash, Timestamp, UserId, Username};
use futures_util::StreamExt;
use rustix::process::Signal;
use serde_json::{Value, json};
use service::{
    config::{Config, Sources},
    wiring,
};
use test_servers::Place;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::ClientRequestBuilder},
};
use totp_rs::{Builder, Secret};

use crate::process::{PASSWORD, Process, SOON, output, told};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

const OTHER_PASSWORD: &str = "quarry-lantern-58-oboe";

/// Runs a command that must succeed; what it prints.
#[track_caller]
fn done(place: &Place, arguments: &[&str]) -> String {
    said(told(place, &[], arguments, ""))
}

#[track_caller]
fn said(output: std::process::Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"", "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must be refused for that reason.
#[track_caller]
fn refused(place: &Place, arguments: &[&str], input: &str, reason: &str) {
    let output = told(place, &[], arguments, input);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("error: ") && error.contains(reason),
        "{error}"
    );
    let password = input.trim_end();
    assert!(password.is_empty() || !error.contains(password), "{error}");
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn login(service: &Process, username: &str, password: &str) -> (u16, Value) {
    let credentials = json!({"username": username, "password": password});
    service.post("/auth/login", credentials).await.unwrap()
}

async fn socket(service: &Process, tokens: &Value) -> Socket {
    let url = format!("ws://{}/ws", service.address);
    let request = ClientRequestBuilder::new(url.parse().unwrap())
        .with_sub_protocol("bearer")
        .with_sub_protocol(tokens["access_token"].as_str().unwrap());
    connect_async(request).await.unwrap().0
}

/// The session of this socket and these tokens has ended, everywhere.
async fn is_out(service: &Process, socket: &mut Socket, tokens: &Value) {
    let closed = tokio::time::timeout(SOON, socket.next()).await.unwrap();
    let Some(Ok(Message::Close(Some(close)))) = closed else {
        panic!("{closed:?}");
    };
    assert_eq!(u16::from(close.code), 4503);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let (status, _) = service.post("/auth/refresh", refresh).await.unwrap();
    assert_eq!(status, 401);
}

async fn refreshes(service: &Process, tokens: &Value) -> bool {
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    service.post("/auth/refresh", refresh).await.unwrap().0 == 200
}

#[tokio::test]
async fn whoever_is_added_signs_in() {
    let service = Process::start(&[]);
    let place = &service.place;
    for (input, name) in [
        (format!("{PASSWORD}\n"), "Ann"),
        // As other systems end lines, or don't.
        (format!("{PASSWORD}\r\nand no more\n"), "bob"),
        (PASSWORD.to_owned(), "cid"),
    ] {
        let added = said(told(place, &[], &["user", "add", name], &input));
        assert!(added.starts_with("added "), "{added}");
        let (status, _) = login(&service, name, PASSWORD).await;
        assert_eq!(status, 200, "{name}");
    }
    let taken = "there is an account `ann` already";
    refused(place, &["user", "add", "ANN"], PASSWORD, taken);
}

/// An operator is held to the same rules as everybody.
#[test]
fn a_password_that_nobody_may_choose_is_refused() {
    let place = Place::new();
    for (input, reason) in [
        ("short\n", "at least 8 bytes"),
        ("password123\n", "password"),
        ("dan-dan-dan\n", "password"),
        ("", "there is no password on standard input"),
        (
            "\nplum-tractor-91-violin\n",
            "there is no password on standard input",
        ),
    ] {
        refused(&place, &["user", "add", "dan"], input, reason);
    }
    refused(&place, &["user", "add", "a b"], PASSWORD, "a username has");
    assert_eq!(done(&place, &["user", "list", "--json"]), "");
    // It can't be said where everybody sees it.
    let argument = output(&place, &[], &["user", "add", "dan", PASSWORD]);
    assert_eq!(argument.status.code(), Some(2));
}

#[tokio::test]
async fn another_password_signs_everybody_out() {
    let service = Process::start(&[]);
    let place = &service.place;
    service.credentials("/auth/register", "ann").await.unwrap();
    let (_, tokens) = login(&service, "ann", PASSWORD).await;
    let mut open = socket(&service, &tokens).await;
    let set = ["user", "set-password", "Ann"];
    refused(place, &set, "password123\n", "password");
    assert!(refreshes(&service, &tokens).await);

    let input = format!("{OTHER_PASSWORD}\n");
    let text = said(told(place, &[], &set, &input));
    assert_eq!(text, "password set; 1 sessions ended\n");
    is_out(&service, &mut open, &tokens).await;
    assert_eq!(login(&service, "ann", PASSWORD).await.0, 401);
    assert_eq!(login(&service, "ann", OTHER_PASSWORD).await.0, 200);
    let nobody = ["user", "set-password", "nobody"];
    refused(place, &nobody, &input, "there is no account `nobody`");
}

#[tokio::test]
async fn a_session_is_revoked_and_then_all() {
    let service = Process::start(&[]);
    let place = &service.place;
    service.credentials("/auth/register", "ann").await.unwrap();
    service.credentials("/auth/register", "bob").await.unwrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        let (_, tokens) = login(&service, "ann", PASSWORD).await;
        open.push((socket(&service, &tokens).await, tokens));
    }
    let (_, bobs) = login(&service, "bob", PASSWORD).await;
    // The latest is listed first.
    let listed = lines(&done(place, &["user", "sessions", "ann", "--json"]));
    assert_eq!(listed.len(), 3);
    let id = listed[0]["id"].as_str().unwrap();

    let (mut socket, tokens) = open.pop().unwrap();
    let others = ["user", "revoke", "bob", "--session", id];
    let reason = format!("there is no session {id} of `bob`");
    refused(place, &others, "", &reason);
    let revoked = done(place, &["user", "revoke", "ann", "--session", id]);
    assert_eq!(revoked, "1 sessions ended\n");
    is_out(&service, &mut socket, &tokens).await;
    let again = ["user", "revoke", "ann", "--session", id];
    refused(place, &again, "", "there is no session");

    assert_eq!(
        done(place, &["user", "revoke", "ann"]),
        "2 sessions ended\n"
    );
    for (mut socket, tokens) in open {
        is_out(&service, &mut socket, &tokens).await;
    }
    assert_eq!(
        done(place, &["user", "revoke", "ann"]),
        "0 sessions ended\n"
    );
    assert_eq!(done(place, &["user", "sessions", "ann", "--json"]), "");
    assert!(refreshes(&service, &bobs).await);
    assert_eq!(login(&service, "ann", PASSWORD).await.0, 200);
}

#[tokio::test]
async fn whoever_is_enabled_signs_in_again() {
    let service = Process::start(&[]);
    let place = &service.place;
    service.credentials("/auth/register", "ann").await.unwrap();
    let (_, before) = login(&service, "ann", PASSWORD).await;
    assert_eq!(
        done(place, &["user", "disable", "ann"]),
        "disabled; 1 sessions ended\n"
    );
    assert_eq!(login(&service, "ann", PASSWORD).await.0, 401);
    for _ in 0..2 {
        assert_eq!(done(place, &["user", "enable", "ann"]), "enabled\n");
        assert_eq!(login(&service, "ann", PASSWORD).await.0, 200);
    }
    // What ended stays ended.
    assert!(!refreshes(&service, &before).await);
    let nobody = ["user", "enable", "nobody"];
    refused(place, &nobody, "", "there is no account `nobody`");
}

/// What protects accounts does not go away because a variable was forgotten.
#[tokio::test]
async fn a_lost_second_factor_is_forgotten_and_a_lost_key_is_noticed() {
    let key = [("TOTP_KEY", "a-secret-of-tests-77aa02cd914fb6e0")];
    let mut service = Process::start(&key);
    let place = service.place.clone();
    service.credentials("/auth/register", "ann").await.unwrap();
    assert_eq!(
        done(&place, &["user", "forget-factor", "ann"]),
        "there was none\n"
    );
    let (_, tokens) = login(&service, "ann", PASSWORD).await;
    let token = tokens["access_token"].as_str().unwrap();
    let password = json!({"current_password": PASSWORD});
    let (_, told) = service
        .post_as(token, "/auth/totp", password)
        .await
        .unwrap();
    let secret = Secret::try_from_base32(told["secret"].as_str().unwrap()).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    let code = json!({"code": app.generate_current().to_string()});
    let confirmed = service.post_as(token, "/auth/totp/confirm", code).await;
    assert_eq!(confirmed.unwrap().0, 204);
    let (status, asked) = login(&service, "ann", PASSWORD).await;
    assert_eq!(
        (status, &asked["second_factor"]["kind"]),
        (401, &json!("totp"))
    );

    service.signal(Signal::TERM);
    service.wait();
    let forgotten = output(&place, &[], &[]);
    assert_eq!(forgotten.status.code(), Some(1));
    let error = String::from_utf8(forgotten.stderr).unwrap();
    assert!(
        error.contains("second_factor.totp_key") && error.contains("user forget-factor"),
        "{error}"
    );

    assert_eq!(
        done(&place, &["user", "forget-factor", "ann"]),
        "forgotten\n"
    );
    let records = done(&place, &["audit", "list", "--user", "ann", "--json"]);
    let records = lines(&records);
    let told: Vec<_> = records
        .iter()
        .map(|record| (record["event"].as_str().unwrap(), record["reason"].as_str()))
        .collect();
    for record in [
        ("second_factor_added", None),
        ("login", Some("second_factor_missing")),
        ("second_factor_removed", None),
    ] {
        assert!(told.contains(&record), "{told:?}");
    }
    let service = Process::start_at(place, &[]);
    assert_eq!(login(&service, "ann", PASSWORD).await.0, 200);
}

/// More accounts than are read at once.
#[tokio::test]
async fn a_list_has_every_account_in_the_order_of_names() {
    let place = Place::new();
    let mut sources = Sources::default();
    for (name, value) in place.variables() {
        sources = sources.variable(name, value);
    }
    let config = Config::load(&sources).unwrap().config;
    let stores = wiring::open_stores(&config).await.unwrap().unwrap();
    let mut disabled = 0;
    for i in 0..1100_u32 {
        let account = Account {
            id: UserId::random(),
            username: Username::parse(&format!("user{:04}", (i * 37) % 1100)).unwrap(),
            hash: StoredHash::new("never shown".to_owned()),
            created_at: Timestamp::UNIX_EPOCH,
            disabled_at: (i % 100 == 0).then_some(Timestamp::UNIX_EPOCH),
        };
        disabled += u32::from(account.disabled_at.is_some());
        stores.credentials.create(&account).await.unwrap();
    }
    let names = |arguments: &[&str]| -> Vec<String> {
        let text = done(&place, &[&["user", "list", "--json"], arguments].concat());
        assert!(!text.contains("never shown"));
        let lines = lines(&text).into_iter();
        lines
            .map(|line| line["username"].as_str().unwrap().to_owned())
            .collect()
    };
    let all: Vec<_> = (0..1100).map(|i| format!("user{i:04}")).collect();
    assert_eq!(names(&[]), all);
    let some = names(&["--after", "USER0098", "--limit", "600"]);
    assert_eq!(some, all[99..699]);
    assert_eq!(
        names(&["--disabled"]).len(),
        usize::try_from(disabled).unwrap()
    );
    let enabled = names(&["--enabled"]).len();
    assert_eq!(enabled + usize::try_from(disabled).unwrap(), 1100);

    let table = done(&place, &["user", "list", "--disabled", "--limit", "1"]);
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].ends_with("  USERNAME"), "{table}");
    assert!(
        rows[1].ends_with("  1970-01-01 00:00:00Z  1970-01-01 00:00:00Z  user0000"),
        "{table}"
    );
}

/// Only where accounts are is there anything to do.
#[test]
fn a_gateway_alone_has_no_accounts() {
    let place = Place::new();
    for arguments in [
        &["user", "list"][..],
        &["user", "add", "ann"],
        &["user", "enable", "ann"],
        &["user", "revoke", "ann"],
        &["user", "sessions", "ann"],
        &["user", "set-password", "ann"],
        &["audit", "list"],
    ] {
        let refused = output(&place, &[("APP__ROLES", "gateway")], arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        let reason = "error: roles: auth is not among them, so there ";
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}
