//! Three servers that are one, of which one is killed.

use std::{sync::Arc, time::Duration};

use bus_nats::{History, NatsBus, NatsSettings};
use contract::{Epoch, RoomBus, conformance::BusUnderTest};
use test_servers::NatsCluster;

use crate::{HISTORY, envelope, hear, room, say, settings, until};

const REPLICATED: History = History {
    replicas: 3,
    ..HISTORY
};

/// A node that knows of all servers, and is connected to one of them.
async fn node(cluster: &NatsCluster, server: usize, history: Option<History>) -> NatsBus {
    let mut settings = settings(cluster.servers[server].url(), history);
    settings.prefix = "test".to_owned();
    NatsBus::connect(&settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_a_nodes_server_loses_no_message() {
    let mut cluster = NatsCluster::start();
    let publisher = node(&cluster, 0, Some(REPLICATED)).await;
    let listening = node(&cluster, 1, Some(REPLICATED)).await;
    let room = room();
    let mut here = listening.subscribe(&room, None).await.unwrap();
    let mut there = publisher.subscribe(&room, None).await.unwrap();

    let total = 60;
    let saying = {
        let (publisher, room) = (publisher.clone(), room.clone());
        tokio::spawn(async move {
            for i in 0..total {
                say(&publisher, &room, i.to_string()).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    };
    for i in 0..10 {
        assert_eq!(hear(&mut here).await, i.to_string());
    }
    // The listener's own; perhaps the one that leads the stream.
    cluster.servers[1].kill();
    for i in 10..total {
        let heard = envelope(&mut here).await;
        assert_eq!(heard.message.data, i.to_string());
    }
    saying.await.unwrap();
    for i in 0..total {
        assert_eq!(hear(&mut there).await, i.to_string());
    }
    assert!(here.try_recv().is_none());
    cluster.servers[1].restart();
    cluster.wait_for_leader();
    say(&publisher, &room, "end").await;
    assert_eq!(hear(&mut here).await, "end");
    assert_eq!(hear(&mut there).await, "end");
}

/// The server that leads the cluster, and one of those that don't lead the
/// stream: without the first, nothing new can be made for seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_clusters_leader_keeps_nobody_from_what_the_stream_has() {
    let mut cluster = NatsCluster::start();
    let leader = cluster.leader();
    let other = (leader + 1) % 3;
    let mut prefixes = 0..20;
    let (speaking, listening) = loop {
        let prefix = format!(
            "test{}",
            prefixes.next().expect("streams get other leaders too")
        );
        let node = async |server: usize| {
            let mut settings = settings(cluster.servers[server].url(), Some(REPLICATED));
            settings.prefix.clone_from(&prefix);
            NatsBus::connect(&settings).await.unwrap()
        };
        let nodes = (node(other).await, node(leader).await);
        if cluster.stream_leader(&format!("{prefix}_rooms")) != leader {
            break nodes;
        }
    };
    let room = room();
    let mut here = listening.subscribe(&room, None).await.unwrap();
    let total = 400;
    let saying = tokio::spawn(async move {
        for i in 0..total {
            say(&speaking, &room, i.to_string()).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    for i in 0..total {
        if i == 10 {
            cluster.servers[leader].kill();
        }
        assert_eq!(hear(&mut here).await, i.to_string());
    }
    saying.await.unwrap();
}

/// Of a cluster, a room looks once more for what it may have missed, a moment
/// after it was joined. What is said in that very moment is heard all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_a_room_settles_is_heard_once() {
    let cluster = NatsCluster::start();
    let speaking = node(&cluster, 0, Some(REPLICATED)).await;
    let listening = node(&cluster, 1, Some(REPLICATED)).await;
    let mut rooms = Vec::new();
    for i in 0..400 {
        let room = room();
        let listener = listening.subscribe(&room, None).await.unwrap();
        let (speaking, joined) = (speaking.clone(), tokio::time::Instant::now());
        let saying = tokio::spawn(async move {
            let moment = Duration::from_micros(999_000 + 250 * (i % 16));
            tokio::time::sleep_until(joined + moment).await;
            say(&speaking, &room, "hello").await;
            say(&speaking, &room, "end").await;
        });
        rooms.push((listener, saying));
    }
    for (listener, saying) in &mut rooms {
        saying.await.unwrap();
        assert_eq!(hear(listener).await, "hello");
        assert_eq!(hear(listener).await, "end");
        assert!(listener.try_recv().is_none());
    }
}

/// The laws, between two servers of a cluster. Without history a listener that
/// the other server has not heard of yet may miss something, so only this mode
/// holds them all there.
mod laws_with_history {
    use std::sync::{LazyLock, OnceLock};

    use super::*;

    static CLUSTER: LazyLock<NatsCluster> = LazyLock::new(NatsCluster::start);
    static SETTLED: OnceLock<()> = OnceLock::new();

    async fn bus() -> BusUnderTest {
        SETTLED.get_or_init(|| CLUSTER.wait_for_leader());
        let prefix = format!("test.{}", Epoch::random().0);
        let node = async |server: usize| {
            let history = History {
                messages: 50,
                ..REPLICATED
            };
            let mut settings = settings(CLUSTER.servers[server].url(), Some(history));
            settings.prefix.clone_from(&prefix);
            NatsBus::connect(&settings).await.unwrap()
        };
        BusUnderTest {
            bus: Arc::new(node(0).await),
            other: Arc::new(node(2).await),
            capacity: 100,
            history: 50,
            keep: Box::new(()),
        }
    }

    contract::bus_laws!(bus().await);
}

/// One of them makes the stream; the others ask for it while it has no leader.
#[tokio::test]
async fn nodes_of_a_new_cluster_start_together() {
    let cluster = NatsCluster::start();
    for round in 0..5 {
        let settings = NatsSettings {
            prefix: format!("round{round}"),
            ..settings(&cluster.url(), Some(REPLICATED))
        };
        let nodes = (0..6).map(|_| NatsBus::connect(&settings));
        for connected in futures_util::future::join_all(nodes).await {
            let node = connected.unwrap();
            until("it is ready", async || node.ping().await.is_ok()).await;
        }
    }
}
