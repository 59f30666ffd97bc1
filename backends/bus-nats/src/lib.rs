//! Rooms that reach every node, over NATS.
//!
//! | file | what it holds |
//! |---|---|
//! | `settings` | what a bus needs to know |
//! | `connect` | from settings to a connection, and why there is none |
//! | `link` | the connection: whether it holds, and when it was cut |
//! | `watcher` | tells the rooms that they were cut off, once everything is back |
//! | `subjects` | what everything is called on NATS |
//! | [`envelope`] | a message as bytes, and back |
//! | `core` | rooms without history: plain publish and subscribe |
//! | `history` | the stream that keeps messages: its life, storing; its epoch, what was missed, reading |
//! | `stream` | the stream's configuration, made or compared |
//! | `listeners` | those who listen to a room here, told as fast as they take it |
//! | `pump` | a room with history: one order, gaps seen and filled |
//!
//! Two modes, chosen by [`NatsSettings::history`]:
//! - **without history** a message is a NATS message: heard at most once, by
//!   whoever listens just then. It has no position. A node that was cut off
//!   gets [`Delivery::CutOff`](contract::Delivery::CutOff) in each of its rooms
//!   when it is back, since nobody can tell what was said meanwhile; so does a
//!   node that could not keep up. Nodes of a cluster of servers learn of a new
//!   listener within milliseconds, not before `subscribe` returns.
//! - **with history** a message is stored by JetStream before it is published
//!   to whoever listens: `publish` returns when it is stored, every message has
//!   a position, all listeners hear one order, and what a node missed while it
//!   was cut off is delivered when it is back. A message that could not be
//!   confirmed is sent again under the same id, and stored once. A message that
//!   has a key is stored once though its publisher repeats it, for 5 minutes (or
//!   for as long as messages are kept, if that is less).
//!
//! In both, a room costs one subscription on NATS for each node that listens
//! to it, however many listeners that node has. What nodes tell each other in
//! the service's own rooms ([`RoomName::is_internal`]) is not kept in either mode.

mod connect;
mod core;
pub mod envelope;
mod history;
mod link;
mod listeners;
mod pump;
mod settings;
mod stream;
mod subjects;
mod watcher;

use std::sync::Arc;

use async_trait::async_trait;
use contract::{
    BusError, Fanout, Message, Position, Published, Recovery, RoomBus, RoomName, Subscription,
};

pub use connect::ConnectError;
pub use settings::{History, NatsSettings, Storage, Tls};

use crate::{history::Archive, link::Link, subjects::Subjects, watcher::Watcher};

/// Rooms that reach every node, over NATS.
///
/// Clones share the connection.
#[derive(Debug, Clone)]
pub struct NatsBus {
    link: Arc<Link>,
    subjects: Subjects,
    fanout: Arc<Fanout>,
    archive: Option<Arc<Archive>>,
    _watcher: Arc<Watcher>,
}

impl NatsBus {
    /// Connects and, with history, makes the stream if it isn't there.
    ///
    /// # Errors
    /// [`ConnectError`]. Once this has returned, a connection that is lost is
    /// made again, for as long as it takes.
    pub async fn connect(settings: &NatsSettings) -> Result<Self, ConnectError> {
        let subjects = Subjects::new(&settings.prefix);
        let link = Link::connect(settings, subjects.echo()).await?;
        let archive = match &settings.history {
            Some(history) => Some(Archive::open(&link, &subjects, *history).await?),
            None => None,
        };
        let watcher = Watcher::start(&link, archive.as_ref());
        Ok(Self {
            link,
            subjects,
            fanout: Fanout::new(settings.capacity),
            archive,
            _watcher: Arc::new(watcher),
        })
    }

    /// The archive, for a room that has history.
    fn archive(&self, room: &RoomName) -> Option<&Arc<Archive>> {
        self.archive.as_ref().filter(|_| !room.is_internal())
    }
}

#[async_trait]
impl RoomBus for NatsBus {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        let payload = envelope::encode(&message);
        let position = match self.archive(room) {
            // Boxed: what is not kept must not pay for the room that this takes.
            Some(archive) => Some(Box::pin(archive.publish(room, message.key, payload)).await?),
            None => {
                let subject = self.subjects.live(room);
                core::publish(&self.link, subject, payload).await?;
                if room.is_internal() {
                    // What nodes tell each other is worth a round trip.
                    self.link.confirm().await?;
                }
                None
            }
        };
        Ok(Published { position })
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        let Some(archive) = self.archive(room) else {
            let subject = self.subjects.live(room);
            let subscription = self
                .fanout
                .subscribe(room, |feed| core::listen(&self.link, subject, feed))
                .await?;
            return Ok(match since {
                None => subscription,
                Some(since) => subscription.recovered(Recovery::Impossible, since, Vec::new()),
            });
        };
        // The live receiver first: what is said while the archive is read is
        // in both, and delivered once.
        let subscription = self
            .fanout
            .subscribe(room, |feed| pump::listen(archive, room.clone(), feed))
            .await?;
        let Some(since) = since else {
            return Ok(subscription);
        };
        let missed = archive.history(room, Some(since)).await?;
        Ok(subscription.recovered(missed.recovery, since, missed.messages))
    }

    async fn history(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<contract::History, BusError> {
        match self.archive(room) {
            Some(archive) => archive.history(room, since).await,
            None => Ok(contract::History {
                recovery: match since {
                    None => Recovery::NotAsked,
                    Some(_) => Recovery::Impossible,
                },
                messages: Vec::new(),
                position: None,
            }),
        }
    }

    async fn ping(&self) -> Result<(), BusError> {
        match &self.archive {
            Some(archive) => archive.ping().await,
            None => self.link.confirm().await,
        }
    }

    fn rooms(&self) -> usize {
        self.fanout.rooms()
    }
}
