//! The stream that keeps messages: its life, and storing in it.

mod epoch;
mod missed;
mod read;

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
    stream::{Info, InfoError, Stream},
};
use bytes::Bytes;
use contract::{BoxError, BusError, Epoch, MessageKey, Position, RoomName};
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::{
    connect::{ConnectError, REQUEST_TIMEOUT},
    link::Link,
    settings::History,
    stream::{self, StreamError},
    subjects::Subjects,
};

/// How long a stream may go without an answer. One whose leader died has the
/// next one in 4 to 9 seconds (the election timeouts of nats-server).
const ELECTION: Duration = Duration::from_secs(15);

/// How long the stream is left alone after it didn't answer.
const RETRY: Duration = Duration::from_millis(100);

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

/// Another message of that id is just being stored.
#[derive(Debug, thiserror::Error)]
#[error("the message is being stored already")]
struct Undecided;

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
        let name = subjects.stream();
        let failed = |source: BoxError| ConnectError::Stream {
            stream: name.clone(),
            source,
        };
        // Servers that have just started, and a stream that another node has
        // just made, have no leader yet.
        let patience = Instant::now() + ELECTION;
        let info = loop {
            match stream::ensure(&context, link.servers(), subjects, history).await {
                Ok(info) => break info,
                Err(StreamError::Refused(error)) => return Err(error),
                Err(StreamError::Unanswered(_)) if Instant::now() < patience => {
                    sleep(RETRY).await;
                }
                Err(StreamError::Unanswered(source)) => return Err(failed(source)),
            }
        };
        stream::warn_of_short_memory(&info, history);
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
        let epoch = loop {
            match archive.mark_epoch(None).await {
                Ok(epoch) => break epoch,
                Err(BusError::Unavailable(_)) if Instant::now() < patience => {
                    sleep(RETRY).await;
                }
                Err(error) => return Err(failed(error.into())),
            }
        };
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
            Err(StreamError::Refused(error @ ConnectError::StreamDiffers { .. })) => {
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

    /// Whether numbers up to `seen` will be given out again: the server
    /// writes to its disk a while after it has confirmed, and lost its power
    /// in between. Of several replicas one has it all, and may only not have
    /// come so far yet.
    fn lost_its_end(&self, info: &Info, seen: u64) -> bool {
        self.history.replicas == 1
            && info.state.last_sequence < seen
            && self.life.lock().created == SystemTime::from(info.created)
    }

    /// Whether this node knows that a number was given out.
    fn was_given_out(&self, seq: u64) -> bool {
        seq <= self.seen.load(Ordering::Acquire)
    }

    /// A number was given out.
    pub(crate) fn saw(&self, seq: u64) {
        self.seen.fetch_max(seq, Ordering::AcqRel);
    }

    /// What the stream holds now, if it is still the one of that epoch.
    async fn info(&self, epoch: Epoch) -> Result<Info, BusError> {
        let info = self.stream.get_info().await;
        let info = info.map_err(|error| self.no_info(error))?;
        self.check_life(epoch, &info)?;
        Ok(info)
    }

    /// The same, and how many messages of a subject it holds.
    async fn info_of(&self, epoch: Epoch, subject: &str) -> Result<(Info, usize), BusError> {
        let info = self.stream.info_builder().subjects(subject).fetch().await;
        let mut info = info.map_err(|error| self.no_info(error))?;
        self.check_life(epoch, &info.info)?;
        // Those that match a whole subject are that one, or none.
        match info.next().await {
            Some(Ok((_, messages))) => Ok((info.info, messages)),
            Some(Err(error)) => Err(self.no_info(error)),
            None => Ok((info.info, 0)),
        }
    }

    fn no_info(&self, error: InfoError) -> BusError {
        if error.kind() == RequestErrorKind::Other {
            // There was an answer, and it is not the stream.
            self.link.doubt.notify_one();
        }
        unavailable(error)
    }

    fn check_life(&self, epoch: Epoch, info: &Info) -> Result<(), BusError> {
        let found = Life {
            epoch,
            created: info.created.into(),
        };
        if *self.life.lock() == found {
            Ok(())
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

    /// Stores a message, once, however often it has to be sent; one that has a
    /// key, also however often its publisher repeats it.
    pub(crate) async fn publish(
        &self,
        room: &RoomName,
        key: Option<MessageKey>,
        payload: Bytes,
    ) -> Result<Position, BusError> {
        let subject = self.subjects.inward(room);
        let id = match key {
            // The stream has one memory for the ids of all rooms.
            Some(MessageKey(key)) => format!("{room}.{key:032x}"),
            None => Uuid::new_v4().simple().to_string(),
        };
        let deadline = Instant::now() + ELECTION;
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
            sleep(RETRY).await;
        }
    }

    async fn store(&self, subject: String, message: PublishMessage) -> Result<u64, BusError> {
        let stored = match self.context.send_publish(subject, message).await {
            Ok(stored) => stored.await,
            Err(error) => Err(error),
        };
        let ack = stored.map_err(|error| match error.kind() {
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
        })?;
        if ack.sequence == 0 {
            // A cluster knows the id, of a message that it has not agreed on.
            return Err(unavailable(Undecided));
        }
        Ok(ack.sequence)
    }

    /// The place of the newest message of any room.
    pub(crate) async fn newest(&self) -> Result<Position, BusError> {
        let epoch = self.epoch();
        let seq = self.info(epoch).await?.state.last_sequence;
        Ok(Position { epoch, seq })
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
