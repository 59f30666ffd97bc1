//! A membership that changes on one node changes on all of them, also on those
//! that can't hear of it just then.

use reqwest::Method;
use serde_json::{Value, json};
use test_servers::{Database, Nats, Postgres, Proxy};

use crate::{
    node::{Plan, Tokens, ask, ask_with, request, sign_up, until_ready},
    process::Process,
    socket::Socket,
};

/// Two people in a room, with tokens for it.
struct Room {
    path: String,
    ann: Tokens,
    /// The owner's.
    anns: String,
    /// The member's.
    bobs: String,
}

impl Room {
    async fn new(auth: &Process) -> Self {
        let ann = sign_up(auth, "ann").await;
        let bob = sign_up(auth, "bob").await;
        let body = json!({"title": "Tea"});
        let (status, room) = request(auth, Method::POST, "/rooms", &ann.access, &body).await;
        assert_eq!(status, 201, "{room}");
        let path = format!("/rooms/{}", room["room"].as_str().unwrap());
        let bobs = format!("{path}/members/bob");
        let role = json!({"role": "member"});
        assert_eq!(
            ask_with(auth, Method::PUT, &bobs, &ann.access, &role).await,
            201
        );
        let token = async |who: &Tokens| {
            let path = format!("{path}/token");
            let (status, token) =
                request(auth, Method::POST, &path, &who.access, &Value::Null).await;
            assert_eq!(status, 200, "{token}");
            token["access_token"].as_str().unwrap().to_owned()
        };
        Self {
            anns: token(&ann).await,
            bobs: token(&bob).await,
            path,
            ann,
        }
    }

    /// The owner removes the member.
    async fn removes_bob(&self, auth: &Process) {
        let path = format!("{}/members/bob", self.path);
        let status = ask(auth, Method::DELETE, &path, &self.ann.access).await;
        assert_eq!(status, 204);
    }
}

/// The member's socket is closed for good, and the token opens nothing.
async fn is_out(mut socket: Socket, gateway: &Process, token: &str) {
    assert_eq!(socket.closed().await, 4507);
    assert_eq!(Socket::refused(gateway, token).await, 403);
}

/// The socket hears itself.
async fn goes_on(socket: &mut Socket) {
    socket.say("still here").await;
    assert_eq!(socket.hear().await, "still here");
}

fn shared() -> (Database, Plan) {
    let database = Postgres::shared().database();
    let plan = Plan::new(&database, Nats::shared().url());
    (database, plan)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_member_is_out_on_every_gateway() {
    let (_database, plan) = shared();
    let auth = plan.auth();
    let gateways = [plan.gateway(), plan.gateway()];
    let room = Room::new(&auth).await;
    let mut stays = Socket::open(&gateways[0], &room.anns).await;
    let sockets = [
        Socket::open(&gateways[0], &room.bobs).await,
        Socket::open(&gateways[1], &room.bobs).await,
    ];
    room.removes_bob(&auth).await;
    for (socket, gateway) in sockets.into_iter().zip(&gateways) {
        is_out(socket, gateway, &room.bobs).await;
    }
    goes_on(&mut stays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_says_no_more_and_a_deleted_room_is_left_on_other_nodes() {
    let (_database, plan) = shared();
    let (node, other) = (plan.node(), plan.node());
    let room = Room::new(&node).await;
    let mut speaks = Socket::open(&other, &room.bobs).await;
    goes_on(&mut speaks).await;
    let path = format!("{}/members/bob", room.path);
    let role = json!({"role": "reader"});
    let status = ask_with(&node, Method::PUT, &path, &room.ann.access, &role).await;
    assert_eq!(status, 200);
    assert_eq!(speaks.closed().await, 4507);

    let hears = Socket::open(&other, &room.bobs).await;
    let status = ask(&node, Method::DELETE, &room.path, &room.ann.access).await;
    assert_eq!(status, 204);
    is_out(hears, &other, &room.bobs).await;
    assert_eq!(Socket::refused(&other, &room.anns).await, 403);
}

/// It has no store, and asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_starts_later_knows_who_was_removed() {
    let (_database, plan) = shared();
    let auth = plan.auth();
    let room = Room::new(&auth).await;
    room.removes_bob(&auth).await;
    let gateway = plan.gateway();
    assert_eq!(Socket::refused(&gateway, &room.bobs).await, 403);
    goes_on(&mut Socket::open(&gateway, &room.anns).await).await;
}

/// A node behind a network that can be cut.
struct Cut {
    plan: Plan,
    behind: Plan,
    proxy: Proxy,
    _nats: Nats,
    _database: Database,
}

impl Cut {
    async fn new(with_history: bool) -> Self {
        let database = Postgres::shared().database();
        let nats = Nats::start();
        let proxy = Proxy::start(nats.port()).await;
        let mut plan = Plan::new(&database, nats.url());
        if with_history {
            plan = plan.with_history(1);
        }
        let url = format!("nats://{}", proxy.address());
        Self {
            behind: plan.clone().set("NATS_URL", &url),
            plan,
            proxy,
            _nats: nats,
            _database: database,
        }
    }

    async fn cut(&self, node: &Process) {
        self.proxy.cut();
        until_ready(node, false).await;
    }

    async fn heal(&self, node: &Process) {
        self.proxy.reset();
        self.proxy.heal();
        until_ready(node, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_was_cut_off_during_a_removal_asks_when_it_is_back() {
    // With history the sockets of others stay, so that this close stands out.
    let network = Cut::new(true).await;
    let auth = network.plan.auth();
    let gateway = network.behind.gateway();
    let room = Room::new(&auth).await;
    let closes = Socket::open(&gateway, &room.bobs).await;
    let mut stays = Socket::open(&gateway, &room.anns).await;
    network.cut(&gateway).await;
    room.removes_bob(&auth).await;
    network.heal(&gateway).await;
    is_out(closes, &gateway, &room.bobs).await;
    goes_on(&mut stays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_finds_a_removal_in_the_store() {
    let network = Cut::new(true).await;
    let auth = network.plan.auth();
    let node = network.behind.node();
    let room = Room::new(&auth).await;
    let mut closes = Socket::open(&node, &room.bobs).await;
    network.cut(&node).await;
    room.removes_bob(&auth).await;
    // The bus is still away.
    assert_eq!(closes.closed().await, 4507);
    network.heal(&node).await;
    assert_eq!(Socket::refused(&node, &room.bobs).await, 403);
}

/// A change that a node couldn't announce is announced when it can, or by
/// another: gateways that were never cut off don't ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_on_a_node_that_is_cut_off_reaches_gateways() {
    for with_another in [true, false] {
        let network = Cut::new(false).await;
        let gateway = network.plan.gateway();
        let _another = with_another.then(|| network.plan.auth());
        let auth = network.behind.auth();
        let room = Room::new(&auth).await;
        let closes = Socket::open(&gateway, &room.bobs).await;
        network.cut(&auth).await;
        room.removes_bob(&auth).await;
        if !with_another {
            network.heal(&auth).await;
        }
        is_out(closes, &gateway, &room.bobs).await;
    }
}
