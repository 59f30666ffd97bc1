use std::{path::PathBuf, time::Duration};

use figment::value::{Dict, Value};
use serde::{Deserialize, Serialize};

use super::{
    Nats, Postgres,
    bounds::{Bounds, hours, mins},
    duration,
};

/// Which store keeps accounts and sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Store {
    /// One SQLite file.
    Sqlite(Sqlite),
    /// A PostgreSQL database.
    Postgres(Postgres),
}

/// A store in one SQLite file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sqlite {
    /// The file; a relative path is relative to the working folder.
    pub path: PathBuf,
}

/// What carries messages between sockets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Bus {
    /// Inside this process.
    Memory(Memory),
    /// Over NATS servers, between every process that uses them.
    Nats(Nats),
}

/// A bus inside this process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Messages that a listener may fall behind before it misses some;
    /// 1 to 65,536. A room costs about 70 bytes for each.
    pub capacity: usize,
    /// Messages of each room that are kept for listeners who come back; at
    /// most 10,000, 0 keeps none.
    #[serde(default = "history")]
    pub history: usize,
    /// No message is kept longer than this; 1 min to 365 days.
    #[serde(with = "duration", default = "history_age")]
    pub history_age: Duration,
    /// Bytes that may be kept of all rooms together; 1 MiB to 1 TiB. Beyond
    /// it, rooms that were silent longest give up all that is kept of them.
    #[serde(default = "history_bytes")]
    pub history_bytes: u64,
}

// Not set in `defaults.toml`: what is set there holds for every kind that has
// the key, and the default of another kind may be another.
const fn history() -> usize {
    100
}

pub(super) const fn history_age() -> Duration {
    hours(24)
}

const fn history_bytes() -> u64 {
    64 << 20
}

impl Memory {
    fn check(&self, bounds: &mut Bounds) {
        check_capacity(self.capacity, bounds);
        check_history(self.history, self.history_age, bounds);
        bounds.number("bus.history_bytes", self.history_bytes, 1 << 20..=1 << 40);
    }
}

impl Store {
    /// Every kind that this build has, by the scheme of its `DATABASE_URL`.
    pub const KINDS: &[&str] = &["sqlite", "postgres"];

    pub(super) fn check(&self, bounds: &mut Bounds) {
        match self {
            Self::Sqlite(Sqlite { path }) => bounds.require(
                "store.path",
                !path.as_os_str().is_empty(),
                "a file's path is missing",
            ),
            Self::Postgres(postgres) => postgres.check(bounds),
        }
    }
}

impl Bus {
    /// Every kind that this build has.
    pub const KINDS: &[&str] = &["memory", "nats"];

    pub(super) fn check(&self, bounds: &mut Bounds) {
        match self {
            Self::Memory(memory) => memory.check(bounds),
            Self::Nats(nats) => nats.check(bounds),
        }
    }
}

pub(super) fn check_capacity(capacity: usize, bounds: &mut Bounds) {
    bounds.number("bus.capacity", capacity, 1..=65_536);
}

pub(super) fn check_history(history: usize, age: Duration, bounds: &mut Bounds) {
    bounds.number("bus.history", history, 0..=10_000);
    bounds.duration("bus.history_age", age, mins(1)..=hours(24 * 365));
}

/// A kind of store or bus, and the settings that it has.
pub(super) struct Kind {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) settings: &'static [&'static str],
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        section: "store",
        name: "sqlite",
        settings: &["path"],
    },
    Kind {
        section: "store",
        name: "postgres",
        settings: &["url", "max_connections"],
    },
    Kind {
        section: "bus",
        name: "memory",
        settings: &["capacity", "history", "history_age", "history_bytes"],
    },
    Kind {
        section: "bus",
        name: "nats",
        settings: &[
            "url",
            "prefix",
            "capacity",
            "history",
            "history_age",
            "history_storage",
            "history_replicas",
            "credentials_file",
            "ca_file",
            "cert_file",
            "key_file",
        ],
    },
];

/// The kinds that have a setting, by the dotted key.
pub(super) fn kinds_with(key: &str) -> impl Iterator<Item = &'static Kind> {
    let (section, setting) = key.split_once('.').unwrap_or_default();
    KINDS
        .iter()
        .filter(move |kind| kind.section == section && kind.settings.contains(&setting))
}

/// What is wrong with the table of a store or a bus. An enum with a tag reads
/// its table whole, so its own error doesn't say at which key.
pub(super) fn defect(section: &str, table: &Dict) -> Option<figment::Error> {
    let mut table = table.clone();
    let kind = table.remove("kind")?;
    let values = Value::from(table);
    match (section, kind.as_str()?) {
        ("store", "sqlite") => values.deserialize::<Sqlite>().err(),
        ("store", "postgres") => values.deserialize::<Postgres>().err(),
        ("bus", "memory") => values.deserialize::<Memory>().err(),
        ("bus", "nats") => values.deserialize::<Nats>().err(),
        _ => None,
    }
}
