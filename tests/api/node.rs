//! A node with some of the roles, to be started, stopped and started again
//! where it was.

use std::{net::SocketAddr, sync::Arc};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use service::{
    config::{Config, Sources},
    server::{Server, StartError},
};
use test_servers::Place;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::service::{Answer, FOR_ONE_ADDRESS, PASSWORD, client, soon};

pub struct Node {
    pub address: SocketAddr,
    pub place: Arc<Place>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Node {
    /// Starts with environment variables, in a place of its own.
    pub async fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_at(Arc::new(Place::new()), "127.0.0.1:0", variables).await
    }

    pub async fn start_at(place: Arc<Place>, address: &str, variables: &[(&str, &str)]) -> Self {
        let server = bind(&place, address, variables).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self {
            address,
            place,
            stop: Some(stop),
            running,
        }
    }

    /// A node with accounts and nothing else, which signs with keys of its own.
    pub async fn auth() -> Self {
        Self::start(&[("APP__ROLES", "auth")]).await
    }

    /// Stops it, in order; its address is free then.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        soon(&mut self.running).await.unwrap();
    }

    pub fn jwks_url(&self) -> String {
        format!("http://{}/.well-known/jwks.json", self.address)
    }

    pub async fn request(&self, method: Method, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.address);
        Answer::of(client().request(method, url)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let url = format!("http://{}{path}", self.address);
        Answer::of(client().post(url).json(&body)).await
    }

    pub async fn register(&self, username: &str) {
        let body = json!({"username": username, "password": PASSWORD});
        let answer = self.post("/auth/register", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }

    /// Signs in; the access token.
    pub async fn sign_in(&self, username: &str) -> String {
        let body = json!({"username": username, "password": PASSWORD});
        let answer = self.post("/auth/login", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Starts a gateway alone, if that is possible.
pub async fn gateway(variables: &[(&str, &str)]) -> Result<Server, StartError> {
    let place = Place::new();
    let variables = [&[("APP__ROLES", "gateway")], variables].concat();
    bind(&place, "127.0.0.1:0", &variables).await
}

async fn bind(
    place: &Place,
    address: &str,
    variables: &[(&str, &str)],
) -> Result<Server, StartError> {
    let mut sources = Sources::default()
        .variable("GATEWAY_BIND_ADDR", address)
        .variable("APP__TOKENS__KEY_DIR", place.path().join("keys"))
        // The cheap profile: tests need many hashes, not safe ones.
        .variable("APP__PASSWORDS__MEMORY_KIB", "64")
        .variable("APP__PASSWORDS__ITERATIONS", "1");
    for (name, value) in FOR_ONE_ADDRESS {
        sources = sources.variable(name, value);
    }
    for (name, value) in place.variables() {
        sources = sources.variable(name, value);
    }
    for (name, value) in variables {
        sources = sources.variable(name, value);
    }
    let loaded = Config::load(&sources).unwrap_or_else(|errors| panic!("{errors}"));
    Server::bind(&loaded.config).await
}
