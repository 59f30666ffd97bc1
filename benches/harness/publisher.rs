//! A publisher of the load client, and its messages on their way.
//!
//! Each payload says which publisher sent it and which of its messages it is,
//! so that an arrival is put down to the right one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Bytes of a message, where nothing else is said.
pub(crate) const PAYLOAD: usize = 128;

/// A socket that publishes.
pub(crate) struct Publisher {
    pub(crate) socket: usize,
    /// Bytes of each message.
    length: usize,
    /// When the next message is due at a fixed rate.
    pub(crate) due: Instant,
    /// The number of the next message.
    next: u32,
    /// Messages on their way; the first is number `next - flights.len()`.
    flights: VecDeque<Flight>,
    /// Those of `flights` that have not reached everybody.
    pending: u32,
}

struct Flight {
    sent: Instant,
    /// Members whom it has not reached.
    missing: usize,
}

/// One message at one member.
pub(crate) struct Arrival {
    pub(crate) latency: Duration,
    /// Whether that was the last member.
    pub(crate) everybody: bool,
}

impl Publisher {
    /// One that has sent nothing.
    pub(crate) fn new(socket: usize, length: usize) -> Self {
        Self {
            socket,
            length,
            due: Instant::now(),
            next: 0,
            flights: VecDeque::new(),
            pending: 0,
        }
    }

    /// Messages that have not reached everybody.
    pub(crate) fn pending(&self) -> u32 {
        self.pending
    }

    /// The payload of the next message, on its way to `missing` members.
    pub(crate) fn depart(&mut self, own: u32, sent: Instant, missing: usize) -> Vec<u8> {
        let payload = payload(own, self.next, self.length);
        self.next = (self.next + 1) & DIGITS_MASK;
        self.flights.push_back(Flight { sent, missing });
        self.pending += 1;
        payload
    }

    /// Message `number` has reached a member. `None` if nobody waits for it
    /// any more.
    pub(crate) fn arrived(&mut self, number: u32, now: Instant) -> Option<Arrival> {
        let behind = self.next.wrapping_sub(number) & DIGITS_MASK;
        let at = self.flights.len().checked_sub(behind as usize)?;
        let flight = self.flights.get_mut(at)?;
        let latency = now.saturating_duration_since(flight.sent);
        let everybody = flight.missing == 1;
        flight.missing = flight.missing.saturating_sub(1);
        if everybody {
            self.pending -= 1;
            while self.flights.front().is_some_and(|f| f.missing == 0) {
                self.flights.pop_front();
            }
        }
        Some(Arrival { latency, everybody })
    }

    /// Gives up on messages on their way for longer than `limit`; returns how
    /// many.
    pub(crate) fn write_off(&mut self, now: Instant, limit: Duration) -> u64 {
        let mut overdue = 0;
        while let Some(flight) = self.flights.front() {
            if flight.missing > 0 {
                if now.saturating_duration_since(flight.sent) < limit {
                    break;
                }
                overdue += 1;
                self.pending -= 1;
            }
            self.flights.pop_front();
        }
        overdue
    }

    /// Waits for none of its messages any more.
    pub(crate) fn forget(&mut self) {
        self.flights.clear();
        self.pending = 0;
    }
}

/// Numbers in a payload have five digits of five bits each.
const DIGITS: usize = 5;
const DIGITS_MASK: u32 = (1 << 25) - 1;

/// A text of `length` bytes: the publisher, the number, and filling.
fn payload(publisher: u32, number: u32, length: usize) -> Vec<u8> {
    let mut text = vec![b'.'; length.max(2 * DIGITS)];
    for (value, digits) in [publisher, number].into_iter().zip(text.chunks_mut(DIGITS)) {
        for (place, digit) in digits.iter_mut().enumerate() {
            // Five bits fit, and no digit has to be escaped in JSON.
            *digit = b'0' + u8::try_from(value >> (5 * place) & 31).unwrap_or_default();
        }
    }
    text
}

/// The publisher and the number in a payload; `None` if it isn't one of ours.
pub(crate) fn parse(text: &[u8]) -> Option<(usize, u32)> {
    if text.len() < 2 * DIGITS {
        return None;
    }
    let value = |digits: &[u8]| {
        digits.iter().rev().fold(0, |value, digit| {
            (value << 5) | u32::from(digit.wrapping_sub(b'0') & 31)
        })
    };
    let publisher = usize::try_from(value(&text[..DIGITS])).ok()?;
    Some((publisher, value(&text[DIGITS..2 * DIGITS])))
}
