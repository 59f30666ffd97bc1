//! Bind, serve, drain.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use contract::Timestamp;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_util::task::TaskTracker;

use crate::{
    accounts::{
        Accounts, SessionTimes,
        passwords::{PasswordService, PasswordSettings, StartError as PasswordStartError},
        tokens::{EndedSessions, KeyError, KeyRing, RefreshTokens, TokenIssuer, TokenVerifier},
    },
    app::{App, Readiness},
    config::{Config, Profile, Shutdown},
    control::{Control, ListenError},
    door::{self, Door},
    router,
    wiring::{self, WiringError},
    ws::{Gateway, close::Close},
};

/// How often sessions that ended by time are removed.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A backend can't be used.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// No keys to sign with.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The hashing pool can't start.
    #[error("the hashing pool can't start")]
    Passwords(#[from] PasswordStartError),
    /// Ended sessions can't be learnt of.
    #[error("can't learn which sessions ended")]
    Control(#[from] ListenError),
    /// The OpenAPI document can't be written.
    #[error("the OpenAPI document can't be written")]
    Document(#[from] serde_json::Error),
}

impl StartError {
    /// The key of the setting that it is about, if it is about one.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Bind { .. } => Some("http.bind"),
            Self::Wiring(error) => Some(error.setting()),
            _ => None,
        }
    }
}

/// A service that listens, and is to be run.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
    app: Arc<App>,
    gateway: Arc<Gateway>,
    shutdown: Shutdown,
    background: JoinSet<()>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the backends, starts the hashing pool and binds the address:
    /// whatever can go wrong at a start does so here.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn bind(config: &Config) -> Result<Self, StartError> {
        let keys = Arc::new(keys(config)?);
        let bound = door::listen(config.http.bind)
            .and_then(|listener| listener.local_addr().map(|address| (listener, address)));
        let (listener, address) = bound.map_err(|source| StartError::Bind {
            address: config.http.bind,
            source,
        })?;
        let backends = wiring::open(config).await?;
        let passwords = PasswordService::start(password_settings(config))?;

        let tokens = &config.tokens;
        // Whoever holds a token that is still accepted must find its session here.
        let ended = Arc::new(EndedSessions::new(tokens.access_ttl + tokens.leeway * 2));
        let verifier = Arc::new(TokenVerifier::new(
            keys.clone(),
            &tokens.issuer,
            &tokens.audience,
            tokens.leeway,
            ended.clone(),
        ));
        let accounts = Accounts {
            credentials: backends.credentials.clone(),
            sessions: backends.sessions.clone(),
            bus: backends.bus.clone(),
            passwords,
            issuer: TokenIssuer::new(
                keys.clone(),
                &tokens.issuer,
                &tokens.audience,
                tokens.access_ttl,
            ),
            refresh_tokens: RefreshTokens::new(keys.clone()),
            ended: ended.clone(),
            times: SessionTimes {
                idle_ttl: tokens.refresh_idle_ttl,
                absolute_ttl: tokens.refresh_absolute_ttl,
                grace: tokens.refresh_grace,
            },
        };
        let readiness = Readiness::new(backends.credentials.clone(), backends.bus.clone());
        let app = Arc::new(App {
            accounts,
            verifier: verifier.clone(),
            keys,
            readiness,
            body_limit: config.http.body_limit,
            work: TaskTracker::new(),
        });
        let gateway = Gateway::new(
            backends.bus.clone(),
            verifier,
            config.http.allowed_origins.clone(),
            &config.ws,
        );

        let mut background = JoinSet::new();
        // Before the first request: no session may end unheard.
        let control = Control {
            bus: backends.bus.clone(),
            ended: ended.clone(),
            sessions: Some(backends.sessions.clone()),
            sockets: Some(gateway.sockets().clone()),
        };
        background.spawn(control.listen().await?.run());
        background.spawn(housekeeping(app.clone(), ended));

        Ok(Self {
            door: Door::new(
                router::router(app.clone(), gateway.clone(), &config.http)?,
                &config.http,
            ),
            listener,
            address,
            app,
            gateway,
            shutdown: config.shutdown.clone(),
            background,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Its gateway, to see sockets and rooms.
    #[must_use]
    pub fn gateway(&self) -> Arc<Gateway> {
        self.gateway.clone()
    }

    /// Serves until `stop`, then drains: readiness fails, the listener closes
    /// after `shutdown.drain_delay`, sockets get 1012 spread over
    /// `shutdown.close_jitter`, requests under way are finished, all of it
    /// within `shutdown.deadline`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            listener,
            door,
            app,
            gateway,
            shutdown,
            mut background,
            ..
        } = self;
        door.keep_open(&listener, stop).await;
        tracing::info!(sockets = gateway.sockets().count(), "draining");
        app.readiness.start_draining();
        app.work.close();
        let drain = async {
            door.keep_open(&listener, sleep(shutdown.drain_delay)).await;
            tokio::join!(
                door.close(listener),
                gateway
                    .sockets()
                    .drain(Close::Restarting, shutdown.close_jitter),
            );
            app.work.wait().await;
        };
        if timeout(shutdown.deadline, drain).await.is_err() {
            tracing::warn!(
                sockets = gateway.sockets().count(),
                connections = door.connections(),
                "the deadline has come: what is left is cut off"
            );
        }
        background.shutdown().await;
        tracing::info!("stopped");
    }
}

fn keys(config: &Config) -> Result<KeyRing, KeyError> {
    if let Some(secret) = &config.tokens.secret {
        return KeyRing::from_secret(secret);
    }
    let dir = &config.tokens.key_dir;
    match KeyRing::from_dir(dir) {
        Err(KeyError::NoKey { .. }) if config.profile == Profile::Development => {
            let path = KeyRing::make_in_dir(dir, Timestamp::now())?;
            tracing::info!(path = %path.display(), "no signing key yet: made one, and kept it");
            KeyRing::from_dir(dir)
        }
        keys => keys,
    }
}

fn password_settings(config: &Config) -> PasswordSettings {
    let passwords = &config.passwords;
    PasswordSettings {
        memory_kib: passwords.memory_kib,
        iterations: passwords.iterations,
        parallelism: passwords.parallelism,
        min_bytes: passwords.min_bytes,
        max_bytes: passwords.max_bytes,
        min_score: passwords.min_score,
        threads: passwords.threads,
        queue: passwords.queue,
        arena_idle: passwords.arena_idle,
    }
}

/// Removes what ended by time: rows of sessions, memories of ended ones.
async fn housekeeping(app: Arc<App>, ended: Arc<EndedSessions>) {
    let mut ticks = interval(PURGE_INTERVAL);
    loop {
        ticks.tick().await;
        let now = Timestamp::now();
        ended.sweep(now);
        match app.accounts.sessions.purge(now, ended.horizon(now)).await {
            Ok(0) => {}
            Ok(purged) => tracing::info!(purged, "expired sessions removed"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "expired sessions were not removed"
            ),
        }
    }
}
