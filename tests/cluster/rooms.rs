//! What is said on one node is heard on the others, and costs nothing when
//! nobody listens.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use test_servers::{Nats, NatsCluster, Postgres};
use tokio::time::timeout;

use crate::{
    node::{Plan, sign_up, until},
    socket::Socket,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_on_different_gateways_hear_each_other() {
    let database = Postgres::shared().database();
    let nats = NatsCluster::start();
    for replicas in [None, Some(3)] {
        let mut plan = Plan::new(&database, &nats.url());
        if let Some(replicas) = replicas {
            plan = plan.with_history(replicas);
        }
        let auth = plan.auth();
        // Each on a server of its own.
        let gateways: Vec<_> = nats.servers[..2]
            .iter()
            .map(|server| plan.clone().set("NATS_URL", server.url()).gateway())
            .collect();
        let ann = sign_up(&auth, &format!("ann{}", replicas.unwrap_or(0))).await;
        let mut here = Socket::open(&gateways[0], &ann.access).await;
        let mut there = Socket::open(&gateways[1], &ann.access).await;
        // Without history, servers that have not heard of a listener yet have
        // nothing to send it.
        let mut greetings = 0;
        until("they hear each other", async || {
            greetings += 1;
            let greeting = format!("hello {greetings}");
            here.say(&*greeting).await;
            assert_eq!(here.hear().await, greeting);
            let comes = async { while there.hear().await != greeting {} };
            timeout(Duration::from_secs(1), comes).await.is_ok()
        })
        .await;
        for i in 0..50 {
            let (speaks, hears) = if i % 2 == 0 {
                (&mut here, &mut there)
            } else {
                (&mut there, &mut here)
            };
            speaks.say(i.to_string()).await;
            assert_eq!(speaks.hear().await, i.to_string());
            assert_eq!(hears.hear().await, i.to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_left_by_its_last_socket_is_no_subscription_any_more() {
    let database = Postgres::shared().database();
    let nats = Nats::start();
    let node = Plan::new(&database, nats.url()).node();
    let ann = sign_up(&node, "ann").await;
    let room = claim(&ann.access, "room");
    let listed = || {
        let subscriptions = nats.monitor("/subsz?subs=1&limit=10000");
        subscriptions.matches(&format!(".rooms.{room}\"")).count()
    };
    assert_eq!(listed(), 0);
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(Socket::open(&node, &ann.access).await);
    }
    assert_eq!(listed(), 1, "one, for ten sockets");
    sockets[0].say("hello").await;
    for socket in &mut sockets {
        assert_eq!(socket.hear().await, "hello");
    }
    drop(sockets);
    until("the subscription is gone", async || listed() == 0).await;
}

/// A claim of a token.
pub fn claim(token: &str, name: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims[name].as_str().unwrap().to_owned()
}
