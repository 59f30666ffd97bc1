//! A node is killed while people sign in and talk.

use rustix::process::Signal;
use test_servers::{Nats, Postgres};

use crate::{
    node::{Plan, Tokens, refresh, sign_in, sign_up},
    process::Process,
    socket::Socket,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_a_node_loses_no_confirmed_account_or_session() {
    let database = Postgres::shared().database();
    let plan = Plan::new(&database, Nats::shared().url());
    let (mut dies, lives) = (plan.node(), plan.node());
    let ann = sign_up(&lives, "ann").await;
    let mut stays = Socket::open(&lives, &ann.access).await;

    let load = async |node: &Process| {
        let mut confirmed = Vec::new();
        for i in 0.. {
            let name = format!("user{i}");
            match node.credentials("/auth/register", &name).await {
                Ok((201, _)) => {}
                Ok((status, answer)) => panic!("{status} {answer}"),
                Err(_) => break,
            }
            match node.credentials("/auth/login", &name).await {
                Ok((200, answer)) => confirmed.push((name, Some(Tokens::of(&answer)))),
                Ok((status, answer)) => panic!("{status} {answer}"),
                Err(_) => {
                    confirmed.push((name, None));
                    break;
                }
            }
        }
        confirmed
    };
    let kill = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        dies.signal(Signal::KILL);
    };
    let (confirmed, ()) = tokio::join!(load(&dies), kill);
    dies.wait();
    assert!(confirmed.len() > 3, "{}", confirmed.len());
    for (name, tokens) in confirmed {
        if let Some(tokens) = tokens {
            let (status, _) = refresh(&lives, &tokens.refresh).await;
            assert_eq!(status, 200, "the session of {name} is there");
        }
        sign_in(&lives, &name).await;
    }
    // Whoever was on the other node has noticed nothing.
    stays.say("still here").await;
    assert_eq!(stays.hear().await, "still here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_history_what_a_killed_gateway_took_is_heard_once() {
    let database = Postgres::shared().database();
    let plan = Plan::new(&database, Nats::shared().url()).with_history(1);
    let (mut dies, lives) = (plan.node(), plan.node());
    let ann = sign_up(&lives, "ann").await;
    let mut speaks = Socket::open(&dies, &ann.access).await;
    let mut hears = Socket::open(&lives, &ann.access).await;
    for i in 0..50 {
        speaks.say(i.to_string()).await;
        // It has been stored once its speaker hears it.
        assert_eq!(speaks.hear().await, i.to_string());
    }
    dies.signal(Signal::KILL);
    dies.wait();
    for i in 0..50 {
        assert_eq!(hears.hear().await, i.to_string());
    }
    let mut again = Socket::open(&lives, &ann.access).await;
    again.say("end").await;
    assert_eq!(hears.hear().await, "end");
    assert_eq!(again.hear().await, "end");
}
