//! The kinds of store and bus that this build has. A kind is a variant, an arm
//! and a line here, and a file beside this one.

use figment::value::{Dict, Value};
use serde::{Deserialize, Serialize};

use super::{
    kind::{Kind, Settings},
    memory::{self, Memory},
    nats::{self, Nats},
    postgres::{self, Postgres},
    sqlite::{self, Sqlite},
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

/// What carries messages between sockets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Bus {
    /// Inside this process.
    Memory(Memory),
    /// Over NATS servers, between every process that uses them.
    Nats(Nats),
}

impl Store {
    fn chosen(&self) -> (&'static Kind, &dyn Settings) {
        match self {
            Self::Sqlite(settings) => (&sqlite::KIND, settings),
            Self::Postgres(settings) => (&postgres::KIND, settings),
        }
    }
}

impl Bus {
    fn chosen(&self) -> (&'static Kind, &dyn Settings) {
        match self {
            Self::Memory(settings) => (&memory::KIND, settings),
            Self::Nats(settings) => (&nats::KIND, settings),
        }
    }
}

/// Every kind.
pub(super) const KINDS: &[Kind] = &[sqlite::KIND, postgres::KIND, memory::KIND, nats::KIND];

impl Store {
    pub(super) fn kind(&self) -> &'static Kind {
        self.chosen().0
    }

    pub(super) fn settings(&self) -> &dyn Settings {
        self.chosen().1
    }
}

impl Bus {
    pub(super) fn kind(&self) -> &'static Kind {
        self.chosen().0
    }

    pub(super) fn settings(&self) -> &dyn Settings {
        self.chosen().1
    }
}

/// The kinds of `store` or of `bus`.
pub(super) fn kinds_of(section: &str) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(move |kind| kind.section == section)
}

/// The kinds that have a setting, by the dotted key.
pub(super) fn kinds_with(key: &str) -> impl Iterator<Item = &'static Kind> {
    let (section, setting) = key.split_once('.').unwrap_or_default();
    kinds_of(section).filter(move |kind| kind.settings.contains(&setting))
}

/// What is wrong with the table of a store or a bus. An enum with a tag reads
/// its table whole, so its own error doesn't say at which key.
pub(super) fn defect(section: &str, table: &Dict) -> Option<figment::Error> {
    let mut table = table.clone();
    let named = table.remove("kind")?;
    let named = named.as_str()?;
    let kind = kinds_of(section).find(|kind| kind.name == named)?;
    (kind.defect)(&Value::from(table))
}
