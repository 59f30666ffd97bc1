//! The only place that names a concrete backend: configuration in, trait
//! objects out. A backend is an arm in each `match` here, and a file beside
//! this one.

mod memory;
mod nats;
mod postgres;
mod sqlite;

use std::{fmt, sync::Arc};

use contract::{
    BoxError, CredentialStore, IdempotencyStore, RoomBus, RoomStore, SessionStore, StoreError,
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
}

impl Stores {
    fn of<S>(store: S) -> Self
    where
        S: CredentialStore + SessionStore + RoomStore + IdempotencyStore,
    {
        let store = Arc::new(store);
        Self {
            credentials: store.clone(),
            sessions: store.clone(),
            rooms: store.clone(),
            idempotency: store,
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
        Store::Sqlite(settings) => sqlite::describe(settings),
        Store::Postgres(settings) => postgres::describe(settings),
    };
    let bus = match &config.bus {
        Bus::Memory(settings) => memory::describe(settings),
        Bus::Nats(settings) => nats::describe(settings),
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
        Bus::Memory(settings) => Ok(memory::open(settings)),
        Bus::Nats(settings) => nats::open(settings).await,
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
        Store::Sqlite(settings) => sqlite::open(settings).await?,
        Store::Postgres(settings) => postgres::open(settings).await?,
    };
    Ok(Some(stores))
}
