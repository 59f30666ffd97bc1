//! The kinds of store and bus that this build has. A kind is a variant, an arm
//! and a line here, and a file beside this one.

use figment::value::{Dict, Value};
use serde::{Deserialize, Serialize};

use super::kind::{Kind, Settings};

// {% if store != "postgres" %}A store of one node.
use super::sqlite::{self, Sqlite};

// {% endif %}{% if store != "sqlite" %}A store of every node.
use super::postgres::{self, Postgres};

// {% endif %}{% if bus != "nats" %}A bus of one node.
use super::memory::{self, Memory};

// {% endif %}{% if bus != "memory" %}A bus of every node.
use super::nats::{self, Nats};

// {% endif %}Another kind has its line in each list here.
/// Every kind.
pub(super) const KINDS: &[Kind] = &[
    // {% if store != "postgres" %}Of one node.
    sqlite::KIND,
    // {% endif %}{% if store != "sqlite" %}Of every node.
    postgres::KIND,
    // {% endif %}{% if bus != "nats" %}Of one node.
    memory::KIND,
    // {% endif %}{% if bus != "memory" %}Of every node.
    nats::KIND,
    // {% endif %}Stores come first, then buses.
];

/// Which store keeps accounts and sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Store {
    // {% if store != "postgres" %}Of one node.
    /// One SQLite file.
    Sqlite(Sqlite),
    // {% endif %}{% if store != "sqlite" %}Of every node.
    /// A PostgreSQL database.
    Postgres(Postgres),
    // {% endif %}Another store has its variant here.
}

/// What carries messages between sockets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Bus {
    // {% if bus != "nats" %}Of one node.
    /// Inside this process.
    Memory(Memory),
    // {% endif %}{% if bus != "memory" %}Of every node.
    /// Over NATS servers, between every process that uses them.
    Nats(Nats),
    // {% endif %}Another bus has its variant here.
}

impl Store {
    fn chosen(&self) -> (&'static Kind, &dyn Settings) {
        match self {
            // {% if store != "postgres" %}Of one node.
            Self::Sqlite(settings) => (&sqlite::KIND, settings),
            // {% endif %}{% if store != "sqlite" %}Of every node.
            Self::Postgres(settings) => (&postgres::KIND, settings),
            // {% endif %}Another store has its arm here.
        }
    }
}

impl Bus {
    fn chosen(&self) -> (&'static Kind, &dyn Settings) {
        match self {
            // {% if bus != "nats" %}Of one node.
            Self::Memory(settings) => (&memory::KIND, settings),
            // {% endif %}{% if bus != "memory" %}Of every node.
            Self::Nats(settings) => (&nats::KIND, settings),
            // {% endif %}Another bus has its arm here.
        }
    }
}

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
