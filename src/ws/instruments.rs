//! What is counted of sockets, rooms, and what goes through them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::MetricType,
};

use super::{
    Gateway,
    close::{Close, PeerClose},
    entrance::EntranceError,
    handshake::Refusal,
    socket::End,
    sockets::Full,
    wire::Format,
};
use crate::telemetry::metrics::{
    Counted, Counter, Label, Registry, by_label, counter, gauge, label::label, reading::Labelled,
};

label! {
    /// What came of a handshake.
    pub(super) HandshakeOutcome, "outcome" {
        /// The connection became a socket.
        Accepted = "accepted",
        /// It was none of WebSocket, or not of version 13.
        UpgradeRequired = "upgrade_required",
        /// It was not one of RFC 6455, or asked for a place that is none.
        Malformed = "malformed",
        /// The page's origin is not allowed.
        Origin = "origin_not_allowed",
        /// No token, or one that opens nothing.
        Token = "token_required",
        /// The node has as many sockets as it may have.
        NodeFull = "node_full",
        /// The user has as many sockets as one may have.
        UserFull = "user_full",
        /// The room can't be listened to.
        Unavailable = "unavailable",
    }
}

impl From<Refusal> for HandshakeOutcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAnUpgrade | Refusal::Version => Self::UpgradeRequired,
            Refusal::Malformed(_) | Refusal::Since => Self::Malformed,
            Refusal::Origin => Self::Origin,
            Refusal::Token => Self::Token,
        }
    }
}

impl From<&EntranceError> for HandshakeOutcome {
    fn from(error: &EntranceError) -> Self {
        match error {
            EntranceError::Full(Full::Node) => Self::NodeFull,
            EntranceError::Full(Full::User) => Self::UserFull,
            EntranceError::SessionEnded | EntranceError::NotPermitted => Self::Token,
            EntranceError::Bus(_) => Self::Unavailable,
        }
    }
}

impl Label for Format {
    const NAME: &'static str = "protocol";
    const ALL: &'static [Self] = &[Self::Raw, Self::RoomsV1];

    fn value(self) -> &'static str {
        self.subprotocol()
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// How sockets ended: a counter for each code, and who closed.
#[derive(Clone)]
struct Closed(Arc<[Counter]>);

/// What stands for an end without a close frame (RFC 6455, section 7.1.5).
const ABNORMAL: &str = "1006";

impl Closed {
    /// Every way to end, in the order of [`Self::index`].
    fn labels() -> impl Iterator<Item = (&'static str, String)> {
        let service = Close::ALL.iter();
        let peers = PeerClose::ALL.iter();
        service
            .map(|close| ("service", close.code().to_string()))
            .chain(peers.map(|close| ("client", close.code().to_owned())))
            .chain([("nobody", ABNORMAL.to_owned())])
    }

    fn index(end: End) -> usize {
        match end {
            End::Closed(close) => close as usize,
            End::ClosedByPeer(close) => Close::ALL.len() + close as usize,
            End::Broken => Close::ALL.len() + PeerClose::ALL.len(),
        }
    }
}

impl Default for Closed {
    fn default() -> Self {
        Self(Self::labels().map(|_| Counter::default()).collect())
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&*self.0).finish()
    }
}

impl EncodeMetric for Closed {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for ((by, code), counter) in Self::labels().zip(&*self.0) {
            let labels = [("by", by), ("code", &*code)];
            counter.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

/// What is counted of sockets.
#[derive(Debug, Default)]
pub(super) struct SocketInstruments {
    handshakes: Counted<HandshakeOutcome>,
    closed: Closed,
}

impl SocketInstruments {
    /// A handshake has its answer.
    pub(super) fn handshake(&self, outcome: impl Into<HandshakeOutcome>) {
        self.handshakes.count(outcome.into());
    }

    /// A socket has ended.
    pub(super) fn ended(&self, end: End) {
        if let Some(counter) = self.closed.0.get(Closed::index(end)) {
            counter.inc();
        }
    }
}

/// What goes through the rooms of one thread. Its own cache lines (two, because
/// processors fetch them in pairs), so that threads don't wait for each other
/// when they count.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Traffic {
    published: AtomicU64,
    not_published: AtomicU64,
    taken: AtomicU64,
    missed: AtomicU64,
    cut_offs: AtomicU64,
    gaps: AtomicU64,
    deliveries: [AtomicU64; 2],
    delivered_bytes: [AtomicU64; 2],
}

/// What was handed to the members of a room, in one format.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivered {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Traffic {
    pub(super) fn published(&self, taken: bool) {
        let counter = if taken {
            &self.published
        } else {
            &self.not_published
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Messages came from the bus.
    pub(super) fn taken(&self, messages: usize) {
        self.taken.fetch_add(messages as u64, Relaxed);
    }

    pub(super) fn missed(&self, messages: u64) {
        self.missed.fetch_add(messages, Relaxed);
    }

    pub(super) fn cut_off(&self) {
        self.cut_offs.fetch_add(1, Relaxed);
    }

    /// A client was told that something is missing.
    pub(super) fn gap(&self) {
        self.gaps.fetch_add(1, Relaxed);
    }

    pub(super) fn delivered(&self, format: Format, delivered: Delivered) {
        let place = format.index();
        if delivered.messages > 0 {
            self.deliveries[place].fetch_add(delivered.messages as u64, Relaxed);
            self.delivered_bytes[place].fetch_add(delivered.bytes as u64, Relaxed);
        }
    }
}

impl Gateway {
    /// Makes known what is counted of sockets and rooms.
    pub fn register(self: &Arc<Self>, registry: &mut Registry) {
        self.register_sockets(registry);
        self.register_rooms(registry);
    }

    fn register_sockets(self: &Arc<Self>, registry: &mut Registry) {
        let instruments = self.sockets.instruments();
        registry.register(
            "websocket_handshakes",
            "Handshakes, by what came of them",
            instruments.handshakes.clone(),
        );
        registry.register(
            "websocket_closed",
            "Sockets that ended, by who closed them, and the code: 1005 is a close frame without \
             one, 1006 no close frame, other a code that clients choose",
            instruments.closed.clone(),
        );
        let sockets = Arc::clone(&self.sockets);
        let open = move || -> Labelled {
            let formats = Format::ALL.iter();
            formats
                .map(|format| (format.value(), sockets.open(*format) as f64))
                .collect()
        };
        registry.register(
            "websocket_connections",
            "Sockets that are open",
            by_label(MetricType::Gauge, Format::NAME, open),
        );
        let sockets = Arc::clone(&self.sockets);
        registry.register(
            "websocket_connections_max",
            "Sockets that there may be (ws.max_connections)",
            gauge(move || Some(sockets.max() as f64)),
        );
        // Looked at one by one: counted, they would cost all that is sent.
        let sockets = Arc::clone(&self.sockets);
        registry.register(
            "websocket_backlogged",
            "Sockets whose clients read too slowly just now, so that messages wait",
            gauge(move || Some(sockets.backlogs().sockets as f64)),
        );
        let sockets = Arc::clone(&self.sockets);
        registry.register(
            "websocket_backlog_bytes",
            "What waits for clients that read too slowly",
            gauge(move || Some(sockets.backlogs().bytes as f64)),
        );
    }

    fn register_rooms(self: &Arc<Self>, registry: &mut Registry) {
        let hubs = Arc::clone(&self.hubs);
        registry.register(
            "rooms",
            "Rooms with a socket of this node in them",
            gauge(move || Some(hubs.rooms() as f64)),
        );
        let mut register = |name, help, look: fn(&Traffic) -> &AtomicU64| {
            let hubs = Arc::clone(&self.hubs);
            let sum = move || {
                let traffic = hubs.traffic().iter();
                traffic.map(|of| look(of).load(Relaxed)).sum::<u64>() as f64
            };
            registry.register(name, help, counter(sum));
        };
        register(
            "websocket_messages_published",
            "Messages of sockets that the bus has taken",
            |traffic| &traffic.published,
        );
        register(
            "websocket_messages_not_published",
            "Messages of sockets that the bus has not taken",
            |traffic| &traffic.not_published,
        );
        register(
            "room_messages",
            "Messages that came from the bus for rooms of this node, each counted once",
            |traffic| &traffic.taken,
        );
        register(
            "room_messages_missed",
            "Messages that the bus lost to rooms of this node, because it was too slow",
            |traffic| &traffic.missed,
        );
        register(
            "room_cut_offs",
            "How often rooms of this node could not hear the bus for a while",
            |traffic| &traffic.cut_offs,
        );
        register(
            "websocket_gaps",
            "How often a rooms.v1 client was told that what it missed is not kept",
            |traffic| &traffic.gaps,
        );
        let mut register = |name, help, look: fn(&Traffic) -> &[AtomicU64; 2]| {
            let hubs = Arc::clone(&self.hubs);
            let sums = move || -> Labelled {
                let sum = |place: usize| -> u64 {
                    let traffic = hubs.traffic().iter();
                    traffic.map(|of| look(of)[place].load(Relaxed)).sum()
                };
                let formats = Format::ALL.iter();
                formats
                    .map(|format| (format.value(), sum(format.index()) as f64))
                    .collect()
            };
            registry.register(
                name,
                help,
                by_label(MetricType::Counter, Format::NAME, sums),
            );
        };
        register(
            "deliveries",
            "Messages that rooms handed to sockets: one for each message and socket",
            |traffic| &traffic.deliveries,
        );
        register("delivery_bytes", "Bytes of those, as frames", |traffic| {
            &traffic.delivered_bytes
        });
    }
}
