//! Reading a room's messages from the stream, several at once.
//!
//! One by one and not by a consumer, which the cluster's leader would have to
//! make: when that is the server which died, there is none for seconds, while
//! the stream goes on and runs out of what it keeps.
//!
//! Which numbers are the room's is not known beforehand: the server is asked
//! for the next one from some number on. So what is still unread is split, and
//! each half asked about, as long as there are fewer questions under way than
//! there may be.

use std::collections::BTreeMap;

use async_nats::jetstream::{
    message::StreamMessage,
    stream::{LastRawMessageErrorKind, RawMessageErrorKind},
};
use contract::{BusError, Message};
use futures_util::{StreamExt, stream::FuturesUnordered};

use super::{Archive, unavailable};
use crate::envelope;

/// Questions of one room that are under way at once.
const AT_ONCE: usize = 16;

/// What their answers may come to, if they are like those before: one waits for
/// the others on the way, and each has to come within the time of a request.
const BYTES_AT_ONCE: usize = 128 * 1024;

/// A kept message and its number; `None` if this version can't read it.
pub(super) type Kept = (u64, Option<Message>);

/// The numbers from `from` to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: u64,
    end: u64,
}

/// What is still unread, and not asked about.
struct Unread(Vec<Span>);

impl Unread {
    fn put(&mut self, span: Span) {
        if span.from < span.end {
            self.0.push(span);
        }
    }

    /// What to ask about next, if `more` questions may be.
    fn take(&mut self, more: usize) -> Option<Span> {
        let longest = |(_, span): &(usize, &Span)| span.end - span.from;
        let (i, _) = self.0.iter().enumerate().max_by_key(longest)?;
        let span = self.0.swap_remove(i);
        if self.0.len() + 1 >= more {
            return Some(span);
        }
        let middle = span.from + (span.end - span.from).div_ceil(2);
        let (first, second) = (
            Span {
                end: middle,
                ..span
            },
            Span {
                from: middle,
                ..span
            },
        );
        self.put(second);
        Some(first)
    }
}

/// How many questions may be under way after so many messages were found, of
/// which the largest was so large.
fn at_once(found: usize, largest: usize) -> usize {
    // Not more than were found already, and one: most have missed little.
    AT_ONCE
        .min(found + 1)
        .min(BYTES_AT_ONCE / largest.max(1))
        .max(1)
}

impl Archive {
    /// The kept messages of a room with numbers from `from` to `to`, in order.
    /// One that is dropped meanwhile may be missing among them.
    pub(super) async fn read(
        &self,
        subject: &str,
        from: u64,
        to: u64,
    ) -> Result<Vec<Kept>, BusError> {
        let mut kept = BTreeMap::new();
        let mut unread = Unread(Vec::new());
        unread.put(Span {
            from: from.max(1),
            end: to.saturating_add(1),
        });
        let mut asked = FuturesUnordered::new();
        let mut largest = 0;
        loop {
            let at_once = at_once(kept.len(), largest);
            while asked.len() < at_once
                && let Some(span) = unread.take(at_once - asked.len())
            {
                let next = self.next_of(subject, span.from);
                asked.push(async move { (span, next.await) });
            }
            let Some((span, found)) = asked.next().await else {
                break;
            };
            let Some(found) = found?.filter(|found| found.sequence < span.end) else {
                continue;
            };
            let seq = found.sequence;
            largest = largest.max(found.payload.len());
            let message = envelope::decode(found.payload).inspect_err(|error| {
                tracing::warn!(subject, seq, %error, "something else than a message is kept");
            });
            kept.insert(seq, message.ok());
            unread.put(Span {
                from: seq + 1,
                ..span
            });
        }
        Ok(kept.into_iter().collect())
    }

    /// The first message of a room from that number on.
    pub(super) async fn next_of(
        &self,
        subject: &str,
        from: u64,
    ) -> Result<Option<StreamMessage>, BusError> {
        let found = self
            .stream
            .raw_message_builder()
            .sequence(from)
            .next_by_subject(subject)
            .send()
            .await;
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The number of the last message of a room.
    pub(super) async fn last_of(&self, subject: &str) -> Result<Option<u64>, BusError> {
        match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(last) => Ok(Some(last.sequence)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers questions about a stream in which the room's messages have
    /// these numbers; returns what was found, how many questions it took, and
    /// how often they had to be waited for.
    fn read(room: &[u64], from: u64, to: u64) -> (Vec<u64>, usize, usize) {
        let (mut kept, mut questions, mut rounds) = (Vec::new(), 0, 0);
        let mut unread = Unread(Vec::new());
        unread.put(Span { from, end: to + 1 });
        loop {
            let at_once = at_once(kept.len(), 0);
            let mut asked = Vec::new();
            while asked.len() < at_once
                && let Some(span) = unread.take(at_once - asked.len())
            {
                asked.push(span);
            }
            if asked.is_empty() {
                kept.sort_unstable();
                return (kept, questions, rounds);
            }
            rounds += 1;
            questions += asked.len();
            for span in asked {
                let found = room.iter().copied().find(|seq| *seq >= span.from);
                if let Some(seq) = found.filter(|seq| *seq < span.end) {
                    kept.push(seq);
                    unread.put(Span {
                        from: seq + 1,
                        ..span
                    });
                }
            }
        }
    }

    #[test]
    fn large_messages_are_not_asked_for_all_at_once() {
        assert_eq!(
            [0, 1, 5, 15, 99].map(|n| at_once(n, 128)),
            [1, 2, 6, 16, 16]
        );
        let sizes = [8 * 1024, 64 * 1024, 1024 * 1024];
        assert_eq!(sizes.map(|size| at_once(99, size)), [16, 2, 1]);
    }

    #[test]
    fn everything_is_found_once_in_few_rounds_wherever_it_lies() {
        let spread: Vec<u64> = (1..=100).map(|i| 1000 * i).collect();
        let together: Vec<u64> = (500_000..500_100).collect();
        let at_the_end: Vec<u64> = [1].into_iter().chain(999_901..1_000_000).collect();
        for room in [spread, together, at_the_end] {
            let (first, last) = (room[0], room[99]);
            let (kept, questions, rounds) = read(&room, 1, last);
            assert_eq!(kept, room);
            assert!(rounds <= 40, "{rounds} rounds");
            assert!(questions <= 400, "{questions} questions");
            assert_eq!(read(&room, first + 1, last - 1).0, room[1..99]);
        }
        // Whoever missed little asks for little.
        assert_eq!(read(&[7], 3, 7), (vec![7], 1, 1));
        assert_eq!(read(&[7, 9], 8, 8), (vec![], 1, 1));
        assert_eq!(read(&[], 1, 0), (vec![], 0, 0));
    }
}
