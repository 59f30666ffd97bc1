//! The mark that names the life of the stream's order.

use std::time::SystemTime;

use async_nats::jetstream::{message::PublishMessage, stream::LastRawMessageErrorKind};
use bytes::Bytes;
use contract::{BusError, Epoch};
use tokio::time::Instant;

use super::{Archive, unavailable};

impl Archive {
    /// Reads the mark of the epoch, or makes one. It lies in the stream itself
    /// and so is lost with it: numbers that begin afresh are never taken for
    /// the old ones. It is made anew before the stream forgets it, and another
    /// one is made if it is still `void`.
    pub(super) async fn mark_epoch(&self, void: Option<Epoch>) -> Result<Epoch, BusError> {
        let subject = self.subjects.epoch();
        let lifetime = self.history.age / 3;
        loop {
            let (mark, expected) = match self.stream.get_last_raw_message_by_subject(&subject).await
            {
                Ok(mark) => {
                    let read = mark.payload.as_ref().try_into().map(u64::from_be_bytes);
                    let epoch = read.map_err(|error: std::array::TryFromSliceError| {
                        BusError::Failed(error.into())
                    })?;
                    let age = SystemTime::now()
                        .duration_since(mark.time.into())
                        .unwrap_or_default();
                    if void == Some(Epoch(epoch)) {
                        (Epoch::random().0, mark.sequence)
                    } else if age < lifetime {
                        *self.look_again.lock() = Instant::now() + (lifetime - age);
                        return Ok(Epoch(epoch));
                    } else {
                        (epoch, mark.sequence)
                    }
                }
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    (Epoch::random().0, 0)
                }
                Err(error) => return Err(unavailable(error)),
            };
            // Of several nodes, one makes it; the others read it.
            let message = PublishMessage::build()
                .payload(Bytes::copy_from_slice(&mark.to_be_bytes()))
                .expected_last_subject_sequence(expected);
            match self.store(subject.clone(), message).await {
                // Not read again: it would seem old by a clock that is ahead of
                // the server's.
                Ok(_) => {
                    *self.look_again.lock() = Instant::now() + lifetime;
                    return Ok(Epoch(mark));
                }
                Err(BusError::Failed(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
