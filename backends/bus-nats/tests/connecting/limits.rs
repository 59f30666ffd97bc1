//! A stream with other limits than configured is not touched, and not used.

use std::time::Duration;

use async_nats::jetstream::{self, stream::Config};
use bus_nats::{ConnectError, History, Storage};
use test_servers::{Nats, NatsCluster};

use crate::{refused, settings, with_history, works};

const HISTORY: History = History {
    messages: 100,
    age: Duration::from_secs(3600),
    storage: Storage::File,
    replicas: 1,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_with_other_limits_is_refused_and_left_as_it_is() {
    let server = Nats::start();
    works(&with_history(server.url(), HISTORY)).await;
    let others = [
        (
            History {
                messages: 50,
                ..HISTORY
            },
            "messages per room (history) is 100 there and 50 here",
        ),
        (
            History {
                age: Duration::from_secs(60),
                ..HISTORY
            },
            "age (history_age) is 3600s there and 60s here",
        ),
        (
            History {
                storage: Storage::Memory,
                ..HISTORY
            },
            "storage (history_storage) is File there and Memory here",
        ),
    ];
    for (other, what) in others {
        let (error, text) = refused(&with_history(server.url(), other)).await;
        assert!(
            matches!(error, ConnectError::StreamDiffers { .. }),
            "{text}"
        );
        assert_eq!(error.setting(), "history");
        assert!(
            text.contains(what) && text.contains("`test_rooms`"),
            "{text}"
        );
    }
    works(&with_history(server.url(), HISTORY)).await;
    // A node without history doesn't look at it.
    works(&settings(server.url())).await;
}

/// One of an earlier version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_soon_forgets_what_was_said_is_used_and_left_as_it_is() {
    let server = Nats::start();
    works(&with_history(server.url(), HISTORY)).await;
    let jetstream = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let window = async || {
        let stream = jetstream.get_stream("test_rooms").await.unwrap();
        stream.cached_info().config.clone()
    };
    let made = window().await;
    assert_eq!(made.duplicate_window, Duration::from_secs(300));
    let earlier = Config {
        duplicate_window: Duration::from_secs(60),
        ..made
    };
    jetstream.update_stream(&earlier).await.unwrap();
    works(&with_history(server.url(), HISTORY)).await;
    assert_eq!(window().await.duplicate_window, Duration::from_secs(60));
    // No id is remembered longer than the messages themselves.
    let short = History {
        age: Duration::from_secs(60),
        ..HISTORY
    };
    let server = Nats::start();
    works(&with_history(server.url(), short)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_that_start_at_once_make_one_stream() {
    let server = Nats::start();
    let settings = with_history(server.url(), HISTORY);
    let starts: Vec<_> = (0..10)
        .map(|_| {
            let settings = settings.clone();
            tokio::spawn(async move { works(&settings).await })
        })
        .collect();
    for start in starts {
        start.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_replicas_than_servers_are_refused() {
    let server = Nats::start();
    let history = History {
        replicas: 3,
        ..HISTORY
    };
    let (error, text) = refused(&with_history(server.url(), history)).await;
    assert!(matches!(error, ConnectError::Stream { .. }), "{text}");
    assert!(text.contains("replicas"), "{text}");
    let cluster = NatsCluster::start();
    works(&with_history(cluster.servers[0].url(), history)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_jetstream_is_told_apart() {
    let server = Nats::start_with("accounts { A { users: [{ user: ann, password: secret }] } }");
    let url = server.url().replace("//", "//ann:secret@");
    works(&settings(&url)).await;
    let (error, text) = refused(&with_history(&url, HISTORY)).await;
    assert!(matches!(error, ConnectError::NoJetStream { .. }), "{text}");
    assert!(!text.contains("secret"), "{text}");
}
