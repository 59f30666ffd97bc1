//! Where a test happens: a folder, a store and a bus, all of its own.
//!
//! `SUITE_STORE` and `SUITE_BUS` say of which kind they are; without them they
//! are what the service has by default.

use std::{env, fmt, net::SocketAddr, path::Path};

use tempfile::TempDir;

/// A folder, a store and a bus. They go with it.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    store: Box<dyn Store>,
    bus: Bus,
}

/// A store of one's own.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// What `DATABASE_URL` says of it.
    fn url(&self) -> String;

    /// What is kept of accounts, read past the service.
    fn accounts(&self) -> String;
}

/// A bus of one's own.
#[derive(Debug)]
pub(crate) struct Bus {
    /// What chooses it.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Whether it keeps what was said.
    pub(crate) history: bool,
    /// Its server, if it has one.
    pub(crate) server: Option<Server>,
}

/// A server of a bus.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The variable that says where it is, and the scheme of that URL.
    pub(crate) variable: &'static str,
    pub(crate) scheme: &'static str,
}

type OpenStore = fn(&Path) -> Box<dyn Store>;
type OpenBus = fn() -> Bus;

const STORES: &[(&str, OpenStore)] = &[
    // {% if store != "postgres" %}A file in the folder.
    ("sqlite", crate::sqlite::store),
    // {% endif %}{% if store != "sqlite" %}A database on a server that the whole process shares.
    ("postgres", crate::postgres::store),
    // {% endif %}Another kind of store has its line here.
];

const BUSES: &[(&str, OpenBus)] = &[
    // {% if bus != "nats" %}Inside the service.
    ("memory", in_process),
    // {% endif %}{% if bus != "memory" %}On a server that the whole process shares.
    ("nats-history", crate::nats::with_history),
    ("nats", crate::nats::without_history),
    // {% endif %}Another kind of bus has its line here.
];

// {% if bus != "nats" %}It needs nothing, and is what the service has unless it is told otherwise.
fn in_process() -> Bus {
    Bus {
        variables: Vec::new(),
        history: true,
        server: None,
    }
}

// {% endif %}Where the service says what it has by default.
const DEFAULTS: &str = include_str!("../../../src/config/defaults.toml");

/// The kind of `store` or `bus` that the service has by default.
fn default_kind(section: &str) -> &'static str {
    let header = format!("[default.{section}]");
    let (_, settings) = DEFAULTS.split_once(&header).unwrap();
    let (_, kind) = settings.split_once("\nkind = \"").unwrap();
    kind.split('"').next().unwrap()
}

fn chosen<T: Copy>(section: &str, kinds: &[(&str, T)]) -> T {
    let variable = format!("SUITE_{}", section.to_ascii_uppercase());
    let kind = match env::var(&variable) {
        Ok(named) => kinds.iter().find(|(name, _)| *name == named),
        // Of several settings of one kind the first.
        Err(_) => kinds
            .iter()
            .find(|(name, _)| name.starts_with(default_kind(section))),
    };
    kind.unwrap_or_else(|| panic!("{variable}: there is no such {section}"))
        .1
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A place where nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: chosen("store", STORES)(folder.path()),
            bus: chosen("bus", BUSES)(),
            folder,
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The variables that choose the store and the bus.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("DATABASE_URL", self.store.url())];
        variables.extend(self.bus.variables.iter().cloned());
        variables
    }

    /// The port of the bus's server, if it has one.
    #[must_use]
    pub fn bus_port(&self) -> Option<u16> {
        self.bus.server.as_ref().map(|server| server.port)
    }

    /// The variables, with the server of the bus behind another address.
    #[must_use]
    pub fn variables_with_bus_at(&self, address: SocketAddr) -> Vec<(&'static str, String)> {
        let mut variables = self.variables();
        if let Some(server) = &self.bus.server {
            variables.push((server.variable, format!("{}://{address}", server.scheme)));
        }
        variables
    }

    /// What the store keeps of accounts, read past the service: hashes are
    /// among it as they are.
    #[must_use]
    pub fn accounts(&self) -> String {
        self.store.accounts()
    }
}

/// Whether the bus of this run keeps what was said.
#[must_use]
pub fn keeps_history() -> bool {
    chosen("bus", BUSES)().history
}
