//! The connection: whether it holds, and when it was cut.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_nats::{Client, Event, Request, connection::State};
use contract::BusError;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::{
    connect::{ConnectError, Servers},
    settings::NatsSettings,
};

/// The connection to NATS.
pub(crate) struct Link {
    client: Client,
    servers: String,
    /// What the subjects begin with on which only this process listens.
    echo: String,
    /// How often the connection was cut, or could not keep up, and is back.
    cuts: watch::Receiver<u64>,
    /// The same, once the server knows again what is listened to: what rooms
    /// without history go by.
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
        echo: String,
    ) -> Result<Arc<Self>, ConnectError> {
        let servers = Servers::parse(&settings.servers)?;
        let (cut, cuts) = watch::channel(0_u64);
        let was_connected = AtomicBool::new(false);
        let shared = Arc::new((cut, was_connected));
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
            echo,
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
        // A server takes what comes by one connection in order. The request is
        // its own answer, since it is sent to where the answer is awaited: that
        // nobody else is there would not be said where somebody listens to
        // everything.
        let subject = format!("{}.{}", self.echo, Uuid::new_v4().simple());
        let request = Request::new().inbox(subject.clone());
        match self.client.send_request(subject, request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(BusError::Unavailable(Box::new(error))),
        }
    }

    /// Changes whenever the connection was cut, or could not keep up, and is back.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.clone()
    }

    /// Tells the rooms without history that messages may have been lost.
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
fn note(event: &Event, cuts: &watch::Sender<u64>, was_connected: &AtomicBool) {
    match event {
        Event::Disconnected => tracing::warn!("the connection to NATS is lost"),
        Event::Connected => {
            // Whatever is connected again was cut: among many other events the
            // one that says so may be dropped.
            if was_connected.swap(true, Ordering::AcqRel) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_counts_whether_or_not_its_beginning_was_heard_of() {
        let (cuts, counted) = watch::channel(0);
        let was_connected = AtomicBool::new(false);
        let counted_after = |event| {
            note(&event, &cuts, &was_connected);
            *counted.borrow()
        };
        assert_eq!(counted_after(Event::Connected), 0);
        assert_eq!(counted_after(Event::Disconnected), 0);
        assert_eq!(counted_after(Event::Connected), 1);
        assert_eq!(counted_after(Event::SlowConsumer(1)), 2);
        assert_eq!(counted_after(Event::Connected), 3);
    }
}
