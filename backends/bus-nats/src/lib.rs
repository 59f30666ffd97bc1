//! Rooms that reach every node, over NATS.

mod settings;

use async_trait::async_trait;
use contract::{BusError, Message, Position, Published, RoomBus, RoomName, Subscription};

pub use settings::{History, NatsSettings, Storage, Tls};

/// Rooms that reach every node, over NATS.
#[derive(Debug, Clone)]
pub enum NatsBus {}

/// Why a bus can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No bus is here yet.
    #[error("no bus is here yet")]
    Absent,
}

impl ConnectError {
    /// The setting that it is about: `url`, `credentials_file`, `ca_file`,
    /// `cert_file` or `history`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Absent => "url",
        }
    }
}

impl NatsBus {
    /// Connects.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn connect(_: &NatsSettings) -> Result<Self, ConnectError> {
        Err(ConnectError::Absent)
    }
}

#[async_trait]
impl RoomBus for NatsBus {
    async fn publish(&self, _: &RoomName, _: Message) -> Result<Published, BusError> {
        match *self {}
    }

    async fn subscribe(&self, _: &RoomName, _: Option<Position>) -> Result<Subscription, BusError> {
        match *self {}
    }

    async fn ping(&self) -> Result<(), BusError> {
        match *self {}
    }

    fn rooms(&self) -> usize {
        match *self {}
    }
}
