//! Bind, serve, drain.

use std::{io, net::SocketAddr, sync::Arc, thread};

use contract::StoreError;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::task::TaskTracker;

use crate::{
    accounts::passwords::{PasswordService, StartError as PasswordStartError},
    app::App,
    assembly::{self, Common, Instruments, Rules},
    config::{Config, MetricsBind, Role, Shutdown},
    control::{Archive, Control, ListenError},
    door::{self, Door},
    housekeeping::{housekeeping, sweeping},
    http::metrics::{self, Scrape},
    node_keys::{NodeKeys, NodeKeysError},
    presence::Presence,
    readiness::Readiness,
    router::{self, Parts},
    telemetry::traces::{Traces, TracesError},
    wiring::{self, Stores, WiringError, traced_bus::traced_bus},
    ws::{Gate, Gateway, close::Close, origins::Origins, shards::Shards},
};

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
    /// The address for metrics can't be listened on.
    #[error("can't listen on {address}")]
    BindMetrics {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A backend can't be used.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// No keys to sign or verify with.
    #[error(transparent)]
    Keys(#[from] NodeKeysError),
    /// The hashing pool can't start.
    #[error("the hashing pool can't start")]
    Passwords(#[from] PasswordStartError),
    /// The threads that rooms are spread over can't start.
    #[error("the threads for sockets can't start")]
    Threads(#[source] io::Error),
    /// Accounts have second factors that nobody would ask for.
    #[error(
        "accounts have second factors, which nobody would ask for without a key: set it, or forget \
         them with `user forget-factor`"
    )]
    SecondFactorOff,
    /// Whether accounts have second factors can't be found out.
    #[error("can't find out whether accounts have second factors")]
    SecondFactors(#[source] StoreError),
    /// Ended sessions and changed memberships can't be learnt of.
    #[error("can't learn which sessions ended and which memberships changed")]
    Control(#[from] ListenError),
    /// Traces can't be recorded.
    #[error(transparent)]
    Traces(#[from] TracesError),
}

impl StartError {
    /// The key of the setting that it is about, if it is about one.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Bind { .. } => Some("http.bind"),
            Self::BindMetrics { .. } => Some("metrics.bind"),
            Self::Wiring(error) => Some(error.setting()),
            Self::Traces(_) => Some("traces.endpoint"),
            Self::SecondFactorOff => Some("second_factor.totp_key"),
            Self::Keys(NodeKeysError::Remote(_)) => Some("tokens.jwks_url"),
            _ => None,
        }
    }
}

/// A service that listens, and is to be run.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    door: Door,
    readiness: Arc<Readiness>,
    app: Option<Arc<App>>,
    gateway: Option<Arc<Gateway>>,
    shards: Option<Shards>,
    traces: Traces,
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
    /// Loads the keys, binds the address and opens what the roles need: a
    /// gateway alone starts no hashing pool and opens no store. Whatever can go
    /// wrong at a start does so here.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn bind(config: &Config) -> Result<Self, StartError> {
        Self::bind_with(config, Rules::usual).await
    }

    /// The same, with other rules, which may ask the stores; they aren't made
    /// where there are none.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn bind_with(
        config: &Config,
        rules: impl FnOnce(&Stores) -> Rules,
    ) -> Result<Self, StartError> {
        let keys = NodeKeys::load(config).await?;
        let (listener, address) =
            door::listen(config.http.bind).map_err(|source| StartError::Bind {
                address: config.http.bind,
                source,
            })?;
        let metrics_listener = match config.metrics.bind {
            MetricsBind::Own(address) => Some(
                door::listen(address)
                    .map_err(|source| StartError::BindMetrics { address, source })?,
            ),
            MetricsBind::Http | MetricsBind::Off => None,
        };
        let instruments = Instruments::new();
        let traces = Traces::start(&config.traces, &instruments.traces)?;
        let backends = wiring::open(config).await?;
        let stores = backends.stores;
        let stores = stores.map(|stores| stores.observed(&instruments.stores));
        let (stores, bus) = (stores.as_ref(), &backends.bus);

        let ended = assembly::ended_sessions(config);
        let memberships = assembly::membership_changes(config);
        let (presence, presence_news) = Presence::new(bus.clone());
        let limits = assembly::limits(config);
        let verifier = assembly::verifier(config, &keys, ended.clone());
        let app = match (&keys, stores) {
            (NodeKeys::Signing(ring), Some(stores)) => {
                let rules = rules(stores);
                if rules.second_factor.is_none() && config.second_factor.totp_key.is_none() {
                    // A key that was forgotten must not take away what protects
                    // accounts.
                    match stores.second_factors.has_factors().await {
                        Ok(false) => {}
                        Ok(true) => return Err(StartError::SecondFactorOff),
                        Err(error) => return Err(StartError::SecondFactors(error)),
                    }
                }
                let common = Common {
                    // What sockets say goes to the bus itself.
                    bus: traced_bus(bus, &traces),
                    presence: presence.clone(),
                    verifier: verifier.clone(),
                    ended: ended.clone(),
                    limits: limits.clone(),
                    passwords: assembly::passwords(config)?,
                };
                let app = assembly::app(config, ring.clone(), stores, rules, common);
                Some(app.map_err(NodeKeysError::from)?)
            }
            _ => None,
        };
        let origins = Origins::new(config.http.allowed_origins.clone());
        // {% if page %}The page's own origin is wherever it was asked for.
        let origins = origins.with_own(config.serves_page());
        // {% endif %}A node without the role takes no sockets.
        let shards = config
            .runs(Role::Gateway)
            .then(|| Shards::start(thread::available_parallelism().map_or(1, usize::from)))
            .transpose()
            .map_err(StartError::Threads)?;
        let gateway = shards.as_ref().map(|shards| {
            Gateway::new(
                bus.clone(),
                verifier,
                memberships.clone(),
                presence.clone(),
                Gate {
                    origins,
                    limits: limits.clone(),
                },
                &config.ws,
                shards.spread(),
            )
        });
        let readiness = Arc::new(Readiness::new(
            stores.map(|stores| stores.credentials.clone()),
            bus.clone(),
        ));

        let control = Control {
            bus: bus.clone(),
            ended: ended.clone(),
            memberships: memberships.clone(),
            archive: stores.map(|stores| Archive {
                sessions: stores.sessions.clone(),
                rooms: stores.rooms.clone(),
            }),
            gateway: gateway.clone(),
            interruptions: instruments.interruptions.clone(),
        };
        let scrape = Scrape {
            metrics: instruments.gather(stores, app.as_deref(), gateway.as_ref(), &readiness),
            readiness: readiness.clone(),
        };
        let parts = Parts {
            readiness: readiness.clone(),
            app: app.clone(),
            gateway: gateway.clone(),
            scrape: (config.metrics.bind == MetricsBind::Http).then(|| scrape.clone()),
            requests: instruments.requests.clone(),
            traces: traces.clone(),
            // {% if page %}Only where both of its roles are.
            page: config.serves_page(),
            // {% endif %}Another part is handed over here.
        };
        // Before the first request: no session may end unheard, no membership
        // change. The routes are put together while the store is read.
        let (listening, router) = tokio::join!(control.listen(), async {
            router::router(&config.roles, parts, &config.http)
        });
        let mut background = JoinSet::new();
        background.spawn(listening?.run());
        if let Some(gateway) = &gateway {
            background.spawn(gateway.clone().tell_presence(presence_news));
        }
        background.spawn(sweeping(limits));
        let audit = stores.map(|stores| (stores.audit.clone(), config.audit.retention));
        background.spawn(housekeeping(app.clone(), ended, memberships, audit));
        if let NodeKeys::Remote(remote) = keys {
            background.spawn(remote.keep_fresh());
        }
        let mut metrics_address = None;
        if let Some((listener, address)) = metrics_listener {
            metrics_address = Some(address);
            tracing::info!(%address, "metrics are served");
            let door = Door::new(metrics::alone(scrape), &config.http, TaskTracker::new());
            background.spawn(door.serve(listener));
        }
        Ok(Self {
            door: Door::new(router, &config.http, instruments.connections),
            metrics_address,
            listener,
            address,
            readiness,
            app,
            gateway,
            shards,
            traces,
            shutdown: config.shutdown.clone(),
            background,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics are served, if on a listener of their own.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Its gateway, to see sockets and rooms; `None` without that role.
    #[must_use]
    pub fn gateway(&self) -> Option<Arc<Gateway>> {
        self.gateway.clone()
    }

    /// Its hashing threads, to see what they do; `None` without accounts.
    #[must_use]
    pub fn passwords(&self) -> Option<PasswordService> {
        self.app.as_ref().map(|app| app.accounts.passwords.clone())
    }

    /// Serves until `stop`, then drains: readiness fails, the listener closes
    /// after `shutdown.drain_delay`, sockets get 1012 spread over
    /// `shutdown.close_jitter`, requests under way are finished, and the store
    /// is closed, all of it within `shutdown.deadline`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            listener,
            door,
            readiness,
            app,
            gateway,
            shards,
            traces,
            shutdown,
            mut background,
            ..
        } = self;
        let sockets = gateway.as_ref().map(|gateway| gateway.sockets());
        let count = || sockets.map_or(0, |sockets| sockets.count());
        door.keep_open(&listener, stop).await;
        tracing::info!(sockets = count(), "draining");
        readiness.start_draining();
        let drain = async {
            door.keep_open(&listener, sleep(shutdown.drain_delay)).await;
            tokio::join!(door.close(listener), async {
                if let Some(sockets) = sockets {
                    sockets
                        .drain(Close::Restarting, shutdown.close_jitter)
                        .await;
                }
            });
            if let Some(app) = &app {
                app.work.close();
                app.work.wait().await;
                app.accounts.audit.flush().await;
            }
            traces.flush().await;
            // What else uses the store; metrics were served until now.
            background.shutdown().await;
            if let Some(app) = &app {
                app.accounts.credentials.close().await;
            }
        };
        if timeout(shutdown.deadline, drain).await.is_err() {
            tracing::warn!(
                sockets = count(),
                connections = door.connections(),
                "the deadline has come: what is left is cut off"
            );
        }
        background.shutdown().await;
        drop(shards);
        tracing::info!("stopped");
    }
}
