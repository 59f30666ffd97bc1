//! Clients that register and log in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::harness::Outcome;

/// A user of the service.
#[derive(Clone, Serialize)]
pub(crate) struct User {
    username: String,
    password: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
}

/// Where the clients go, and who they are.
#[derive(Clone)]
pub(crate) struct Clients {
    http: Client,
    address: SocketAddr,
    pub(crate) users: Arc<[User]>,
}

/// What clients of a storm have seen.
#[derive(Default)]
pub(crate) struct Storm {
    completed: AtomicU64,
    shed: AtomicU64,
    over: AtomicBool,
}

impl Storm {
    /// Logins that were answered with a token.
    pub(crate) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Relaxed)
    }

    /// Logins that were refused because too many were waiting.
    pub(crate) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }
}

impl User {
    fn random() -> Self {
        Self {
            username: format!("user-{}", Uuid::new_v4().simple()),
            password: format!("pw-{}", Uuid::new_v4().simple()),
        }
    }
}

impl Clients {
    /// Clients of `count` users that do not exist yet.
    pub(crate) fn new(address: SocketAddr, count: usize) -> Outcome<Self> {
        Ok(Self {
            http: Client::builder().timeout(Duration::from_secs(60)).build()?,
            address,
            users: (0..count).map(|_| User::random()).collect(),
        })
    }

    /// The same users at the address of another process.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// Registers every user.
    pub(crate) async fn register(&self) -> Outcome<()> {
        for user in self.users.iter() {
            let answer = self
                .post("/auth/register", user, &AtomicU64::new(0))
                .await?;
            expect(StatusCode::CREATED, answer).await?;
        }
        Ok(())
    }

    /// Logs a user in, trying again for as long as the service is full.
    pub(crate) async fn login(&self, user: &User, storm: &Storm) -> Outcome<()> {
        let answer = self.post("/auth/login", user, &storm.shed).await?;
        let answer: Answer = expect(StatusCode::OK, answer).await?.json().await?;
        if answer.access_token.is_empty() {
            return Err("a login gave an empty token".into());
        }
        storm.completed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Starts `count` clients that log in again and again until
    /// [`Clients::end`].
    pub(crate) fn storm(&self, count: usize) -> (Arc<Storm>, JoinSet<Outcome<()>>) {
        let storm = Arc::new(Storm::default());
        let mut tasks = JoinSet::new();
        for client in 0..count {
            let (clients, storm) = (self.clone(), Arc::clone(&storm));
            tasks.spawn(async move {
                let user = &clients.users[client % clients.users.len()];
                while !storm.over.load(Ordering::Relaxed) {
                    clients.login(user, &storm).await?;
                }
                Ok(())
            });
        }
        (storm, tasks)
    }

    /// Lets each client of a storm finish its login.
    pub(crate) async fn end(storm: &Storm, tasks: JoinSet<Outcome<()>>) -> Outcome<()> {
        storm.over.store(true, Ordering::Relaxed);
        tasks.join_all().await.into_iter().collect()
    }

    /// Logs in `count` times at once, and returns when all are in.
    pub(crate) async fn at_once(&self, count: usize) -> Outcome<Arc<Storm>> {
        let storm = Arc::new(Storm::default());
        let mut tasks = JoinSet::new();
        for client in 0..count {
            let (clients, storm) = (self.clone(), Arc::clone(&storm));
            tasks.spawn(async move {
                let user = &clients.users[client % clients.users.len()];
                clients.login(user, &storm).await
            });
        }
        tasks
            .join_all()
            .await
            .into_iter()
            .collect::<Outcome<()>>()?;
        Ok(storm)
    }

    async fn post(&self, path: &str, user: &User, shed: &AtomicU64) -> Outcome<Response> {
        let url = format!("http://{}{path}", self.address);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.http.post(&url).json(user).send().await?;
            let full = answer.status() == StatusCode::SERVICE_UNAVAILABLE;
            if !full || Instant::now() > deadline {
                return Ok(answer);
            }
            shed.fetch_add(1, Ordering::Relaxed);
            let seconds = answer
                .headers()
                .get(RETRY_AFTER)
                .and_then(|v| v.to_str().ok());
            let seconds = seconds
                .and_then(|v| v.parse().ok())
                .ok_or("a 503 without Retry-After")?;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
    }
}

async fn expect(status: StatusCode, answer: Response) -> Outcome<Response> {
    if answer.status() == status {
        return Ok(answer);
    }
    let (url, status) = (answer.url().clone(), answer.status());
    let text = answer.text().await?;
    Err(format!("{url} answered {status}: {text}").into())
}
