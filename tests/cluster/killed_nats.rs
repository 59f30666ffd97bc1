//! A NATS server is killed while people talk.

use std::time::Duration;

use test_servers::{Nats, NatsCluster, Postgres};
use tokio::time::sleep;

use crate::{
    node::{Plan, sign_in, sign_up, until, until_ready},
    socket::Socket,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_history_killing_a_gateways_server_loses_no_message() {
    let database = Postgres::shared().database();
    let mut nats = NatsCluster::start();
    let plan = Plan::new(&database, &nats.url()).with_history(3);
    let auth = plan.auth();
    let on = |server: usize| {
        let url = nats.servers[server].url();
        plan.clone().set("NATS_URL", url).gateway()
    };
    let (speaking, hearing) = (on(0), on(1));
    let ann = sign_up(&auth, "ann").await;
    let mut speaks = Socket::open(&speaking, &ann.access).await;
    let mut hears = Socket::open(&hearing, &ann.access).await;

    let total = 80;
    let said = tokio::spawn(async move {
        for i in 0..total {
            speaks.say(i.to_string()).await;
            // Each is stored before the next is said.
            assert_eq!(speaks.hear().await, i.to_string());
            sleep(Duration::from_millis(20)).await;
        }
        speaks
    });
    for i in 0..total {
        if i == 10 {
            nats.servers[1].kill();
        }
        assert_eq!(hears.hear().await, i.to_string());
    }
    let mut speaks = said.await.unwrap();
    until_ready(&hearing, true).await;
    nats.servers[1].restart();
    nats.wait_for_leader();
    // And the one of the speaker.
    nats.servers[0].kill();
    for i in 0..10 {
        speaks.say(i.to_string()).await;
        assert_eq!(speaks.hear().await, i.to_string());
        assert_eq!(hears.hear().await, i.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_a_gateway_says_so_and_everything_resumes() {
    let database = Postgres::shared().database();
    let mut nats = Nats::start();
    let node = Plan::new(&database, nats.url()).node();
    let (ann, bob) = (sign_up(&node, "ann").await, sign_up(&node, "bob").await);
    let mut speaks = Socket::open(&node, &ann.access).await;
    let mut hears = Socket::open(&node, &ann.access).await;
    speaks.say("hello").await;
    assert_eq!(speaks.hear().await, "hello");
    assert_eq!(hears.hear().await, "hello");

    nats.kill();
    until_ready(&node, false).await;
    assert_eq!(node.get("/livez").await.unwrap(), 200);
    // The publisher gets an answer; whoever only hears stays.
    speaks.say("nobody hears this").await;
    assert_eq!(speaks.closed().await, 1013);
    // Nobody is let in to a room that can't be heard, but anybody may sign in.
    assert_eq!(Socket::refused(&node, &bob.access).await, 503);
    sign_in(&node, "ann").await;

    nats.restart();
    until_ready(&node, true).await;
    assert_eq!(hears.closed().await, 4410);
    let mut back = None;
    until("sockets are let in again", async || {
        back = Socket::try_open(&node, &bob.access).await.ok();
        back.is_some()
    })
    .await;
    let mut back = back.unwrap();
    back.say("hello again").await;
    assert_eq!(back.hear().await, "hello again");
}
