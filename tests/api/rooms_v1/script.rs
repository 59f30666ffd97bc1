//! A bus that loses, keeps and answers what a test says.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use contract::{
    BusError, Delivery, Envelope, Epoch, History, Kind, Message, Position, Published, Recovery,
    RoomBus, RoomName, Subscription, Timestamp,
    fanout::{Fanout, Feed},
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::local_bus::LocalBus;

/// All rooms are told the same.
pub struct Script {
    fanout: Arc<Fanout>,
    feeds: Mutex<Vec<Feed>>,
    book: Mutex<Book>,
    /// Those of the service's own.
    internal: Arc<LocalBus>,
    /// How often what is kept was read, successfully or not.
    pub reads: AtomicUsize,
    /// How often somebody wanted to say something.
    pub publishes: AtomicUsize,
    /// How often it was looked whether what is said is taken.
    pub looks: AtomicUsize,
    /// Whether what is kept is read, and what is said is taken, or waits.
    pub answers: watch::Sender<bool>,
}

struct Book {
    kept: Vec<(u64, Bytes)>,
    stands: Position,
    given_out: Vec<Weak<Envelope>>,
    fails: bool,
}

impl Script {
    /// A room that stands at `seq`, and of which nothing is kept.
    pub fn at(seq: u64) -> Arc<Self> {
        Arc::new(Self {
            fanout: Fanout::new(100),
            feeds: Mutex::default(),
            book: Mutex::new(Book {
                kept: Vec::new(),
                stands: Position {
                    epoch: Epoch(1),
                    seq,
                },
                given_out: Vec::new(),
                fails: false,
            }),
            internal: LocalBus::new(),
            reads: AtomicUsize::new(0),
            publishes: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            answers: watch::Sender::new(true),
        })
    }

    /// Something is said and kept, and nobody is told.
    pub fn lose(&self, data: impl Into<Bytes>) -> u64 {
        let mut book = self.book.lock();
        book.stands.seq += 1;
        let seq = book.stands.seq;
        book.kept.push((seq, data.into()));
        seq
    }

    /// Something is said and kept, and everybody is told.
    pub fn say(&self, data: impl Into<Bytes>) -> u64 {
        let data = data.into();
        let seq = self.lose(data.clone());
        let epoch = self.book.lock().stands.epoch;
        let envelope = Arc::new(envelope(Position { epoch, seq }, data));
        self.deliver(&Delivery::Message(envelope));
        seq
    }

    /// Everybody is told of something that was said before all this.
    pub fn say_late(&self, position: Position, data: impl Into<Bytes>) {
        let envelope = Arc::new(envelope(position, data.into()));
        self.deliver(&Delivery::Message(envelope));
    }

    /// Everybody is told that something may have been lost.
    pub fn cut_off(&self) {
        self.deliver(&Delivery::CutOff);
    }

    /// Numbers begin afresh, and nothing is kept.
    pub fn begin_afresh(&self, seq: u64) {
        let mut book = self.book.lock();
        book.stands = Position {
            epoch: Epoch(book.stands.epoch.0 + 1),
            seq,
        };
        book.kept.clear();
    }

    /// What is kept can't be read, from now on.
    pub fn fail(&self) {
        self.book.lock().fails = true;
    }

    /// How many of the messages that were read are still in memory.
    pub fn held(&self) -> usize {
        let book = self.book.lock();
        let held = book.given_out.iter().filter(|it| it.strong_count() > 0);
        held.count()
    }

    fn deliver(&self, delivery: &Delivery) {
        for feed in &*self.feeds.lock() {
            feed.deliver(delivery.clone());
        }
    }

    async fn answered(&self) {
        let _ = self.answers.subscribe().wait_for(|answers| *answers).await;
    }
}

fn envelope(position: Position, data: Bytes) -> Envelope {
    Envelope {
        message: Message {
            from: None,
            connection: None,
            at: Timestamp::UNIX_EPOCH,
            kind: Kind::Text,
            data,
            key: None,
        },
        position: Some(position),
    }
}

#[async_trait::async_trait]
impl RoomBus for Script {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        if room.is_internal() {
            return self.internal.publish(room, message).await;
        }
        self.publishes.fetch_add(1, Ordering::SeqCst);
        let mut answered = pin!(self.answered());
        poll_fn(|cx| {
            self.looks.fetch_add(1, Ordering::SeqCst);
            answered.as_mut().poll(cx)
        })
        .await;
        // A repetition: it was said, and heard or lost, before.
        let position = Some(self.book.lock().stands);
        Ok(Published { position })
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        if room.is_internal() {
            return self.internal.subscribe(room, since).await;
        }
        let open = async |feed: Feed| {
            feed.stands_at(self.book.lock().stands);
            self.feeds.lock().push(feed);
            Ok(Box::new(()) as _)
        };
        self.fanout.subscribe(room, open).await
    }

    async fn history(&self, _: &RoomName, since: Option<Position>) -> Result<History, BusError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.answered().await;
        let mut book = self.book.lock();
        if book.fails {
            return Err(BusError::Unavailable("it can't be read".into()));
        }
        let stands = book.stands;
        let since = since.filter(|since| since.epoch == stands.epoch);
        let Some(since) = since else {
            return Ok(History {
                recovery: Recovery::Impossible,
                messages: Vec::new(),
                position: Some(stands),
            });
        };
        let messages: Vec<_> = book
            .kept
            .iter()
            .filter(|(seq, _)| *seq > since.seq)
            .map(|(seq, data)| {
                Arc::new(envelope(
                    Position {
                        seq: *seq,
                        ..stands
                    },
                    data.clone(),
                ))
            })
            .collect();
        book.given_out.extend(messages.iter().map(Arc::downgrade));
        Ok(History {
            recovery: Recovery::Complete,
            messages,
            position: Some(stands),
        })
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }

    fn rooms(&self) -> usize {
        self.fanout.rooms()
    }
}
