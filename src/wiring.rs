//! The only file that names a concrete backend: configuration in, trait
//! objects out.

use std::sync::Arc;

use bus_memory::MemoryBus;
use contract::{CredentialStore, RoomBus, SessionStore, StoreError};
use store_sqlite::SqliteStore;

use crate::config::{Bus, Config, Role, Store};

/// Why a backend can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The store can't be opened or migrated.
    #[error("the store `{store}` can't be used")]
    Store {
        /// Which, without credentials.
        store: String,
        /// The cause.
        #[source]
        source: StoreError,
    },
}

/// What keeps accounts and sessions.
pub struct Stores {
    /// Where accounts are kept.
    pub credentials: Arc<dyn CredentialStore>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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

impl std::fmt::Debug for Backends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backends").finish_non_exhaustive()
    }
}

/// What the configuration chose, in words for people; no credentials.
#[must_use]
pub fn describe(config: &Config) -> (String, String) {
    let store = match &config.store {
        Store::Sqlite { path } => format!("sqlite ({})", path.display()),
    };
    let bus = match &config.bus {
        Bus::Memory { .. } => "memory (rooms of this process)".to_owned(),
    };
    (store, bus)
}

/// Opens the store, if the node has the auth role, migrating it if it is older
/// than this version, and the bus.
///
/// # Errors
/// [`WiringError`]
pub async fn open(config: &Config) -> Result<Backends, WiringError> {
    let stores = if config.runs(Role::Auth) {
        Some(open_stores(config).await?)
    } else {
        None
    };
    let bus: Arc<dyn RoomBus> = match &config.bus {
        Bus::Memory { capacity } => Arc::new(MemoryBus::new(*capacity)),
    };
    Ok(Backends { stores, bus })
}

async fn open_stores(config: &Config) -> Result<Stores, WiringError> {
    let (credentials, sessions): (Arc<dyn CredentialStore>, Arc<dyn SessionStore>) =
        match &config.store {
            Store::Sqlite { path } => {
                let store = SqliteStore::open(path)
                    .await
                    .map_err(|source| WiringError::Store {
                        store: describe(config).0,
                        source,
                    })?;
                let store = Arc::new(store);
                (store.clone(), store)
            }
        };
    Ok(Stores {
        credentials,
        sessions,
    })
}
