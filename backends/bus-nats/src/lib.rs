//! Rooms that reach every node, over NATS.

mod settings;

pub use settings::{History, NatsSettings, Storage, Tls};

/// Rooms that reach every node, over NATS.
#[derive(Debug, Clone)]
pub struct NatsBus;

/// Why a bus can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {}

impl NatsBus {
    /// Connects.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn connect(_: &NatsSettings) -> Result<Self, ConnectError> {
        Ok(Self)
    }
}
