//! What everything that answers requests shares.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use contract::{CredentialStore, RoomBus};
use tokio_util::task::TaskTracker;

use crate::accounts::{
    Accounts,
    tokens::{KeyRing, TokenVerifier},
};

/// What everything that answers requests shares.
pub struct App {
    /// The use cases.
    pub accounts: Accounts,
    /// The one check of access tokens.
    pub verifier: Arc<TokenVerifier>,
    /// What signs tokens; its public half is served.
    pub keys: Arc<KeyRing>,
    /// Whether requests should still come here.
    pub readiness: Readiness,
    /// Largest body of a request, in bytes.
    pub body_limit: usize,
    /// Work that goes on when its client has gone; the drain waits for it.
    pub work: TaskTracker,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Longest that a dependency may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether requests should still come to this node.
pub struct Readiness {
    store: Arc<dyn CredentialStore>,
    bus: Arc<dyn RoomBus>,
    draining: AtomicBool,
}

/// What readiness is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The store serves.
    pub store: bool,
    /// The bus carries.
    pub bus: bool,
    /// The node is going down.
    pub draining: bool,
}

impl Health {
    /// Whether requests should come here.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self.store && self.bus && !self.draining
    }
}

impl Readiness {
    /// Ready while `store` and `bus` are.
    #[must_use]
    pub fn new(store: Arc<dyn CredentialStore>, bus: Arc<dyn RoomBus>) -> Self {
        Self {
            store,
            bus,
            draining: AtomicBool::new(false),
        }
    }

    /// From now on, not ready.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Asks the store and the bus.
    pub async fn check(&self) -> Health {
        let (store, bus) = tokio::join!(
            tokio::time::timeout(PING_TIMEOUT, self.store.ping()),
            tokio::time::timeout(PING_TIMEOUT, self.bus.ping()),
        );
        let health = Health {
            store: matches!(store, Ok(Ok(()))),
            bus: matches!(bus, Ok(Ok(()))),
            draining: self.draining.load(Ordering::Acquire),
        };
        if let Ok(Err(error)) = store {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the store does not serve"
            );
        }
        if let Ok(Err(error)) = bus {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the bus does not carry"
            );
        }
        health
    }
}
