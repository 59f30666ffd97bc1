//! The AsyncAPI document is the one that is committed, served, and true. That
//! all that is said in `rooms.v1` is as it says is watched by the client of all
//! those tests.

pub mod schemas;

use std::collections::BTreeSet;

use contract::{Epoch, Position, RoomName};
use reqwest::Method;
use serde_json::{Value, json};
use service::{rooms::position::PositionText, ws::asyncapi};

use self::schemas::{COMMANDS, EVENTS, assert_valid, committed, document, types, validator};
use crate::{
    mint,
    node::Node,
    rooms_http,
    rooms_v1::client::{Client, Person},
    service::{Answer, Service},
};

#[test]
fn the_committed_document_is_fresh() {
    assert_eq!(
        committed(),
        asyncapi::document_json().unwrap(),
        "stale: run `make openapi` and commit the result"
    );
}

#[tokio::test]
async fn the_served_document_is_the_committed_one() {
    let service = Service::start().await;
    let answer = Answer::of(service.request(Method::GET, "/asyncapi.json")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.body, document());
}

#[tokio::test]
async fn it_is_served_where_sockets_are() {
    let secret = ("JWT_SECRET", mint::SECRET);
    let gateway = Node::start(&[("APP__ROLES", "gateway"), secret]).await;
    let answer = gateway.request(Method::GET, "/asyncapi.json").await;
    assert_eq!(answer.body, document());
    let accounts = Node::auth().await;
    let answer = accounts.request(Method::GET, "/asyncapi.json").await;
    answer.is_problem(404, "not-found");
}

#[test]
fn examples_are_as_their_schemas_say() {
    let document = document();
    let messages = document["components"]["messages"].as_object().unwrap();
    for (name, message) in messages {
        let schema = validator(&document, &message["payload"]);
        for example in message["examples"].as_array().into_iter().flatten() {
            let valid = schema.validate(&example["payload"]);
            assert!(valid.is_ok(), "{name}: {valid:?}");
        }
    }
}

#[test]
fn patterns_take_what_the_service_takes() {
    let document = document();
    let schema = |name: &str| {
        let path = format!("#/components/schemas/{name}");
        validator(&document, &json!({ "$ref": path }))
    };
    let rooms = schema("RoomName");
    let (longest, too_long) = ("x".repeat(64), "x".repeat(65));
    for name in [
        "a", "A-z_09", &longest, "", &too_long, "a b", "a.b", "a*", "$control", "ü", "a\n", "a/b",
    ] {
        let taken = RoomName::parse(name).is_ok();
        assert_eq!(rooms.is_valid(&json!(name)), taken, "{name:?}");
    }
    let positions = schema("Position");
    let last = PositionText(Position {
        epoch: Epoch(u64::MAX),
        seq: u64::MAX,
    });
    for place in [
        "0123456789abcdef:0",
        "0123456789abcdef:42",
        &last.to_string(),
        "",
        "0123456789abcdef",
        "0123456789abcdef:",
        "0123456789abcde:1",
        "0123456789ABCDEF:1",
        "0123456789abcdef:01",
        "0123456789abcdef:-1",
        "0123456789abcdef:1 ",
    ] {
        let taken = place.parse::<PositionText>().is_ok();
        assert_eq!(positions.is_valid(&json!(place)), taken, "{place:?}");
    }
}

/// What a client says and hears, as types.
#[derive(Default)]
struct Heard {
    commands: BTreeSet<String>,
    events: BTreeSet<String>,
}

impl Heard {
    async fn ask(&mut self, client: &mut Client, command: Value) -> Value {
        let kind = command["type"].as_str().unwrap();
        if COMMANDS.contains_key(kind) {
            self.commands.insert(kind.to_owned());
        }
        let answer = client.ask(command).await;
        self.event(&answer);
        answer
    }

    /// Listens until there is an event of this type.
    async fn until(&mut self, client: &mut Client, kind: &str) -> Value {
        loop {
            let event = client.event().await;
            self.event(&event);
            if event["type"] == kind {
                return event;
            }
        }
    }

    fn event(&mut self, event: &Value) {
        assert_valid(&EVENTS, event);
        let kind = event["type"].as_str().unwrap();
        self.events.insert(kind.to_owned());
    }
}

#[tokio::test]
async fn every_type_that_is_described_is_spoken() {
    let service = Service::start().await;
    let person = Person::new();
    let token = |room: &str, claims: Value| person.token_with(room, &claims);
    let presence = json!({"presence": true});
    let mut heard = Heard::default();
    let mut client = Client::open(service.address, &token("lobby", presence.clone())).await;
    heard.event(&client.welcome);
    heard.until(&mut client, "presence").await;

    for command in [
        json!({"type": "publish", "room": "lobby", "data": "hello"}),
        json!({"type": "publish", "room": "lobby", "data": [1, null], "key": "k"}),
        json!({"type": "publish", "room": "lobby", "data": "AP+A", "encoding": "base64"}),
    ] {
        let ack = heard.ask(&mut client, command).await;
        assert_eq!(ack["type"], "ack");
        heard.until(&mut client, "message").await;
    }
    let since = "0123456789abcdef:1";
    let soon = token("attic", json!({"exp": mint::now() + 3}));
    for command in [
        json!({"type": "join", "token": soon}),
        json!({"type": "join", "token": token("cellar", json!({})), "since": since}),
        json!({"type": "leave", "room": "cellar"}),
        json!({"type": "auth", "token": token("lobby", presence)}),
        json!({"type": "presence", "room": "lobby"}),
        json!({"type": "ping"}),
    ] {
        let answer = heard.ask(&mut client, command).await;
        assert_ne!(answer["type"], "error", "{answer}");
    }
    heard.until(&mut client, "expiring").await;
    let expired = heard.until(&mut client, "error").await;
    assert_eq!(expired["code"], "seat_expired");
    for command in [
        json!({"type": "shout"}),
        json!({"type": "leave", "room": "nowhere"}),
        json!({"type": "publish", "room": "!", "data": 1}),
    ] {
        let error = heard.ask(&mut client, command).await;
        assert_eq!(error["type"], "error", "{error}");
    }

    let ann = rooms_http::Person::new(&service, "ann").await;
    let bob = rooms_http::Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let mut bobs = Client::open(service.address, &bob.token(&room).await).await;
    let path = format!("{room}/members/bob");
    ann.put(&path, json!({"role": "reader"})).await;
    heard.until(&mut bobs, "granted").await;
    ann.delete(&path).await;
    let removed = heard.until(&mut bobs, "error").await;
    assert_eq!(removed["code"], "removed");

    assert_eq!(heard.commands, types(&COMMANDS));
    // Whoever is too slow for what is kept hears of it in `catching_up`.
    heard.events.insert("gap".to_owned());
    assert_eq!(heard.events, types(&EVENTS));
}

#[tokio::test]
async fn a_close_is_one_of_the_table() {
    let service = Service::start().await;
    let mut client = Client::open(service.address, &Person::new().token("lobby")).await;
    for _ in 0..10 {
        client.refused(json!({"type": "shout"})).await;
    }
    let close = client.socket.closed().await;
    let document = document();
    let table = document["x-close-codes"].as_array().unwrap();
    let entry = table
        .iter()
        .find(|entry| entry["code"] == u16::from(close.code));
    let entry = entry.unwrap();
    assert_eq!(entry["reason"], close.reason.as_str());
    assert_eq!(entry["comeBack"], false);
}
