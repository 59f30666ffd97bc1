//! A gateway whose network to NATS is cut.

use std::time::Duration;

use reqwest::Method;
use test_servers::{Nats, Postgres, Proxy};
use tokio::time::timeout;

use crate::{
    node::{Plan, ask, sign_in, sign_up, until, until_ready},
    process::Process,
    socket::Socket,
};

/// An auth node, a gateway behind a network that can be cut, and one that isn't.
struct Cluster {
    auth: Process,
    behind: Process,
    other: Process,
    proxy: Proxy,
    _nats: Nats,
    _database: test_servers::Database,
}

async fn cluster(with_history: bool) -> Cluster {
    let database = Postgres::shared().database();
    let nats = Nats::start();
    let proxy = Proxy::start(nats.port()).await;
    let mut plan = Plan::new(&database, nats.url());
    if with_history {
        plan = plan.with_history(1);
    }
    let behind = format!("nats://{}", proxy.address());
    Cluster {
        auth: plan.auth(),
        other: plan.gateway(),
        behind: plan.set("NATS_URL", &behind).gateway(),
        proxy,
        _nats: nats,
        _database: database,
    }
}

impl Cluster {
    /// Cuts the network, until the gateway knows.
    async fn cut(&self) {
        self.proxy.cut();
        until_ready(&self.behind, false).await;
    }

    /// The network is back, with new connections only.
    async fn heal(&self) {
        self.proxy.reset();
        self.proxy.heal();
        until_ready(&self.behind, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_was_cut_off_during_a_logout_closes_the_sockets_when_it_is_back() {
    // With history the sockets of others stay, so that this close stands out.
    let cluster = cluster(true).await;
    let out = sign_up(&cluster.auth, "ann").await;
    let stays = sign_in(&cluster.auth, "ann").await;
    let mut closes = Socket::open(&cluster.behind, &out.access).await;
    let mut open = Socket::open(&cluster.behind, &stays.access).await;
    cluster.cut().await;
    let status = ask(&cluster.auth, Method::POST, "/auth/logout", &out.access).await;
    assert_eq!(status, 204);
    cluster.heal().await;
    assert_eq!(closes.closed().await, 4503);
    assert_eq!(Socket::refused(&cluster.behind, &out.access).await, 403);
    open.say("still here").await;
    assert_eq!(open.hear().await, "still here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_history_a_gap_closes_the_sockets_that_may_have_missed_something() {
    let cluster = cluster(false).await;
    let ann = sign_up(&cluster.auth, "ann").await;
    let mut missed = Socket::open(&cluster.behind, &ann.access).await;
    let mut speaks = Socket::open(&cluster.behind, &ann.access).await;
    let mut elsewhere = Socket::open(&cluster.other, &ann.access).await;
    cluster.cut().await;
    elsewhere.say("lost").await;
    assert_eq!(elsewhere.hear().await, "lost");
    // Whoever speaks is told, now or when the gap is known; the others stay.
    let told = loop {
        speaks.say("nobody hears this").await;
        if let Ok(told) = timeout(Duration::from_millis(300), speaks.closed()).await {
            break told;
        }
    };
    assert_eq!(told, 1013);
    cluster.heal().await;
    assert_eq!(missed.closed().await, 4410);
    // Everything goes on by itself, and what was lost is not said again.
    let mut back = Socket::open(&cluster.behind, &ann.access).await;
    elsewhere.say("after").await;
    for socket in [&mut back, &mut elsewhere] {
        // What the gateway took while the cut was just being noticed may
        // still be sent.
        let mut heard = socket.hear().await;
        while heard == "nobody hears this" {
            heard = socket.hear().await;
        }
        assert_eq!(heard, "after");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_history_a_gap_is_filled_for_the_sockets_that_stayed() {
    let cluster = cluster(true).await;
    let ann = sign_up(&cluster.auth, "ann").await;
    let mut here = Socket::open(&cluster.behind, &ann.access).await;
    let mut elsewhere = Socket::open(&cluster.other, &ann.access).await;
    cluster.cut().await;
    for i in 0..50 {
        elsewhere.say(i.to_string()).await;
        assert_eq!(elsewhere.hear().await, i.to_string());
    }
    // Said while cut off: it is heard, later.
    here.say("50").await;
    cluster.heal().await;
    for i in 0..=50 {
        assert_eq!(here.hear().await, i.to_string());
    }
    assert_eq!(elsewhere.hear().await, "50");
    here.say("end").await;
    assert_eq!(here.hear().await, "end");
    assert_eq!(elsewhere.hear().await, "end");
}

/// The end of a session that an auth node couldn't announce is announced when
/// it can, or by another: gateways that were never cut off don't ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_on_an_auth_node_that_is_cut_off_closes_the_sockets_on_gateways() {
    for with_another in [true, false] {
        let database = Postgres::shared().database();
        let nats = Nats::start();
        let proxy = Proxy::start(nats.port()).await;
        let plan = Plan::new(&database, nats.url());
        let gateway = plan.gateway();
        let _another = with_another.then(|| plan.auth());
        let behind = format!("nats://{}", proxy.address());
        let auth = plan.set("NATS_URL", &behind).auth();
        let out = sign_up(&auth, "ann").await;
        // Without the news it would close with 4401, when the token ends.
        let mut closes = Socket::open(&gateway, &out.access).await;
        proxy.cut();
        until_ready(&auth, false).await;
        let status = ask(&auth, Method::POST, "/auth/logout", &out.access).await;
        assert_eq!(status, 204);
        if !with_another {
            proxy.reset();
            proxy.heal();
            until_ready(&auth, true).await;
        }
        assert_eq!(closes.closed().await, 4503);
        assert_eq!(Socket::refused(&gateway, &out.access).await, 403);
    }
}

/// Two servers that have lost each other keep their clients: no node was cut
/// off, and yet the news has not come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_that_servers_lose_between_each_other_is_asked_for() {
    let database = Postgres::shared().database();
    let route = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let one = Nats::start_configured(&format!(
        "server_name: one\ncluster {{ name: test, listen: \"{route}\", no_advertise: true }}"
    ));
    let proxy = Proxy::start(route.port()).await;
    let two = Nats::start_configured(&format!(
        "server_name: two\ncluster {{ name: test, listen: \"127.0.0.1:-1\", \
         no_advertise: true, routes: [\"nats://{}\"] }}",
        proxy.address()
    ));
    until("the servers have found each other", async || {
        [&one, &two]
            .iter()
            .all(|server| server.monitor("/routez").contains("\"rid\""))
    })
    .await;
    let plan = Plan::new(&database, one.url());
    let auth = plan.auth();
    let gateway = plan.clone().set("NATS_URL", two.url()).gateway();
    let ann = sign_up(&auth, "ann").await;
    let mut socket = Socket::open(&gateway, &ann.access).await;

    proxy.cut();
    let status = ask(&auth, Method::POST, "/auth/logout", &ann.access).await;
    assert_eq!(status, 204);
    assert_eq!(
        gateway.get("/readyz").await.unwrap(),
        200,
        "it was not cut off"
    );
    proxy.reset();
    proxy.heal();
    assert_eq!(socket.closed().await, 4503);
}
