//! What a bus needs to know.

use std::{fmt, path::PathBuf, time::Duration};

/// Where NATS is, and how rooms are kept there.
#[derive(Clone)]
pub struct NatsSettings {
    /// The servers, `nats://user:password@host:port` or `tls://…`; one is
    /// enough, the others of a cluster are found through it.
    pub servers: Vec<String>,
    /// A `.creds` file: a user's JWT and the seed of its key.
    pub credentials_file: Option<PathBuf>,
    /// Certificates, where the system's own are not enough.
    pub tls: Tls,
    /// What every subject and the stream's name begin with: one or more tokens
    /// of `[A-Za-z0-9_-]`, separated by dots.
    pub prefix: String,
    /// How many messages a listener may fall behind; at least 1.
    pub capacity: usize,
    /// What is kept for listeners that come back; `None` keeps nothing.
    pub history: Option<History>,
}

/// Certificates, in PEM.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Authorities that are trusted in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The client's own certificate.
    pub cert_file: Option<PathBuf>,
    /// The key of `cert_file`.
    pub key_file: Option<PathBuf>,
}

/// What JetStream keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Messages of each room; 1 to 10,000.
    pub messages: usize,
    /// No message is kept longer than this.
    pub age: Duration,
    /// Where they are kept.
    pub storage: Storage,
    /// On how many servers of the cluster: 1, 3 or 5.
    pub replicas: usize,
}

/// Where JetStream keeps messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// On disk: they survive a restart of the servers.
    File,
    /// In memory.
    Memory,
}

impl fmt::Debug for NatsSettings {
    /// Without the servers, among whose URLs a password may stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSettings")
            .field("prefix", &self.prefix)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}
