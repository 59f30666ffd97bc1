//! Nodes of a cluster: processes that share a database, NATS and a secret.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use test_servers::{Database, Place};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::process::{Process, SOON};

/// Listed among the secrets that production refuses.
pub const SECRET: &str = "a-secret-of-tests-9f2c61d07be84a53";

/// What all nodes of a cluster are told.
#[derive(Clone)]
pub struct Plan {
    variables: Vec<(String, String)>,
}

impl Plan {
    /// Rooms on NATS under a prefix of their own, without history.
    pub fn new(database: &Database, nats: &str) -> Self {
        let plan = Self {
            variables: Vec::new(),
        };
        plan.set("JWT_SECRET", SECRET)
            .set("DATABASE_URL", &database.url)
            .set("NATS_URL", nats)
            .set("APP__BUS__PREFIX", &format!("test-{}", Uuid::new_v4()))
            // The cheap profile: tests need many hashes, not safe ones.
            .set("APP__PASSWORDS__MEMORY_KIB", "64")
            .set("APP__PASSWORDS__ITERATIONS", "1")
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(set, _)| set != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What is said is kept, on so many servers.
    pub fn with_history(self, replicas: usize) -> Self {
        self.set("APP__BUS__HISTORY", "100")
            .set("APP__BUS__HISTORY_REPLICAS", &replicas.to_string())
    }

    pub fn variables(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// A node that is both.
    pub fn node(&self) -> Process {
        Process::bare(Arc::new(Place::new()), &self.variables())
    }

    /// A node with the accounts alone.
    pub fn auth(&self) -> Process {
        self.clone().set("APP__ROLES", "auth").node()
    }

    /// A node with sockets alone, which is told nothing of the database.
    pub fn gateway(&self) -> Process {
        let mut plan = self.clone().set("APP__ROLES", "gateway");
        plan.variables.retain(|(name, _)| name != "DATABASE_URL");
        plan.node()
    }
}

/// Who has signed in.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

pub async fn sign_up(node: &Process, name: &str) -> Tokens {
    let (status, answer) = node.credentials("/auth/register", name).await.unwrap();
    assert_eq!(status, 201, "{answer}");
    sign_in(node, name).await
}

pub async fn sign_in(node: &Process, name: &str) -> Tokens {
    let (status, answer) = node.credentials("/auth/login", name).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    Tokens::of(&answer)
}

/// The status of a request that bears a token.
pub async fn ask(node: &Process, method: reqwest::Method, path: &str, token: &str) -> u16 {
    ask_with(node, method, path, token, &Value::Null).await
}

pub async fn ask_with(
    node: &Process,
    method: reqwest::Method,
    path: &str,
    token: &str,
    body: &Value,
) -> u16 {
    request(node, method, path, token, body).await.0
}

/// The status and the body of what answers a request that bears a token.
pub async fn request(
    node: &Process,
    method: reqwest::Method,
    path: &str,
    token: &str,
    body: &Value,
) -> (u16, Value) {
    let mut request = reqwest::Client::new()
        .request(method, format!("http://{}{path}", node.address))
        .timeout(SOON)
        .bearer_auth(token);
    if !body.is_null() {
        request = request.json(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub async fn refresh(node: &Process, token: &str) -> (u16, Value) {
    node.post("/auth/refresh", json!({"refresh_token": token}))
        .await
        .unwrap()
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(SOON, waiting).await.is_ok(), "{what}");
}

/// Waits until the node says that it is ready, or that it is not.
pub async fn until_ready(node: &Process, ready: bool) {
    let wanted = if ready { 200 } else { 503 };
    until(&format!("/readyz says {wanted}"), async || {
        node.get("/readyz")
            .await
            .is_ok_and(|status| status == wanted)
    })
    .await;
}
