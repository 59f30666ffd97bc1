//! The only file that names a concrete backend: configuration in, trait
//! objects out.

use std::sync::Arc;

use bus_memory::{MemoryBus, MemorySettings};
use bus_nats::{ConnectError, History, NatsBus, NatsSettings, Storage, Tls};
use contract::{
    BoxError, CredentialStore, IdempotencyStore, RoomBus, RoomStore, SessionStore, StoreError,
};
use secrecy::ExposeSecret;
use store_postgres::{PostgresSettings, PostgresStore};
use store_sqlite::SqliteStore;

use crate::config::{Bus, Config, HistoryStorage, Memory, Nats, Postgres, Role, Sqlite, Store};

/// Why a backend can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The file can't be opened, or its schema not be brought up to date.
    #[error(transparent)]
    Sqlite(BoxError),
    /// The database can't be reached, or its schema not be brought up to date.
    #[error(transparent)]
    Postgres(BoxError),
    /// The bus can't be reached, or lacks what is asked of it.
    #[error(transparent)]
    Nats(#[from] ConnectError),
    /// The URL of a bus that was not checked beforehand is none; why, without
    /// the URL.
    #[error("{0}")]
    Servers(String),
}

impl WiringError {
    /// The key of the setting that it is about, as in `store.url`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "store.path",
            Self::Postgres(_) => "store.url",
            Self::Servers(_) => "bus.url",
            Self::Nats(error) => match error.setting() {
                "url" => "bus.url",
                "credentials_file" => "bus.credentials_file",
                "ca_file" => "bus.ca_file",
                "cert_file" => "bus.cert_file",
                "key_file" => "bus.key_file",
                "history" => "bus.history",
                _ => "bus",
            },
        }
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
        Store::Sqlite(Sqlite { path }) => format!("sqlite ({})", path.display()),
        Store::Postgres(postgres) => format!("postgres ({})", database(postgres)),
    };
    let bus = match &config.bus {
        Bus::Memory(memory) => format!(
            "memory (rooms of this process; {})",
            history(memory.history)
        ),
        Bus::Nats(nats) => format!("nats ({}; {})", servers(nats), history(nats.history)),
    };
    (store, bus)
}

fn history(messages: usize) -> String {
    match messages {
        0 => "no history".to_owned(),
        messages => format!("history of {messages}"),
    }
}

/// `host:port/database`, as far as it is named.
fn database(postgres: &Postgres) -> String {
    let Ok(database) = postgres.database() else {
        return "not a URL".to_owned();
    };
    let port = database.port.map(|port| format!(":{port}"));
    let name = database.name.map(|name| format!("/{name}"));
    [Some(database.host), port, name]
        .into_iter()
        .flatten()
        .collect()
}

/// `host:port, host:port`.
fn servers(nats: &Nats) -> String {
    let Ok(servers) = nats.servers() else {
        return "not a URL".to_owned();
    };
    let servers = servers.iter();
    let listed: Vec<String> = servers
        .map(|server| format!("{}:{}", server.host, server.port))
        .collect();
    listed.join(", ")
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
    Ok(match &config.bus {
        Bus::Memory(memory) => Arc::new(MemoryBus::new(in_memory(memory))),
        Bus::Nats(nats) => Arc::new(connect_nats(nats).await?),
    })
}

fn in_memory(memory: &Memory) -> MemorySettings {
    MemorySettings {
        capacity: memory.capacity,
        history: memory.history,
        history_age: memory.history_age,
        history_bytes: memory.history_bytes,
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
    Ok(Some(match &config.store {
        Store::Sqlite(sqlite) => Stores::of(open_sqlite(sqlite).await?),
        Store::Postgres(postgres) => Stores::of(connect_postgres(postgres).await?),
    }))
}

async fn open_sqlite(sqlite: &Sqlite) -> Result<SqliteStore, WiringError> {
    SqliteStore::open(&sqlite.path)
        .await
        .map_err(|error| WiringError::Sqlite(cause(error)))
}

async fn connect_postgres(postgres: &Postgres) -> Result<PostgresStore, WiringError> {
    let settings = PostgresSettings {
        url: postgres.url.expose_secret().to_owned(),
        max_connections: postgres.max_connections,
    };
    PostgresStore::connect(&settings)
        .await
        .map_err(|error| WiringError::Postgres(cause(error)))
}

/// Stores say themselves what they tried, and where; that they are unavailable,
/// or failed, says nothing more.
fn cause(error: StoreError) -> BoxError {
    match error {
        StoreError::Unavailable(cause) | StoreError::Failed(cause) => cause,
        StoreError::Corrupt { .. } => error.into(),
    }
}

async fn connect_nats(nats: &Nats) -> Result<NatsBus, WiringError> {
    let urls = nats.servers().map_err(WiringError::Servers)?;
    let settings = NatsSettings {
        servers: urls
            .iter()
            .map(|server| server.url.expose_secret().to_owned())
            .collect(),
        credentials_file: nats.credentials_file.clone(),
        tls: Tls {
            ca_file: nats.ca_file.clone(),
            cert_file: nats.cert_file.clone(),
            key_file: nats.key_file.clone(),
        },
        prefix: nats.prefix.clone(),
        capacity: nats.capacity,
        history: (nats.history > 0).then_some(History {
            messages: nats.history,
            age: nats.history_age,
            storage: match nats.history_storage {
                HistoryStorage::File => Storage::File,
                HistoryStorage::Memory => Storage::Memory,
            },
            replicas: nats.history_replicas,
        }),
    };
    Ok(NatsBus::connect(&settings).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn described(database: &str, nats: &str, history: &str) -> (String, String) {
        let sources = Sources::default()
            .variable("DATABASE_URL", database)
            .variable("NATS_URL", nats)
            .variable("APP__BUS__HISTORY", history);
        describe(&Config::load(&sources).unwrap().config)
    }

    #[test]
    fn what_was_chosen_is_described_without_credentials() {
        let (store, bus) = described(
            "postgres://ann:pw@db.example/app?password=pw",
            "nats://ann:pw@a.example,tls://ann:pw@b.example:1",
            "100",
        );
        assert_eq!(store, "postgres (db.example:5432/app)");
        assert_eq!(bus, "nats (a.example:4222, b.example:1; history of 100)");

        let (store, bus) = described("postgres:///app?host=/run/postgresql", "nats://[::1]", "");
        assert_eq!(store, "postgres (/run/postgresql/app)");
        assert_eq!(bus, "nats ([::1]:4222; no history)");

        let (store, bus) = described("postgres://localhost", "", "");
        assert_eq!(store, "postgres (localhost:5432)");
        assert_eq!(bus, "memory (rooms of this process; history of 100)");

        let (_, bus) = described("", "", "0");
        assert_eq!(bus, "memory (rooms of this process; no history)");
    }
}
