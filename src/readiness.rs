//! Whether requests should still come to this node.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use contract::{CredentialStore, RoomBus};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::telemetry::metrics::{Registry, gauge};

/// Longest that a dependency may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether requests should still come to this node.
pub struct Readiness {
    store: Option<Arc<dyn CredentialStore>>,
    bus: Arc<dyn RoomBus>,
    draining: AtomicBool,
    /// What the last check has found.
    found: Mutex<Option<Health>>,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("store", &self.store.is_some())
            .field("draining", &self.draining)
            .finish_non_exhaustive()
    }
}

/// What readiness is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The store serves; `None` on a node without one.
    pub store: Option<bool>,
    /// The bus carries.
    pub bus: bool,
    /// The node is going down.
    pub draining: bool,
}

impl Health {
    /// Whether requests should come here.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self.store != Some(false) && self.bus && !self.draining
    }
}

impl Readiness {
    /// Ready while `store`, if the node has one, and `bus` are.
    #[must_use]
    pub fn new(store: Option<Arc<dyn CredentialStore>>, bus: Arc<dyn RoomBus>) -> Self {
        Self {
            store,
            bus,
            draining: AtomicBool::new(false),
            found: Mutex::new(None),
        }
    }

    /// From now on, not ready.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Asks the store, if there is one, and the bus.
    pub async fn check(&self) -> Health {
        let (store, bus) = tokio::join!(
            async {
                let store = self.store.as_ref()?;
                Some(timeout(PING_TIMEOUT, store.ping()).await)
            },
            timeout(PING_TIMEOUT, self.bus.ping()),
        );
        let health = Health {
            store: store.as_ref().map(|store| matches!(store, Ok(Ok(())))),
            bus: matches!(bus, Ok(Ok(()))),
            draining: self.draining.load(Ordering::Acquire),
        };
        if let Some(Ok(Err(error))) = store {
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
        *self.found.lock() = Some(health);
        health
    }

    /// Makes known what the last check has found.
    pub fn register(self: &Arc<Self>, registry: &mut Registry) {
        let mut register = |name, help, look: fn(Health) -> Option<bool>| {
            let readiness = Arc::clone(self);
            let look = move || {
                let found = *readiness.found.lock();
                found.and_then(look).map(|holds| f64::from(u8::from(holds)))
            };
            registry.register(name, help, gauge(look));
        };
        register(
            "ready",
            "Whether requests should come to this node: 1 or 0",
            |health| Some(health.is_ready()),
        );
        register("draining", "Whether this node is going down", |health| {
            Some(health.draining)
        });
        register(
            "store_up",
            "Whether the store answers; absent on a node without one",
            |health| health.store,
        );
        register("bus_up", "Whether the bus carries", |health| {
            Some(health.bus)
        });
        let bus = Arc::clone(&self.bus);
        registry.register(
            "bus_rooms",
            "Rooms that this node listens to on the bus, those of its own among them",
            gauge(move || Some(bus.rooms() as f64)),
        );
    }
}
