//! The only place that names a concrete backend: configuration in, trait
//! objects out. A backend is an arm in each `match` here, and a file beside
//! this one.

// {% if store != "postgres" %}A store in one file.
mod sqlite;

// {% endif %}{% if store != "sqlite" %}A store in a database.
mod postgres;

// {% endif %}{% if bus != "nats" %}A bus inside this process.
mod memory;

// {% endif %}{% if bus != "memory" %}A bus on servers.
mod nats;

// {% endif %}Another kind has its file beside this one.
pub(crate) mod observed;
pub(crate) mod traced_bus;

use std::{fmt, sync::Arc};

use contract::{
    AttemptStore, AuditLog, BoxError, CredentialStore, IdempotencyStore, LegacyAccounts, RoomBus,
    RoomStore, SecondFactorStore, SessionStore, StoreError,
};

use crate::config::{Bus, Config, Role, Store};

/// Why a backend can't be used: it can't be opened or reached, its schema not be
/// brought up to date, or it lacks what is asked of it. It says what the backend
/// says, and has its causes.
#[derive(Debug)]
pub struct WiringError {
    setting: &'static str,
    error: BoxError,
}

impl WiringError {
    fn new(setting: &'static str, error: impl Into<BoxError>) -> Self {
        Self {
            setting,
            error: error.into(),
        }
    }

    /// Stores say themselves what they tried, and where; that they are
    /// unavailable, or failed, says nothing more.
    fn of_store(setting: &'static str, error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) | StoreError::Failed(cause) => Self::new(setting, cause),
            StoreError::Corrupt { .. } => Self::new(setting, error),
        }
    }

    /// The key of the setting that it is about, as in `store.url`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        self.setting
    }
}

impl fmt::Display for WiringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for WiringError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// What keeps accounts, sessions and rooms.
pub struct Stores {
    /// Where accounts are kept.
    pub credentials: Arc<dyn CredentialStore>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Where rooms are kept, and who is in them.
    pub rooms: Arc<dyn RoomStore>,
    /// Where requests are kept that may be repeated.
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// Where what happened is kept.
    pub audit: Arc<dyn AuditLog>,
    /// Where attempts to give a password are counted.
    pub attempts: Arc<dyn AttemptStore>,
    /// Where second factors keep what they have to.
    pub second_factors: Arc<dyn SecondFactorStore>,
    /// Where another application's accounts may be; not every store can look.
    pub legacy: Option<Arc<dyn LegacyAccounts>>,
}

impl Stores {
    fn of<S>(store: S) -> Self
    where
        S: CredentialStore
            + SessionStore
            + RoomStore
            + IdempotencyStore
            + AuditLog
            + AttemptStore
            + SecondFactorStore,
    {
        let store = Arc::new(store);
        Self {
            credentials: store.clone(),
            sessions: store.clone(),
            rooms: store.clone(),
            idempotency: store.clone(),
            audit: store.clone(),
            attempts: store.clone(),
            second_factors: store,
            legacy: None,
        }
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").finish_non_exhaustive()
    }
}

/// The backends that the configuration chose.
pub struct Backends {
    /// The store; `None` where the node has no auth role.
    pub stores: Option<Stores>,
    /// What carries messages.
    pub bus: Arc<dyn RoomBus>,
}

impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backends").finish_non_exhaustive()
    }
}

/// What the configuration chose, in words for people; no credentials.
#[must_use]
pub fn describe(config: &Config) -> (String, String) {
    let store = match &config.store {
        // {% if store != "postgres" %}Of one node.
        Store::Sqlite(settings) => sqlite::describe(settings),
        // {% endif %}{% if store != "sqlite" %}Of every node.
        Store::Postgres(settings) => postgres::describe(settings),
        // {% endif %}Another store has its arm here.
    };
    let bus = match &config.bus {
        // {% if bus != "nats" %}Of one node.
        Bus::Memory(settings) => memory::describe(settings),
        // {% endif %}{% if bus != "memory" %}Of every node.
        Bus::Nats(settings) => nats::describe(settings),
        // {% endif %}Another bus has its arm here.
    };
    (store, bus)
}

fn history(messages: usize) -> String {
    match messages {
        0 => "no history".to_owned(),
        messages => format!("history of {messages}"),
    }
}

/// Opens the store, if the node has the auth role, and the bus.
///
/// # Errors
/// [`WiringError`]
pub async fn open(config: &Config) -> Result<Backends, WiringError> {
    Ok(Backends {
        stores: open_stores(config).await?,
        bus: open_bus(config).await?,
    })
}

/// Opens the bus.
///
/// # Errors
/// [`WiringError`]
pub async fn open_bus(config: &Config) -> Result<Arc<dyn RoomBus>, WiringError> {
    match &config.bus {
        // {% if bus != "nats" %}Of one node.
        Bus::Memory(settings) => Ok(memory::open(settings)),
        // {% endif %}{% if bus != "memory" %}Of every node.
        Bus::Nats(settings) => nats::open(settings).await,
        // {% endif %}Another bus has its arm here.
    }
}

/// Opens the store, if the node has the auth role, migrating it if it is older
/// than this version.
///
/// # Errors
/// [`WiringError`]
pub async fn open_stores(config: &Config) -> Result<Option<Stores>, WiringError> {
    if !config.runs(Role::Auth) {
        return Ok(None);
    }
    let stores = match &config.store {
        // {% if store != "postgres" %}Of one node.
        Store::Sqlite(settings) => sqlite::open(settings).await?,
        // {% endif %}{% if store != "sqlite" %}Of every node.
        Store::Postgres(settings) => postgres::open(settings).await?,
        // {% endif %}Another store has its arm here.
    };
    Ok(Some(stores))
}
