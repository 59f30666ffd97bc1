//! A session that ends, for whatever reason and on whatever node, ends on all.

use reqwest::Method;
use serde_json::json;
use test_servers::{Nats, Postgres};

use crate::{
    node::{Plan, ask, ask_with, refresh, sign_in, sign_up},
    process::{PASSWORD, Process, bare_output},
    socket::Socket,
};

struct Cluster {
    plan: Plan,
    auth: Process,
    gateways: [Process; 2],
    _database: test_servers::Database,
}

fn cluster() -> Cluster {
    let database = Postgres::shared().database();
    let plan = Plan::new(&database, Nats::shared().url());
    Cluster {
        auth: plan.auth(),
        gateways: [plan.gateway(), plan.gateway()],
        plan,
        _database: database,
    }
}

impl Cluster {
    /// A socket on each gateway.
    async fn sockets(&self, token: &str) -> [Socket; 2] {
        [
            Socket::open(&self.gateways[0], token).await,
            Socket::open(&self.gateways[1], token).await,
        ]
    }

    /// Both are closed for good, and their token opens nothing any more.
    async fn ended(&self, mut sockets: [Socket; 2], token: &str) {
        for (socket, gateway) in sockets.iter_mut().zip(&self.gateways) {
            assert_eq!(socket.closed().await, 4503);
            assert_eq!(Socket::refused(gateway, token).await, 403);
        }
    }

    /// Both hear each other.
    async fn goes_on(&self, sockets: &mut [Socket; 2]) {
        let [here, there] = sockets;
        here.say("still here").await;
        assert_eq!(here.hear().await, "still here");
        assert_eq!(there.hear().await, "still here");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_closes_the_sessions_sockets_on_every_gateway() {
    let cluster = cluster();
    let out = sign_up(&cluster.auth, "ann").await;
    let stays = sign_in(&cluster.auth, "ann").await;
    let sockets = cluster.sockets(&out.access).await;
    let mut others = cluster.sockets(&stays.access).await;
    let status = ask(&cluster.auth, Method::POST, "/auth/logout", &out.access).await;
    assert_eq!(status, 204);
    cluster.ended(sockets, &out.access).await;
    cluster.goes_on(&mut others).await;

    let status = ask(
        &cluster.auth,
        Method::POST,
        "/auth/logout?all=true",
        &stays.access,
    )
    .await;
    assert_eq!(status, 204);
    cluster.ended(others, &stays.access).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_change_closes_the_other_sessions_sockets() {
    let cluster = cluster();
    let changes = sign_up(&cluster.auth, "ann").await;
    let out = sign_in(&cluster.auth, "ann").await;
    let mut stay = cluster.sockets(&changes.access).await;
    let sockets = cluster.sockets(&out.access).await;
    let body = json!({"current_password": PASSWORD, "new_password": "violin-91-tractor-plum"});
    let status = ask_with(
        &cluster.auth,
        Method::POST,
        "/auth/password",
        &changes.access,
        &body,
    )
    .await;
    assert_eq!(status, 204);
    cluster.ended(sockets, &out.access).await;
    cluster.goes_on(&mut stay).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_session_and_a_reused_refresh_token_end_everywhere() {
    let cluster = cluster();
    let keeps = sign_up(&cluster.auth, "ann").await;
    let revoked = sign_in(&cluster.auth, "ann").await;
    let sockets = cluster.sockets(&revoked.access).await;
    let mut kept = cluster.sockets(&keeps.access).await;
    let sid = crate::rooms::claim(&revoked.access, "sid");
    let path = format!("/auth/sessions/{sid}");
    let status = ask(&cluster.auth, Method::DELETE, &path, &keeps.access).await;
    assert_eq!(status, 204);
    cluster.ended(sockets, &revoked.access).await;
    cluster.goes_on(&mut kept).await;

    let (status, second) = refresh(&cluster.auth, &keeps.refresh).await;
    assert_eq!(status, 200);
    let second = crate::node::Tokens::of(&second);
    assert_eq!(refresh(&cluster.auth, &second.refresh).await.0, 200);
    // The grandparent: somebody else has it.
    assert_eq!(refresh(&cluster.auth, &keeps.refresh).await.0, 401);
    cluster.ended(kept, &keeps.access).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_account_is_out_everywhere() {
    let cluster = cluster();
    let ann = sign_up(&cluster.auth, "ann").await;
    let sockets = cluster.sockets(&ann.access).await;
    let disabled = bare_output(
        cluster.auth.place.path(),
        &cluster.plan.variables(),
        &["user", "disable", "ann"],
    );
    assert!(disabled.status.success(), "{disabled:?}");
    cluster.ended(sockets, &ann.access).await;
    let (status, _) = cluster
        .auth
        .credentials("/auth/login", "ann")
        .await
        .unwrap();
    assert_eq!(status, 401);
}

/// Whoever disables it may fail to tell the nodes, or know of no bus at all. The
/// auth node finds it in the store, and the gateways have none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_disabled_without_a_bus_is_out_everywhere() {
    let cluster = cluster();
    let ann = sign_up(&cluster.auth, "ann").await;
    let sockets = cluster.sockets(&ann.access).await;
    let mut variables = cluster.plan.variables();
    variables.retain(|(name, _)| *name != "NATS_URL" && !name.starts_with("APP__BUS"));
    let disabled = bare_output(
        cluster.auth.place.path(),
        &variables,
        &["user", "disable", "ann"],
    );
    assert!(disabled.status.success(), "{disabled:?}");
    cluster.ended(sockets, &ann.access).await;
}

/// A gateway that starts after a logout knows of it: it has no store, and asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_starts_later_knows_who_is_out() {
    let database = Postgres::shared().database();
    let plan = Plan::new(&database, Nats::shared().url());
    let auth = plan.auth();
    let out = sign_up(&auth, "ann").await;
    let stays = sign_in(&auth, "ann").await;
    let status = ask(&auth, Method::POST, "/auth/logout", &out.access).await;
    assert_eq!(status, 204);
    let gateway = plan.gateway();
    assert_eq!(Socket::refused(&gateway, &out.access).await, 403);
    Socket::open(&gateway, &stays.access).await;
}
