//! A room with history: one order, gaps seen and filled.

use std::{sync::Arc, time::Duration};

use async_nats::{HeaderMap, Subscriber, header};
use contract::{
    BusError, Epoch, Message, Position, RoomName,
    fanout::{Feed, Source},
};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    sync::watch,
    task::unconstrained,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    core::{Pumping, subscribe},
    envelope,
    history::Archive,
    listeners::Listeners,
};

/// After so long every server of a cluster knows that this room is listened
/// to. What was said before is looked for once more then: it may not have come.
const SETTLE: Duration = Duration::from_secs(1);

/// How long the archive is left alone after it could not be read.
const RETRY: Duration = Duration::from_millis(500);

/// How long a gap may stay open before the room goes on without what is in it.
const GAP_PATIENCE: Duration = Duration::from_secs(20);

/// Listens to a room until the source is dropped.
pub(crate) async fn listen(
    archive: &Arc<Archive>,
    room: RoomName,
    feed: Feed,
) -> Result<Source, BusError> {
    // Before the server knows of us: no cut from then on may be missed.
    let restored = archive.restored();
    let live = subscribe(archive.link(), archive.subjects().outward(&room)).await?;
    // After it: what is newer than this is heard.
    let newest = archive.newest().await?;
    feed.stands_at(newest);
    let settling = archive.link().is_cluster();
    let pump = Pump {
        archive: Arc::clone(archive),
        room,
        listeners: Listeners::new(feed),
        live,
        epoch: newest.epoch,
        last: newest.seq,
    };
    Ok(Pumping::source(pump.run(restored, settling)))
}

struct Pump {
    archive: Arc<Archive>,
    room: RoomName,
    listeners: Listeners,
    live: Subscriber,
    epoch: Epoch,
    /// Every message of the room up to this number has been delivered, or was
    /// said before anybody listened.
    last: u64,
}

impl Pump {
    async fn run(mut self, mut restored: watch::Receiver<u64>, settling: bool) {
        let mut look_at = settling.then(|| Instant::now() + SETTLE);
        loop {
            tokio::select! {
                biased;
                Ok(()) = restored.changed() => {
                    // At once, and again when the servers have settled.
                    let again = match self.resume().await {
                        Ok(()) => SETTLE,
                        Err(error) => self.postpone(&error),
                    };
                    look_at = Some(Instant::now() + again);
                }
                () = sleep_until(look_at.unwrap_or_else(Instant::now)), if look_at.is_some() => {
                    look_at = match self.resume().await {
                        Ok(()) => None,
                        Err(error) => Some(Instant::now() + self.postpone(&error)),
                    };
                }
                message = self.live.next() => {
                    let Some(message) = message else {
                        self.listeners.cut_off();
                        return;
                    };
                    self.hear(message).await;
                }
            }
        }
    }

    fn postpone(&self, error: &BusError) -> Duration {
        tracing::debug!(
            room = %self.room,
            error = error as &dyn std::error::Error,
            "what the room missed can't be read yet"
        );
        RETRY
    }

    async fn hear(&mut self, message: async_nats::Message) {
        let numbers = message.headers.as_ref().and_then(numbers);
        let Some((seq, before)) = numbers else {
            tracing::warn!(subject = %message.subject, "a message came past the stream");
            return;
        };
        if seq <= self.last {
            // It was read from the archive already, or the stream is another
            // one, whose numbers began afresh.
            self.archive.link().doubt.notify_one();
            return;
        }
        self.archive.saw(seq);
        if before > self.last {
            let epoch = self.epoch;
            self.fill(seq).await;
            if seq <= self.last || epoch != self.epoch {
                return;
            }
        }
        match envelope::decode(message.payload) {
            Ok(message) => self.tell(seq, message).await,
            Err(error) => tracing::warn!(
                subject = %message.subject,
                seq,
                %error,
                "something else than a message was published"
            ),
        }
        self.last = seq;
    }

    /// Delivers what is missing before the message `seq`, and it too; or says
    /// that it can't.
    async fn fill(&mut self, seq: u64) {
        let deadline = Instant::now() + GAP_PATIENCE;
        loop {
            match self.catch_up().await {
                Ok(()) => {}
                Err(error) if Instant::now() < deadline => {
                    sleep(self.postpone(&error)).await;
                    continue;
                }
                Err(error) => tracing::warn!(
                    room = %self.room,
                    error = &error as &dyn std::error::Error,
                    "what the room missed could not be read"
                ),
            }
            if self.last < seq {
                // What came before it is not kept any more, or not readable.
                self.listeners.cut_off();
            }
            return;
        }
    }

    /// Delivers what has come, and then what has not: while what has come waited
    /// for the listeners it may have become too old to be kept.
    async fn resume(&mut self) -> Result<(), BusError> {
        while self.archive.epoch() == self.epoch
            && let Some(Some(message)) = unconstrained(self.live.next()).now_or_never()
        {
            self.hear(message).await;
        }
        self.catch_up().await
    }

    /// Delivers what is kept and was not delivered yet, after saying so if
    /// something is gone.
    async fn catch_up(&mut self) -> Result<(), BusError> {
        let epoch = self.archive.epoch();
        if epoch != self.epoch {
            // Another stream: of it nothing was delivered yet. What waits is of
            // the one before, or is kept; taken for news, its numbers would
            // hide those of this one.
            while let Some(Some(_)) = unconstrained(self.live.next()).now_or_never() {}
            let beginning = Position { epoch, seq: 0 };
            let missed = self.archive.missed(&self.room, beginning).await?;
            self.epoch = epoch;
            self.last = 0;
            self.listeners.cut_off();
            self.tell_all(missed.messages, missed.up_to).await;
            return Ok(());
        }
        let last = Position {
            epoch,
            seq: self.last,
        };
        let missed = self.archive.missed(&self.room, last).await?;
        if !missed.complete {
            self.listeners.cut_off();
        }
        self.tell_all(missed.messages, missed.up_to).await;
        Ok(())
    }

    async fn tell_all(&mut self, messages: Vec<(u64, Message)>, up_to: u64) {
        for (seq, message) in messages {
            if seq > self.last {
                self.tell(seq, message).await;
                self.last = seq;
            }
        }
        self.last = self.last.max(up_to);
    }

    async fn tell(&mut self, seq: u64, message: Message) {
        let position = Position {
            epoch: self.epoch,
            seq,
        };
        self.listeners.tell(message, Some(position)).await;
    }
}

/// The message's number, and that of the one before it in its room.
fn numbers(headers: &HeaderMap) -> Option<(u64, u64)> {
    let number = |name| headers.get(name)?.as_str().parse().ok();
    Some((
        number(header::NATS_SEQUENCE)?,
        number(header::NATS_LAST_SEQUENCE)?,
    ))
}
