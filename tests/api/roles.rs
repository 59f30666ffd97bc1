//! What a node serves when it has one of the two roles.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::{
    mint,
    node::Node,
    service::{PASSWORD, client},
    socket::Socket,
};

const ACCOUNTS: &[(Method, &str)] = &[
    (Method::POST, "/auth/register"),
    (Method::POST, "/auth/login"),
    (Method::POST, "/auth/refresh"),
    (Method::POST, "/auth/logout"),
    (Method::POST, "/auth/password"),
    (Method::GET, "/auth/me"),
    (Method::GET, "/auth/sessions"),
    (
        Method::DELETE,
        "/auth/sessions/3f1c9a52-0f0b-4f3c-9d47-2f6f5a3f0c11",
    ),
    (Method::GET, "/.well-known/jwks.json"),
    (Method::POST, "/rooms"),
    (Method::GET, "/rooms"),
    (Method::GET, "/rooms/lobby"),
    (Method::DELETE, "/rooms/lobby"),
    (Method::GET, "/rooms/lobby/members"),
    (Method::PUT, "/rooms/lobby/members/ann"),
    (Method::DELETE, "/rooms/lobby/members/ann"),
    (Method::POST, "/rooms/lobby/token"),
    (Method::POST, "/rooms/lobby/messages"),
    (Method::GET, "/rooms/lobby/messages"),
    (Method::GET, "/rooms/lobby/presence"),
];

/// Paths and tags of the document that a node serves.
async fn document(node: &Node) -> (BTreeSet<String>, BTreeSet<String>) {
    let document = node.request(Method::GET, "/openapi.json").await.body;
    let paths = document["paths"].as_object().unwrap();
    let tags = document["tags"].as_array().unwrap();
    (
        paths.keys().cloned().collect(),
        tags.iter()
            .map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect(),
    )
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_gateway_alone_serves_sockets_and_has_no_store() {
    let node = Node::start(&[
        ("APP__ROLES", "gateway"),
        ("JWT_SECRET", mint::SECRET),
        ("DATABASE_URL", "nothing that can be opened"),
    ])
    .await;
    for (method, path) in ACCOUNTS {
        node.request(method.clone(), path)
            .await
            .is_problem(404, "not-found");
    }
    let token = mint::token(&mint::claims("lobby"));
    let mut ann = Socket::open(node.address, &token).await.unwrap();
    let mut ben = Socket::open(node.address, &token).await.unwrap();
    ann.say("hello").await;
    assert_eq!(ben.hear().await, "hello");
    Socket::open(node.address, "no token")
        .await
        .err()
        .unwrap()
        .is_problem(403, "token-required");

    for path in ["/health", "/readyz"] {
        let health = node.request(Method::GET, path).await;
        assert_eq!(health.status, 200);
        assert_eq!(health.body, json!({"status": "ok", "bus": "ok"}));
    }
    assert_eq!(node.request(Method::GET, "/livez").await.status, 200);
    let (paths, tags) = document(&node).await;
    let documents = ["/asyncapi.json", "/openapi.json"];
    assert_eq!(
        paths,
        set(&[&["/health", "/livez", "/readyz", "/ws"][..], &documents].concat())
    );
    assert_eq!(tags, set(&["documents", "health", "rooms"]));
    // No database, no key.
    assert_eq!(std::fs::read_dir(node.place.path()).unwrap().count(), 0);
    node.stop().await;
}

#[tokio::test]
async fn a_node_with_accounts_alone_has_no_sockets() {
    let node = Node::auth().await;
    node.register("ann").await;
    let token = node.sign_in("ann").await;
    let refused = Socket::open(node.address, &token).await.err().unwrap();
    refused.is_problem(404, "not-found");
    node.request(Method::GET, "/ws")
        .await
        .is_problem(404, "not-found");
    let me = client()
        .get(format!("http://{}/auth/me", node.address))
        .bearer_auth(&token);
    assert_eq!(me.send().await.unwrap().status(), 200);
    let health = node.request(Method::GET, "/health").await;
    assert_eq!(
        health.body,
        json!({"status": "ok", "store": "ok", "bus": "ok"})
    );
    let (paths, tags) = document(&node).await;
    assert!(!paths.contains("/ws") && !paths.contains("/asyncapi.json"));
    assert!(paths.contains("/auth/login"));
    assert_eq!(
        tags,
        set(&["auth", "documents", "health", "keys", "rooms", "sessions"])
    );
    let wrong = json!({"username": "ann", "password": format!("{PASSWORD}!")});
    node.post("/auth/login", wrong)
        .await
        .is_problem(401, "invalid-credentials");
    node.stop().await;
}

/// On the machine of an auth node, a gateway finds the keys by itself.
#[tokio::test]
async fn a_gateway_alone_takes_the_public_halves_of_a_key_folder() {
    let auth = Node::auth().await;
    auth.register("ann").await;
    let token = auth.sign_in("ann").await;
    let keys = auth.place.path().join("keys");
    // It has no use for the other secret, and may not need it.
    std::fs::remove_file(keys.join("refresh.key")).unwrap();
    let gateway = Node::start(&[
        ("APP__ROLES", "gateway"),
        ("APP__TOKENS__KEY_DIR", keys.to_str().unwrap()),
    ])
    .await;
    Socket::open(gateway.address, &token).await.unwrap();
    // Symmetric tokens have no key here.
    let minted = mint::token(&mint::claims("lobby"));
    let refused = Socket::open(gateway.address, &minted).await.err().unwrap();
    refused.is_problem(403, "token-required");
}
