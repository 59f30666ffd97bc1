use std::path::PathBuf;

use figment::value::{Dict, Value};
use serde::{Deserialize, Serialize};

use super::{Nats, Postgres, bounds::Bounds};

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
            Self::Memory(Memory { capacity }) => check_capacity(*capacity, bounds),
            Self::Nats(nats) => nats.check(bounds),
        }
    }
}

pub(super) fn check_capacity(capacity: usize, bounds: &mut Bounds) {
    bounds.number("bus.capacity", capacity, 1..=65_536);
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
        settings: &["capacity"],
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
