//! The room bus: what is said in a room reaches everyone who listens to it.

use std::{collections::VecDeque, fmt, future::poll_fn, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{BusError, RoomName, UserId, fanout::Listener};

/// Which socket said something, unique in a cluster; never shown to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

impl ConnectionId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_u64_pair().1)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
    /// One JSON value that is no string (RFC 8259), in UTF-8.
    Json,
}

/// Names a message, so that a bus which keeps history says it once, however
/// often its publisher has to repeat it. Derived from the publisher and the
/// name that it gave the message, so that nobody can use up another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageKey(pub u128);

/// What somebody says.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Who says it; `None` is the service itself.
    pub from: Option<UserId>,
    /// The socket it came in by, if by one.
    pub connection: Option<ConnectionId>,
    /// When the service took it.
    pub at: Timestamp,
    /// What the payload is.
    pub kind: Kind,
    /// The payload; valid UTF-8 unless `kind` is binary.
    pub data: Bytes,
    /// What tells a repetition of it from another message, if its publisher
    /// may repeat it.
    pub key: Option<MessageKey>,
}

impl fmt::Debug for Message {
    /// Without the payload: what people say to each other is not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("from", &self.from)
            .field("at", &self.at)
            .field("kind", &self.kind)
            .field("bytes", &self.data.len())
            .finish()
    }
}

/// One life of a room's order; sequence numbers compare only within one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// A new random epoch.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_u64_pair().1)
    }
}

/// A place in a room's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The order's life.
    pub epoch: Epoch,
    /// The message's number in it, larger than that of any message before;
    /// numbers may be left out. 0 is before the first.
    pub seq: u64,
}

/// A message with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What was said.
    pub message: Message,
    /// Where it stands; `None` on a bus that keeps no order number.
    pub position: Option<Position>,
}

/// What a listener gets.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// A message.
    Message(Arc<Envelope>),
    /// This many messages were lost to this listener; what follows is after them.
    Missed(u64),
    /// The bus could not be heard for a while: any number of messages may have
    /// been lost, perhaps none; what follows is after them.
    CutOff,
}

/// What became of [`RoomBus::publish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The message's place; `None` if the bus keeps no order number, or nobody
    /// listens and the bus keeps no history.
    pub position: Option<Position>,
}

/// Whether a listener that came back has everything since it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// The listener did not ask.
    NotAsked,
    /// Everything since is delivered, in order, before anything live.
    Complete,
    /// Not all of it is kept, so none of it is delivered.
    Impossible,
}

/// What a bus keeps of a room.
#[derive(Debug, Clone)]
pub struct History {
    /// Whether `messages` is everything since the asked-for place;
    /// `NotAsked` if there was none.
    pub recovery: Recovery,
    /// What was said since that place, all of it or (`Impossible`) nothing;
    /// without a place, everything that is kept. In order.
    pub messages: Vec<Arc<Envelope>>,
    /// Where the room stands: at the last of `messages` or, with nothing of
    /// the room in between, after it. Whoever comes back to here has missed
    /// nothing. `None` on a bus without order numbers.
    pub position: Option<Position>,
}

/// Carries messages between everyone in a room.
///
/// Promises of every bus:
/// - a message published after `subscribe` returned is heard;
/// - one publisher's messages are heard in the order it published them; with
///   positions, everybody hears one order, each message once;
/// - rooms don't hear each other;
/// - a listener that falls behind by more than the bus's bound (100 messages
///   by default) gets [`Delivery::Missed`] with the exact number, and goes on;
/// - a listener that may have lost messages because the bus could not be heard
///   gets [`Delivery::CutOff`] once it can be heard again; a bus that keeps
///   history delivers what was missed instead, as long as it keeps it;
/// - a bus that keeps history keeps a room's last messages (100 by default)
///   whether or not anybody listens, within bounds of age and memory, and says
///   a message that has a key once, as long as it keeps it;
/// - what is said in a room of the service's own ([`RoomName::is_internal`]) is
///   neither numbered nor kept;
/// - a dropped [`Subscription`] ends at once, and the last one takes the room
///   and its tasks with it, and its memory but for what is kept of it.
#[async_trait]
pub trait RoomBus: Send + Sync + 'static {
    /// Says `message` in `room`. With positions, `Ok` means that the message
    /// has its place and reaches whoever listens; without, that the bus has
    /// taken it. A message with the key of one that is kept is not said again:
    /// `Published` is that one's.
    ///
    /// # Errors
    /// `Err` means that the message may not have been heard by anybody.
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError>;

    /// Listens to `room`. With `since`, what was said after that place comes
    /// first, all of it or (see [`Subscription::recovery`]) nothing.
    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError>;

    /// What is kept of `room`; with `since`, what was said after that place.
    /// A bus that keeps nothing answers that `since` is `Impossible`, unless
    /// nothing was said.
    async fn history(&self, room: &RoomName, since: Option<Position>) -> Result<History, BusError>;

    /// Answers if the bus can carry messages.
    async fn ping(&self) -> Result<(), BusError>;

    /// How many rooms are listened to through this handle.
    fn rooms(&self) -> usize;
}

/// One listener in one room.
#[derive(Debug)]
pub struct Subscription {
    replay: VecDeque<Delivery>,
    /// What is live up to here was replayed.
    replayed: Option<Position>,
    listener: Listener,
    recovery: Recovery,
}

impl Subscription {
    pub(crate) fn new(listener: Listener) -> Self {
        Self {
            replay: VecDeque::new(),
            replayed: None,
            listener,
            recovery: Recovery::NotAsked,
        }
    }

    /// For a bus: says what came of the `since` that was asked for, with what
    /// is delivered before anything live, in order. What of it turns up live
    /// too is delivered once; and what is before `since`, not at all: the room
    /// may be behind of what the listener heard elsewhere.
    #[must_use]
    pub fn recovered(
        mut self,
        recovery: Recovery,
        since: Position,
        replay: Vec<Arc<Envelope>>,
    ) -> Self {
        self.recovery = recovery;
        self.replayed = match replay.last() {
            Some(last) => last.position,
            None => (recovery == Recovery::Complete).then_some(since),
        };
        self.replay = replay.into_iter().map(Delivery::Message).collect();
        self
    }

    /// Whether a live delivery was replayed already.
    fn is_repeated(&mut self, delivery: &Delivery) -> bool {
        let (Some(replayed), Delivery::Message(envelope)) = (self.replayed, delivery) else {
            return false;
        };
        let repeated = envelope
            .position
            .is_some_and(|live| live.epoch == replayed.epoch && live.seq <= replayed.seq);
        if !repeated {
            // From here on everything is new.
            self.replayed = None;
        }
        repeated
    }

    /// The next delivery. Cancel-safe.
    pub async fn recv(&mut self) -> Delivery {
        if let Some(delivery) = self.replay.pop_front() {
            return delivery;
        }
        loop {
            let delivery = poll_fn(|cx| self.listener.poll_take(cx)).await;
            if !self.is_repeated(&delivery) {
                return delivery;
            }
        }
    }

    /// The next delivery if one is pending.
    pub fn try_recv(&mut self) -> Option<Delivery> {
        if let Some(delivery) = self.replay.pop_front() {
            return Some(delivery);
        }
        loop {
            let delivery = self.listener.take()?;
            if !self.is_repeated(&delivery) {
                return Some(delivery);
            }
        }
    }

    /// Whether what was missed since the asked-for place is delivered.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Where the room stood when this listener came; `None` on a bus without
    /// order numbers.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.listener.position()
    }
}
