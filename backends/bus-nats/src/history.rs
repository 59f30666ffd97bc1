//! The stream that keeps messages: publish, read.

mod epoch;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_nats::jetstream::{
    context::{Context, ContextBuilder, PublishErrorKind, RequestErrorKind},
    message::PublishMessage,
    stream::{Info, LastRawMessageErrorKind, RawMessageErrorKind, Stream},
};
use bytes::Bytes;
use contract::{BoxError, BusError, Envelope, Epoch, Message, Position, RoomName};
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::{
    connect::{ConnectError, REQUEST_TIMEOUT},
    envelope,
    link::Link,
    settings::History,
    stream,
    subjects::Subjects,
};

/// How long a message is tried to be stored. A stream whose leader died has
/// the next one in 4 to 9 seconds (the election timeouts of nats-server).
const PUBLISH_PATIENCE: Duration = Duration::from_secs(15);

/// How long storing is left alone after it failed.
const PUBLISH_RETRY: Duration = Duration::from_millis(100);

/// Rooms that read the archive at once, after all of them were cut off.
const READERS: usize = 16;

/// The stream that keeps messages.
pub(crate) struct Archive {
    link: Arc<Link>,
    context: Context,
    stream: Stream<()>,
    subjects: Subjects,
    history: History,
    life: Mutex<Life>,
    /// The largest number that this node knows to have been given out.
    seen: AtomicU64,
    /// Changes whenever a room may have missed something, and it can be read.
    restored: watch::Sender<u64>,
    /// When the mark of the epoch has to be looked at again.
    look_again: Mutex<Instant>,
    readers: Semaphore,
}

/// One life of the stream's order, and how to tell it from the next without
/// reading the mark: when the stream was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life {
    epoch: Epoch,
    created: SystemTime,
}

/// The stream is not the one that positions are in.
#[derive(Debug, thiserror::Error)]
#[error("the stream is another one than before")]
struct AnotherStream;

/// A kept message and its number; `None` if this version can't read it.
type Kept = (u64, Option<Message>);

/// What is kept of a room from some place on.
pub(crate) struct Missed {
    /// Whether nothing after that place is gone.
    pub(crate) complete: bool,
    /// In order.
    pub(crate) messages: Vec<(u64, Message)>,
    /// Every message up to here was said before that place, or is in `messages`.
    pub(crate) up_to: u64,
}

impl Archive {
    pub(crate) async fn open(
        link: &Arc<Link>,
        subjects: &Subjects,
        history: History,
    ) -> Result<Arc<Self>, ConnectError> {
        let context = ContextBuilder::new()
            .timeout(REQUEST_TIMEOUT)
            .ack_timeout(REQUEST_TIMEOUT)
            .build(link.client().clone());
        let info = stream::ensure(&context, link.servers(), subjects, history).await?;
        let name = subjects.stream();
        let failed = |source: BoxError| ConnectError::Stream {
            stream: name.clone(),
            source,
        };
        let stream = context
            .get_stream_no_info(&name)
            .await
            .map_err(|error| failed(error.into()))?;
        let archive = Self {
            link: Arc::clone(link),
            context,
            stream,
            subjects: subjects.clone(),
            history,
            life: Mutex::new(Life {
                epoch: Epoch(0),
                created: info.created.into(),
            }),
            seen: AtomicU64::new(0),
            restored: watch::Sender::new(0),
            look_again: Mutex::new(Instant::now()),
            readers: Semaphore::new(READERS),
        };
        let epoch = archive
            .mark_epoch(None)
            .await
            .map_err(|error| failed(error.into()))?;
        archive.life.lock().epoch = epoch;
        Ok(Arc::new(archive))
    }

    /// The life of the order that positions are in.
    pub(crate) fn epoch(&self) -> Epoch {
        self.life.lock().epoch
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    pub(crate) fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// Changes whenever messages may have been lost since, or positions are void.
    pub(crate) fn restored(&self) -> watch::Receiver<u64> {
        self.restored.subscribe()
    }

    /// Tells the rooms that they may have missed something.
    pub(crate) fn resume(&self) {
        self.restored.send_modify(|restored| *restored += 1);
    }

    /// When [`Self::restore`] is wanted, if nothing happens before.
    pub(crate) fn look_again(&self) -> Instant {
        *self.look_again.lock()
    }

    /// Makes the stream again if it is gone. Returns whether it is another one
    /// than before, so that all positions are void.
    pub(crate) async fn restore(&self) -> Result<bool, BusError> {
        // Before the stream is looked at: what it gives out meanwhile is not lost.
        let seen = self.seen.load(Ordering::Acquire);
        let ensured = stream::ensure(
            &self.context,
            self.link.servers(),
            &self.subjects,
            self.history,
        );
        let info = match ensured.await {
            Ok(info) => info,
            // Somebody edited it. A node would not start with it, but whoever
            // is in its rooms is served as well as it can be.
            Err(error @ ConnectError::StreamDiffers { .. }) => {
                tracing::warn!(%error, "the stream was changed");
                self.stream.get_info().await.map_err(unavailable)?
            }
            Err(error) => return Err(BusError::Unavailable(error.into())),
        };
        let void = self.lost_its_end(&info, seen).then(|| self.epoch());
        let now = Life {
            epoch: self.mark_epoch(void).await?,
            created: info.created.into(),
        };
        let before = std::mem::replace(&mut *self.life.lock(), now);
        if now.epoch != before.epoch {
            self.seen.store(0, Ordering::Release);
        }
        Ok(now.epoch != before.epoch)
    }

    /// What the stream holds now, if it is still the one of that epoch.
    /// Whether numbers up to `seen` will be given out again: the server
    /// writes to its disk a while after it has confirmed, and lost its power
    /// in between. Of several replicas one has it all, and may only not have
    /// come so far yet.
    fn lost_its_end(&self, info: &Info, seen: u64) -> bool {
        self.history.replicas == 1
            && info.state.last_sequence < seen
            && self.life.lock().created == SystemTime::from(info.created)
    }

    /// A number was given out.
    pub(crate) fn saw(&self, seq: u64) {
        self.seen.fetch_max(seq, Ordering::AcqRel);
    }

    async fn info(&self, epoch: Epoch) -> Result<Info, BusError> {
        let info = self.stream.get_info().await.map_err(|error| {
            if error.kind() == RequestErrorKind::Other {
                // There was an answer, and it is not the stream.
                self.link.doubt.notify_one();
            }
            unavailable(error)
        })?;
        let found = Life {
            epoch,
            created: info.created.into(),
        };
        if *self.life.lock() == found {
            Ok(info)
        } else {
            self.link.doubt.notify_one();
            Err(unavailable(AnotherStream))
        }
    }

    /// Answers if messages can be stored.
    pub(crate) async fn ping(&self) -> Result<(), BusError> {
        self.link.check()?;
        let info = self.info(self.epoch()).await?;
        match info.cluster {
            Some(cluster) if cluster.leader.is_none() => {
                #[derive(Debug, thiserror::Error)]
                #[error("the stream has no leader")]
                struct NoLeader;
                Err(unavailable(NoLeader))
            }
            _ => Ok(()),
        }
    }

    /// Stores a message, once, however often it has to be sent.
    pub(crate) async fn publish(
        &self,
        room: &RoomName,
        payload: Bytes,
    ) -> Result<Position, BusError> {
        let subject = self.subjects.inward(room);
        let id = Uuid::new_v4().simple().to_string();
        let deadline = Instant::now() + PUBLISH_PATIENCE;
        loop {
            let epoch = self.epoch();
            // Without a connection it would be sent when there is one again,
            // perhaps long after its publisher was told that it was not.
            let failure = match self.link.check() {
                Ok(()) => {
                    let message = PublishMessage::build()
                        .message_id(&id)
                        .payload(payload.clone());
                    match self.store(subject.clone(), message).await {
                        Ok(seq) => {
                            self.saw(seq);
                            return Ok(Position { epoch, seq });
                        }
                        Err(failure @ BusError::Failed(_)) => return Err(failure),
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            if Instant::now() >= deadline {
                return Err(failure);
            }
            sleep(PUBLISH_RETRY).await;
        }
    }

    async fn store(&self, subject: String, message: PublishMessage) -> Result<u64, BusError> {
        let stored = match self.context.send_publish(subject, message).await {
            Ok(stored) => stored.await,
            Err(error) => Err(error),
        };
        stored
            .map(|ack| ack.sequence)
            .map_err(|error| match error.kind() {
                PublishErrorKind::BrokenPipe
                | PublishErrorKind::MaxAckPending
                | PublishErrorKind::Other => unavailable(error),
                PublishErrorKind::StreamNotFound | PublishErrorKind::TimedOut => {
                    // Nobody takes it: the stream is gone, or has no leader.
                    // Where somebody listens to everything, nobody says so.
                    self.link.doubt.notify_one();
                    unavailable(error)
                }
                PublishErrorKind::WrongLastMessageId
                | PublishErrorKind::WrongLastSequence
                | PublishErrorKind::MaxPayloadExceeded => BusError::Failed(error.into()),
            })
    }

    /// The place of the newest message of any room.
    pub(crate) async fn newest(&self) -> Result<Position, BusError> {
        let epoch = self.epoch();
        let seq = self.info(epoch).await?.state.last_sequence;
        Ok(Position { epoch, seq })
    }

    /// Everything that was said in a room since a listener left; `None` if not
    /// all of it is kept.
    pub(crate) async fn since(
        &self,
        room: &RoomName,
        since: Position,
    ) -> Result<Option<Vec<Arc<Envelope>>>, BusError> {
        if since.epoch != self.epoch() {
            return Ok(None);
        }
        let missed = self.missed(room, since).await?;
        if !missed.complete {
            return Ok(None);
        }
        let epoch = since.epoch;
        let envelopes = missed.messages.into_iter().map(|(seq, message)| {
            Arc::new(Envelope {
                message,
                position: Some(Position { epoch, seq }),
            })
        });
        Ok(Some(envelopes.collect()))
    }

    /// What was said in a room after the message at that place, or, if that is
    /// not one of the room's, after that moment.
    ///
    /// # Errors
    /// Also if the stream is not that of the place's epoch any more.
    pub(crate) async fn missed(
        &self,
        room: &RoomName,
        Position { epoch, seq: after }: Position,
    ) -> Result<Missed, BusError> {
        let _reader = self.reader().await;
        let subject = self.subjects.inward(room);
        // The stream before the room: what is stored in between is newer than
        // what this says was looked for, and is not taken for heard.
        let info = self.info(epoch).await?;
        let (oldest, newest) = (info.state.first_sequence, info.state.last_sequence);
        let nothing = |complete| Missed {
            complete,
            messages: Vec::new(),
            up_to: newest,
        };
        if newest <= after {
            return Ok(nothing(newest == after));
        }
        let last = match self.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(last) => Some(last.sequence),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => None,
            Err(error) => return Err(unavailable(error)),
        };
        if last.is_some_and(|last| last <= after) {
            // Had anything been said since, that would be the last.
            return Ok(nothing(true));
        }
        let mut kept = match last {
            Some(last) => self.read(&subject, after, last).await?,
            None => Vec::new(),
        };
        // The oldest messages go first, so that whoever still finds the last
        // one it knows finds all that came after.
        let knows = kept.first().is_some_and(|(seq, _)| *seq == after);
        if knows {
            kept.remove(0);
        }
        // Otherwise none of the room's is gone if it has fewer than are kept,
        // and the stream reaches back to that moment.
        let reaches = kept.len() < self.history.messages && oldest <= after.saturating_add(1);
        let up_to = kept.last().map_or(newest, |(seq, _)| newest.max(*seq));
        let readable = kept
            .into_iter()
            .filter_map(|(seq, message)| Some((seq, message?)));
        Ok(Missed {
            complete: knows || reaches,
            messages: readable.collect(),
            up_to,
        })
    }

    /// The kept messages of a room with numbers from `from` to `to`, in order.
    ///
    /// One by one and not by a consumer, which the cluster's leader would have
    /// to make: when that is the server which died, there is none for seconds,
    /// while the stream goes on and runs out of what it keeps.
    async fn read(&self, subject: &str, from: u64, to: u64) -> Result<Vec<Kept>, BusError> {
        let mut kept = Vec::new();
        let mut next = from.max(1);
        while next <= to {
            let found = self
                .stream
                .raw_message_builder()
                .sequence(next)
                .next_by_subject(subject)
                .send()
                .await;
            let found = match found {
                Ok(found) => found,
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => break,
                Err(error) => return Err(unavailable(error)),
            };
            let seq = found.sequence;
            let message = envelope::decode(found.payload).inspect_err(|error| {
                tracing::warn!(subject, seq, %error, "something else than a message is kept");
            });
            kept.push((seq, message.ok()));
            next = seq + 1;
        }
        Ok(kept)
    }

    async fn reader(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed, which is all that could go wrong.
        self.readers.acquire().await.ok()
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}

fn unavailable(error: impl Into<BoxError>) -> BusError {
    BusError::Unavailable(error.into())
}
