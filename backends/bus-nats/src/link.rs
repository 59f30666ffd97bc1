//! The connection: whether it holds, and when it was cut.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_nats::{Client, Event, RequestErrorKind, connection::State};
use contract::BusError;
use tokio::sync::{Notify, watch};

use crate::{
    connect::{ConnectError, Servers},
    settings::NatsSettings,
};

/// The connection to NATS.
pub(crate) struct Link {
    client: Client,
    servers: String,
    /// A subject that nobody listens to.
    nobody: String,
    /// How often the connection was cut, or could not keep up, and is back.
    cuts: watch::Receiver<u64>,
    /// The same, once everything else is back too: what rooms go by.
    resumed: watch::Sender<u64>,
    /// The archive may not be what it was.
    pub(crate) doubt: Notify,
}

/// NATS can't be used now.
#[derive(Debug, thiserror::Error)]
#[error("not connected to NATS at {0}")]
struct NotConnected(String);

impl Link {
    pub(crate) async fn connect(
        settings: &NatsSettings,
        nobody: String,
    ) -> Result<Arc<Self>, ConnectError> {
        let servers = Servers::parse(&settings.servers)?;
        let (cut, cuts) = watch::channel(0_u64);
        let down = AtomicBool::new(false);
        let shared = Arc::new((cut, down));
        let options = servers
            .options(settings)
            .await?
            .event_callback(move |event| {
                let shared = Arc::clone(&shared);
                async move { note(&event, &shared.0, &shared.1) }
            });
        let client = options
            .connect(&servers)
            .await
            .map_err(|error| servers.failed(error))?;
        Ok(Arc::new(Self {
            client,
            servers: servers.names(),
            nobody,
            cuts,
            resumed: watch::Sender::new(0),
            doubt: Notify::new(),
        }))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Hosts and ports, for people.
    pub(crate) fn servers(&self) -> &str {
        &self.servers
    }

    /// Whether there are several servers, which tell each other of listeners
    /// a moment later.
    pub(crate) fn is_cluster(&self) -> bool {
        self.client.server_info().cluster.is_some()
    }

    /// Changes whenever messages may have been lost since.
    pub(crate) fn resumed(&self) -> watch::Receiver<u64> {
        let mut resumed = self.resumed.subscribe();
        resumed.mark_unchanged();
        resumed
    }

    /// Fails unless there is a connection, as far as is known: one that was
    /// silently cut is found out within seconds.
    pub(crate) fn check(&self) -> Result<(), BusError> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            State::Pending | State::Disconnected => Err(BusError::Unavailable(Box::new(
                NotConnected(self.servers.clone()),
            ))),
        }
    }

    /// Returns when the server has done everything that was asked of it before.
    pub(crate) async fn confirm(&self) -> Result<(), BusError> {
        self.check()?;
        // A server takes what comes by one connection in order, and says at
        // once that nobody is there.
        match self
            .client
            .request(self.nobody.clone(), Default::default())
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
            Err(error) => Err(BusError::Unavailable(Box::new(error))),
        }
    }

    /// Changes whenever the connection was cut, or could not keep up, and is back.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.clone()
    }

    /// Tells the rooms that messages may have been lost.
    pub(crate) fn resume(&self) {
        self.resumed.send_modify(|resumed| *resumed += 1);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

/// Keeps count of what may have cost messages.
fn note(event: &Event, cuts: &watch::Sender<u64>, down: &AtomicBool) {
    match event {
        Event::Disconnected => {
            tracing::warn!("the connection to NATS is lost");
            down.store(true, Ordering::Release);
        }
        Event::Connected => {
            if down.swap(false, Ordering::AcqRel) {
                tracing::info!("the connection to NATS is back");
                cuts.send_modify(|cuts| *cuts += 1);
            }
        }
        Event::SlowConsumer(_) => {
            tracing::warn!("NATS sends faster than this process reads; messages were lost");
            cuts.send_modify(|cuts| *cuts += 1);
        }
        Event::LameDuckMode => tracing::info!("the NATS server is about to go"),
        Event::ServerError(error) => tracing::warn!(%error, "NATS refuses something"),
        Event::ClientError(error) => tracing::warn!(%error, "the connection to NATS has trouble"),
        Event::Draining | Event::Closed => {}
    }
}
