//! Postgres is killed under load, or answers slowly.

use std::time::Duration;

use reqwest::Method;
use test_servers::{Nats, Postgres, Proxy};

use crate::{
    node::{Plan, Tokens, ask, refresh, sign_in, sign_up, until, until_ready},
    socket::Socket,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_postgres_loses_nothing_confirmed_and_all_nodes_come_back() {
    let mut postgres = Postgres::start();
    let database = postgres.database();
    let plan = Plan::new(&database, Nats::shared().url());
    let nodes = [plan.node(), plan.node()];
    let ann = sign_up(&nodes[0], "ann").await;
    let mut here = Socket::open(&nodes[0], &ann.access).await;
    let mut there = Socket::open(&nodes[1], &ann.access).await;

    let load = async {
        let mut confirmed = Vec::new();
        for i in 0.. {
            let node = &nodes[i % 2];
            let name = format!("user{i}");
            match node.credentials("/auth/register", &name).await.unwrap() {
                (201, _) => {}
                (503 | 500, _) => break,
                (status, answer) => panic!("{status} {answer}"),
            }
            match node.credentials("/auth/login", &name).await.unwrap() {
                (200, answer) => confirmed.push((name, Some(Tokens::of(&answer)))),
                (503 | 500, _) => {
                    confirmed.push((name, None));
                    break;
                }
                (status, answer) => panic!("{status} {answer}"),
            }
        }
        confirmed
    };
    let kill = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        tokio::task::block_in_place(|| postgres.kill());
    };
    let (confirmed, ()) = tokio::join!(load, kill);
    assert!(confirmed.len() > 3, "{}", confirmed.len());
    for node in &nodes {
        until_ready(node, false).await;
        assert_eq!(node.get("/livez").await.unwrap(), 200);
        let (status, answer) = node.credentials("/auth/login", "ann").await.unwrap();
        assert_eq!(status, 503, "{answer}");
    }
    // Rooms need no database.
    here.say("still here").await;
    assert_eq!(here.hear().await, "still here");
    assert_eq!(there.hear().await, "still here");

    tokio::task::block_in_place(|| postgres.restart());
    for node in &nodes {
        until_ready(node, true).await;
    }
    for (name, tokens) in confirmed {
        if let Some(tokens) = tokens {
            let (status, _) = refresh(&nodes[0], &tokens.refresh).await;
            assert_eq!(status, 200, "the session of {name} is there");
        }
        sign_in(&nodes[1], &name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_postgres_makes_neither_rooms_nor_logouts_slow() {
    let postgres = Postgres::start();
    let mut database = postgres.database();
    let proxy = Proxy::start(postgres.port()).await;
    let direct = Plan::new(&database, Nats::shared().url());
    database.url = database.url.replace(
        &postgres.port().to_string(),
        &proxy.address().port().to_string(),
    );
    let quick = direct.node();
    let slow = direct.clone().set("DATABASE_URL", &database.url).node();
    let ann = sign_up(&quick, "ann").await;
    let bob = sign_up(&quick, "bob").await;
    let mut closes = Socket::open(&slow, &ann.access).await;
    let mut here = Socket::open(&slow, &bob.access).await;
    let mut there = Socket::open(&quick, &bob.access).await;

    proxy.delay(Duration::from_millis(700));
    here.say("hello").await;
    assert_eq!(here.hear().await, "hello");
    assert_eq!(there.hear().await, "hello");
    let status = ask(&quick, Method::POST, "/auth/logout", &ann.access).await;
    assert_eq!(status, 204);
    assert_eq!(closes.closed().await, 4503);
    assert_eq!(slow.get("/livez").await.unwrap(), 200);
    // It takes its time, and is right; or says that it can't now.
    let (status, answer) = slow.credentials("/auth/login", "bob").await.unwrap();
    assert!([200, 503].contains(&status), "{status} {answer}");

    proxy.heal();
    until("the node is quick again", async || {
        let answer = slow.credentials("/auth/login", "bob").await;
        answer.is_ok_and(|(status, _)| status == 200)
    })
    .await;
    until_ready(&slow, true).await;
}
