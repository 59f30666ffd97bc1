//! A service of one's own for each test, in a place that goes with it. The same
//! suite runs on every pair of backends; see [`Place`].

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use service::{
    accounts::{passwords::PasswordService, second_factor::SecondFactor},
    assembly::Rules,
    config::{Config, Sources},
    rooms::RoomPolicy,
    server::Server,
    wiring::Stores,
    ws::Gateway,
};
use test_servers::Place;
pub use test_servers::keeps_history;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use crate::{canaries, mint, socket::Socket};

/// A password that the policy takes.
pub const PASSWORD: &str = "plum-tractor-91-violin";

/// A suite is one address, with many users.
pub const FOR_ONE_ADDRESS: [(&str, &str); 4] = [
    ("APP__LIMITS__LOGINS_PER_MINUTE", "0"),
    ("APP__LIMITS__REGISTRATIONS_PER_MINUTE", "0"),
    ("APP__LIMITS__REFRESHES_PER_MINUTE", "0"),
    ("APP__LIMITS__CONNECTS_PER_MINUTE", "0"),
];

/// Longest that anything here may take: a promise kept late is broken.
pub const SOON: Duration = Duration::from_secs(20);

pub struct Service {
    pub address: SocketAddr,
    pub gateway: Arc<Gateway>,
    pub passwords: PasswordService,
    /// Where its metrics are, if on a listener of their own.
    pub metrics: Option<SocketAddr>,
    pub client: reqwest::Client,
    pub place: Arc<Place>,
    variables: Vec<(String, String)>,
    own: Own,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// Rules of a test's own.
#[derive(Clone, Default)]
struct Own {
    rooms: Option<Arc<dyn RoomPolicy>>,
    second_factor: Option<Arc<dyn SecondFactor>>,
}

impl Service {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts with environment variables, as an operator would set them.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        Self::at(Arc::new(Place::new()), variables, Own::default()).await
    }

    /// Starts with a rule of one's own for who may join a room.
    pub async fn ruled_by(policy: Arc<dyn RoomPolicy>) -> Self {
        let own = Own {
            rooms: Some(policy),
            ..Own::default()
        };
        Self::at(Arc::new(Place::new()), Vec::new(), own).await
    }

    /// Starts with a second factor of one's own.
    pub async fn asking_for(second_factor: Arc<dyn SecondFactor>) -> Self {
        let own = Own {
            second_factor: Some(second_factor),
            ..Own::default()
        };
        Self::at(Arc::new(Place::new()), Vec::new(), own).await
    }

    async fn at(place: Arc<Place>, variables: Vec<(String, String)>, own: Own) -> Self {
        canaries::look();
        let config = config(&place, &variables);
        let rules = {
            let own = own.clone();
            |stores: &Stores| Rules {
                rooms: own.rooms.unwrap_or_else(|| Rules::usual(stores).rooms),
                second_factor: own.second_factor,
            }
        };
        let server = Server::bind_with(&config, rules).await.unwrap();
        let address = server.local_addr();
        let gateway = server.gateway().unwrap();
        let passwords = server.passwords().unwrap();
        let metrics = server.metrics_addr();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let client = client();
        Self {
            address,
            gateway,
            passwords,
            metrics,
            client,
            place,
            variables,
            own,
            stop: Some(stop),
            running,
        }
    }

    /// Stops the service, in order, and starts it again on the same data.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        let (place, variables) = (self.place.clone(), self.variables.clone());
        Self::at(place, variables, self.own.clone()).await
    }

    /// The same, with some variables set otherwise.
    pub async fn restart_with(mut self, variables: &[(&str, &str)]) -> Self {
        for (name, value) in variables {
            self.variables.push(((*name).into(), (*value).into()));
        }
        self.restart().await
    }

    /// What it was started with.
    pub fn config(&self) -> Config {
        config(&self.place, &self.variables)
    }

    /// Asks the service to stop, as SIGTERM does.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
    }

    pub async fn stop(&mut self) {
        self.begin_stop();
        soon(&mut self.running).await.unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn post_as(&self, token: &str, path: &str, body: Value) -> Answer {
        Answer::of(
            self.request(Method::POST, path)
                .bearer_auth(token)
                .json(&body),
        )
        .await
    }

    pub async fn register(&self, username: &str, password: &str) -> Answer {
        self.post(
            "/auth/register",
            json!({"username": username, "password": password}),
        )
        .await
    }

    pub async fn login(&self, username: &str, password: &str) -> Answer {
        self.post(
            "/auth/login",
            json!({"username": username, "password": password}),
        )
        .await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.post("/auth/refresh", json!({"refresh_token": refresh_token}))
            .await
    }

    /// Registers and signs in.
    pub async fn sign_up(&self, username: &str) -> Tokens {
        assert_eq!(
            self.register(username, PASSWORD).await.status,
            StatusCode::CREATED
        );
        self.sign_in(username).await
    }

    pub async fn sign_in(&self, username: &str) -> Tokens {
        let answer = self.login(username, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        Tokens::of(&answer)
    }

    pub async fn socket(&self, token: &str) -> Socket {
        Socket::open(self.address, token).await.unwrap()
    }

    /// A socket of somebody whom another back end, which shares the secret,
    /// sends to `room`.
    pub async fn socket_in(&self, room: &str) -> Socket {
        self.socket(&mint::token(&mint::claims(room))).await
    }
}

/// A client for this machine, which needs none of its certificates.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .tls_certs_only([])
        .build()
        .unwrap()
}

impl Drop for Service {
    fn drop(&mut self) {
        self.running.abort();
        if !std::thread::panicking() {
            canaries::assert_none_found();
        }
    }
}

fn config(place: &Place, variables: &[(String, String)]) -> Config {
    let mut sources = Sources::default()
        .variable("GATEWAY_BIND_ADDR", "127.0.0.1:0")
        .variable("JWT_SECRET", mint::SECRET)
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
    Config::load(&sources)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .config
}

pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = soon(request.send()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = soon(response.text()).await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            status,
            headers,
            body,
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The body, but for the id of its request, which no two have in common.
    pub fn body_without_id(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(body) = body.as_object_mut() {
            body.remove("request_id");
        }
        body
    }

    /// Checks that this is a Problem of that kind.
    #[track_caller]
    pub fn is_problem(&self, status: u16, slug: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(
            self.body["type"],
            format!("urn:problem-type:{slug}"),
            "{self:?}"
        );
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].is_string());
    }
}

pub async fn soon<F: Future>(future: F) -> F::Output {
    timeout(SOON, future)
        .await
        .expect("this should have happened by now")
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    until_async(what, async || holds()).await;
}

/// Waits until a condition holds that takes some asking.
pub async fn until_async(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(SOON, waiting).await.is_ok(), "{what}");
}
