//! `rooms.v1` on several nodes: who is there, and what was missed.

use std::{collections::HashSet, time::Duration};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use test_servers::{Nats, NatsCluster, Postgres, Proxy};
use tokio::time::{Instant, timeout};

use crate::{
    node::{Plan, Tokens, ask, ask_with, request, sign_up, until, until_ready},
    process::Process,
    rooms::claim,
    socket::Socket,
};

/// The bound that is promised for those who were there by a dead node, and the
/// time that this machine may take for it.
const GONE: Duration = Duration::from_secs(15 + 10);

/// A room that `owner` makes.
async fn room(node: &Process, owner: &Tokens, presence: bool) -> String {
    let body = json!({"title": "The lobby", "presence": presence});
    let (status, room) = request(node, Method::POST, "/rooms", &owner.access, &body).await;
    assert_eq!(status, 201, "{room}");
    room["room"].as_str().unwrap().to_owned()
}

async fn admit(node: &Process, owner: &Tokens, room: &str, name: &str, role: &str) {
    let path = format!("/rooms/{room}/members/{name}");
    let role = json!({"role": role});
    let status = ask_with(node, Method::PUT, &path, &owner.access, &role).await;
    assert_eq!(status, 201);
}

async fn room_token(node: &Process, who: &Tokens, room: &str) -> String {
    let path = format!("/rooms/{room}/token");
    let (status, token) = request(node, Method::POST, &path, &who.access, &json!({})).await;
    assert_eq!(status, 200, "{token}");
    token["access_token"].as_str().unwrap().to_owned()
}

async fn event(socket: &mut Socket) -> Value {
    serde_json::from_str(&socket.hear().await).unwrap()
}

/// The next event of a type; others are of no interest.
async fn expect(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let event = event(socket).await;
        if event["type"] == kind {
            return event;
        }
    }
}

async fn publish(socket: &mut Socket, room: &str, data: &Value) {
    let command = json!({"type": "publish", "id": "p", "room": room, "data": data});
    socket.say(command.to_string()).await;
}

/// Who is there, as a socket is told.
struct Watcher<'a> {
    socket: &'a mut Socket,
    there: HashSet<String>,
}

impl Watcher<'_> {
    async fn until(&mut self, expected: &[&str]) {
        let expected: HashSet<String> = expected.iter().map(|&user| user.to_owned()).collect();
        while self.there != expected {
            let news = expect(self.socket, "presence").await;
            let users = |name: &str| -> Vec<String> {
                let users = news[name].as_array().into_iter().flatten();
                users
                    .map(|user| user.as_str().unwrap().to_owned())
                    .collect()
            };
            self.there.extend(users("users"));
            self.there.extend(users("joined"));
            for user in users("left") {
                self.there.remove(&user);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_there_is_known_on_every_node_and_forgotten_with_a_dead_one() {
    let database = Postgres::shared().database();
    let nats = NatsCluster::start();
    let plan = Plan::new(&database, &nats.url());
    let auth = plan.auth();
    // Each on a server of its own.
    let gateways: Vec<_> = nats.servers[..2]
        .iter()
        .map(|server| plan.clone().set("NATS_URL", server.url()).gateway())
        .collect();
    let (ann, bob) = (sign_up(&auth, "ann").await, sign_up(&auth, "bob").await);
    let (ann_id, bob_id) = (claim(&ann.access, "sub"), claim(&bob.access, "sub"));
    let room = room(&auth, &ann, true).await;
    admit(&auth, &ann, &room, "bob", "reader").await;

    let here = room_token(&auth, &ann, &room).await;
    let mut here = Socket::open_rooms_v1(&gateways[0], &here, "").await;
    let mut watcher = Watcher {
        socket: &mut here,
        there: HashSet::new(),
    };
    watcher.until(&[&ann_id]).await;
    let there = room_token(&auth, &bob, &room).await;
    let there = Socket::open_rooms_v1(&gateways[1], &there, "").await;
    watcher.until(&[&ann_id, &bob_id]).await;

    // A node that nobody is there by asks the others.
    let path = format!("/rooms/{room}/presence");
    let (status, listed) = request(&auth, Method::GET, &path, &bob.access, &Value::Null).await;
    assert_eq!(status, 200, "{listed}");
    let mut expected = [&*ann_id, &*bob_id];
    expected.sort_unstable();
    assert_eq!(listed["users"], json!(expected));

    gateways[1].signal(Signal::KILL);
    let killed = Instant::now();
    timeout(GONE, watcher.until(&[&ann_id])).await.unwrap();
    println!("gone after {:?}", killed.elapsed());
    let (_, listed) = request(&auth, Method::GET, &path, &ann.access, &Value::Null).await;
    assert_eq!(listed["users"], json!([ann_id]));
    drop(there);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_removed_on_one_node_stops_hearing_on_another() {
    let database = Postgres::shared().database();
    let plan = Plan::new(&database, Nats::shared().url());
    let (auth, gateway) = (plan.auth(), plan.gateway());
    let (ann, bob) = (sign_up(&auth, "ann").await, sign_up(&auth, "bob").await);
    let room = room(&auth, &ann, false).await;
    admit(&auth, &ann, &room, "bob", "reader").await;
    let token = room_token(&auth, &bob, &room).await;
    let mut reader = Socket::open_rooms_v1(&gateway, &token, "").await;
    assert_eq!(event(&mut reader).await["seat"]["grant"], "r");
    let speaker = room_token(&auth, &ann, &room).await;
    let mut speaker = Socket::open_rooms_v1(&gateway, &speaker, "").await;
    publish(&mut speaker, &room, &json!("hello")).await;
    assert_eq!(expect(&mut reader, "message").await["data"], "hello");

    // More is told, too.
    let member = format!("/rooms/{room}/members/bob");
    let role = json!({"role": "member"});
    let changed = ask_with(&auth, Method::PUT, &member, &ann.access, &role).await;
    assert_eq!(changed, 200);
    assert_eq!(expect(&mut reader, "granted").await["grant"], "rw");

    let removed = ask(&auth, Method::DELETE, &member, &ann.access).await;
    assert_eq!(removed, 204);
    let ended = expect(&mut reader, "error").await;
    assert_eq!(
        (&ended["code"], &ended["room"]),
        (&json!("removed"), &json!(room))
    );
    publish(&mut speaker, &room, &json!("he is gone")).await;
    expect(&mut speaker, "ack").await;
    // The socket is there still, and hears nothing; nor does its token open
    // anything any more.
    for command in [
        json!({"type": "ping", "id": "1"}),
        json!({"type": "join", "id": "2", "token": token}),
    ] {
        reader.say(command.to_string()).await;
    }
    assert_eq!(event(&mut reader).await, json!({"type": "ack", "id": "1"}));
    assert_eq!(event(&mut reader).await["code"], "token_refused");
    assert_eq!(Socket::refused(&gateway, &token).await, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_a_node_is_dead_is_heard_on_another() {
    let database = Postgres::shared().database();
    let plan = Plan::new(&database, Nats::shared().url()).with_history(1);
    let (mut dies, lives) = (plan.node(), plan.node());
    let ann = sign_up(&lives, "ann").await;
    let room = claim(&ann.access, "room");
    let mut hears = Socket::open_rooms_v1(&dies, &ann.access, "").await;
    let mut speaks = Socket::open_rooms_v1(&lives, &ann.access, "").await;
    let welcome = event(&mut hears).await;
    let position = welcome["seat"]["position"].as_str().unwrap();
    let (epoch, _) = position.split_once(':').unwrap();
    let mut last = json!(null);
    for i in 0..30 {
        publish(&mut speaks, &room, &json!(i)).await;
        if i == 15 {
            dies.signal(Signal::KILL);
            dies.wait();
        }
        if i < 15 {
            let message = expect(&mut hears, "message").await;
            assert_eq!(message["data"], i);
            last = message["seq"].clone();
        }
        expect(&mut speaks, "ack").await;
    }
    let query = format!("?since={epoch}:{last}");
    let mut again = Socket::open_rooms_v1(&lives, &ann.access, &query).await;
    let welcome = event(&mut again).await;
    assert_eq!(welcome["seat"]["recovered"], true, "{welcome}");
    publish(&mut speaks, &room, &json!("end")).await;
    for i in 15..30 {
        assert_eq!(expect(&mut again, "message").await["data"], i);
    }
    assert_eq!(expect(&mut again, "message").await["data"], "end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_bus_is_a_gap_without_history_and_nothing_with_it() {
    for history in [false, true] {
        let database = Postgres::shared().database();
        let nats = Nats::start();
        let proxy = Proxy::start(nats.port()).await;
        let mut plan = Plan::new(&database, nats.url());
        if history {
            plan = plan.with_history(1);
        }
        let other = plan.node();
        let behind = format!("nats://{}", proxy.address());
        let behind = plan.set("NATS_URL", &behind).gateway();
        let ann = sign_up(&other, "ann").await;
        let room = claim(&ann.access, "room");
        let mut hears = Socket::open_rooms_v1(&behind, &ann.access, "").await;
        let mut speaks = Socket::open_rooms_v1(&other, &ann.access, "").await;
        until("they hear each other", async || {
            publish(&mut speaks, &room, &json!("before")).await;
            let heard = expect(&mut hears, "message");
            timeout(Duration::from_secs(1), heard).await.is_ok()
        })
        .await;

        proxy.cut();
        until_ready(&behind, false).await;
        publish(&mut speaks, &room, &json!("meanwhile")).await;
        proxy.reset();
        proxy.heal();
        until_ready(&behind, true).await;
        if !history {
            assert_eq!(expect(&mut hears, "gap").await["room"], room);
        }
        publish(&mut speaks, &room, &json!("after")).await;
        let mut heard = Vec::new();
        while heard.last().is_none_or(|last| last != "after") {
            let event = event(&mut hears).await;
            assert_ne!(event["type"], "gap", "{event}");
            if event["data"] != "before" {
                heard.push(event["data"].clone());
            }
        }
        let expected: &[&str] = if history {
            &["meanwhile", "after"]
        } else {
            &["after"]
        };
        assert_eq!(heard, expected);
    }
}
