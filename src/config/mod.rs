//! The configuration: what can be set, where it comes from, and what is refused.
//!
//! - `defaults.toml` explains every key; a section here is a struct of the same name
//! - [`Sources`], `environment`, `flat`: the layers and what overrides what
//! - `load`, `reading`: all of it into a [`Config`], or every [`Problem`] at once
//! - `backends`: the kinds of store and bus; `kind`: what is known of each;
//!   a file for each kind, and for what several have in common
//! - `bounds`, `check`, `secret`: what is refused, anywhere and in production
//! - `platform`: where it runs, as far as it matters to what is refused
//! - `show`: the configuration in force, and where each value came from

// {% if store != "postgres" %}A store in one file.
mod sqlite;
pub use self::sqlite::Sqlite;

// {% endif %}{% if store != "sqlite" %}A store in a database.
mod postgres;
pub use self::postgres::Postgres;

// {% endif %}{% if bus != "nats" %}A bus inside this process.
mod memory;
pub use self::memory::Memory;

// {% endif %}{% if bus != "memory" %}A bus on servers.
mod nats;
pub use self::nats::{HistoryStorage, Nats};

// {% endif %}{% if store != "sqlite" or bus != "memory" %}Where servers are.
mod hosts;

// {% endif %}Whatever the kinds.
mod audit;
mod backends;
mod bounds;
mod check;
mod duration;
mod environment;
mod file;
mod flat;
mod history;
mod http;
mod jwks_url;
mod kind;
mod limits;
mod load;
mod log;
mod metrics;
mod origins;
mod passwords;
mod platform;
mod problem;
mod proxies;
mod reading;
mod rooms;
mod second_factor;
mod secret;
mod show;
mod shutdown;
mod sources;
mod tokens;
mod traces;
mod ws;

use serde::{Deserialize, Serialize};

pub use self::{
    audit::Audit,
    backends::{Bus, Store},
    http::Http,
    jwks_url::{JwksUrl, JwksUrlError},
    limits::Limits,
    load::Loaded,
    log::{Log, LogFormat},
    metrics::{Metrics, MetricsBind},
    origins::{AllowedOrigins, OriginErrors},
    passwords::{HashKernel, Passwords},
    problem::{ConfigErrors, Problem},
    proxies::TrustedProxies,
    rooms::Rooms,
    second_factor::SecondFactor,
    shutdown::Shutdown,
    sources::Sources,
    tokens::{HIDDEN, Tokens},
    traces::{CollectorUrl, CollectorUrlError, TraceHeadersError, Traces},
    ws::Ws,
};

/// Everything that can be set. `defaults.toml` explains each key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Chosen by `APP_PROFILE`, not by a key.
    #[serde(skip)]
    pub profile: Profile,
    /// What this process serves: at least one role, none twice.
    pub roles: Vec<Role>,
    /// The HTTP listener.
    pub http: Http,
    /// Where accounts and sessions are kept. Neither judged nor opened where
    /// the auth role is not among the `roles`.
    pub store: Store,
    /// What carries messages between sockets.
    pub bus: Bus,
    /// Access and refresh tokens.
    pub tokens: Tokens,
    /// Passwords and their hashing.
    pub passwords: Passwords,
    /// What accounts may have besides a password.
    pub second_factor: SecondFactor,
    /// The audit log.
    pub audit: Audit,
    /// What one client, or one account, may ask for.
    pub limits: Limits,
    /// Rooms that people manage.
    pub rooms: Rooms,
    /// The WebSocket gateway.
    pub ws: Ws,
    /// The way from SIGTERM to the end.
    pub shutdown: Shutdown,
    /// Logs.
    pub log: Log,
    /// Metrics.
    pub metrics: Metrics,
    /// Traces.
    pub traces: Traces,
}

impl Config {
    /// Whether this process takes on a part of the service.
    #[must_use]
    pub fn runs(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    // {% if page %}It speaks to the accounts and to the sockets, both of where it comes from.
    /// Whether this process serves the page.
    #[must_use]
    pub fn serves_page(&self) -> bool {
        cfg!(feature = "page") && self.http.page && Role::ALL.iter().all(|role| self.runs(*role))
    }

    // {% endif %}What else is asked of a whole configuration stands in `check`.
}

/// How strict the service is with its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Starts with anything that works, and warns.
    #[default]
    Development,
    /// Refuses to start with what is unsafe on the internet.
    Production,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 2] = [Self::Development, Self::Production];

    /// The name in `APP_PROFILE` and in a configuration file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// A part of the service that a process can take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The accounts' API: has the store, the hashing pool and the signing key.
    Auth,
    /// The WebSocket gateway: needs the keys that verify, and the bus.
    Gateway,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Auth, Self::Gateway];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Gateway => "gateway",
        }
    }
}
