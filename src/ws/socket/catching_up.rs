//! Seats of `rooms.v1` that haven't been told everything: it is read from the
//! bus, and given out as fast as the client reads. The room goes on without
//! them, and takes them in again where they have got to.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use contract::{BusError, Envelope, Position, Recovery, RoomName};
use tokio::time::Instant;

use crate::ws::{
    hub::{Behind, Catching, Losses, Reading, Seat},
    outbox::Outbox,
    rooms_v1::event::{self, Event},
    wire::{Encoder, Format},
};

/// Messages and bytes that are given out at once.
const CHUNK_MESSAGES: usize = 32;
const CHUNK_BYTES: usize = 64 * 1024;

/// How long to wait for a bus that can't say what was missed.
const RETRY: Duration = Duration::from_secs(1);

/// A seat that is being told what it missed.
pub(in crate::ws) struct CatchingUp {
    seat: Arc<Seat>,
    /// It was told everything up to here.
    missed: Behind,
    /// What is to be told, in order.
    pending: VecDeque<Arc<Envelope>>,
    /// What was read last.
    read: Option<Read>,
    retry_at: Option<Instant>,
}

/// What was read of the room: it is, or was, in `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Read {
    /// Nothing else was said up to here.
    up_to: Option<Position>,
    losses: Losses,
}

/// What a step has come to.
pub(super) enum Step {
    /// The seat is live.
    Done,
    /// The client reads too slowly to be told more, or the bus must be waited
    /// for.
    Blocked,
    /// There is more to tell.
    More,
    /// What was said since must be read from the bus.
    Fetch(Behind),
}

impl CatchingUp {
    /// A seat that missed something, nobody knows what yet.
    pub(super) fn after(seat: Arc<Seat>, missed: Behind) -> Self {
        Self {
            seat,
            missed,
            pending: VecDeque::new(),
            read: None,
            retry_at: None,
        }
    }

    /// A seat that missed what was read since a place.
    pub(in crate::ws) fn with(seat: Arc<Seat>, since: Position, reading: Reading) -> Self {
        let mut new = Self::after(seat, Behind { after: Some(since) });
        new.take(reading);
        new
    }

    fn take(&mut self, reading: Reading) {
        self.read = Some(Read {
            up_to: reading.history.position,
            losses: reading.losses,
        });
        self.pending = reading.history.messages.into();
    }

    /// The seat, if it is behind once more.
    pub(super) fn again(self) -> Option<Self> {
        let missed = self.seat.behind()?;
        Some(Self::after(self.seat, missed))
    }

    /// Whether it keeps what is to be told.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Gives up what was read; it is read again when its turn comes.
    pub(super) fn put_off(&mut self) {
        if self.has_pending() {
            self.pending = VecDeque::new();
            self.read = None;
        }
    }

    pub(super) fn room(&self) -> &RoomName {
        self.seat.name()
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Tells the client what it will take now.
    pub(super) fn step(&mut self, outbox: &Outbox) -> Step {
        if self.retry_at.is_some() {
            return Step::Blocked;
        }
        if !self.pending.is_empty() {
            return self.give_out(outbox);
        }
        let Some(read) = self.read else {
            return self.fetch_when_read(outbox);
        };
        let Some(told) = self.missed.after else {
            return Step::Done;
        };
        // Numbers may be left out after the last message.
        let place = match read.up_to {
            Some(up_to) if up_to.epoch == told.epoch && up_to.seq > told.seq => up_to,
            _ => told,
        };
        self.missed.after = Some(place);
        match self.seat.catch_up(place, read.losses) {
            Catching::Up => Step::Done,
            Catching::Behind => self.fetch_when_read(outbox),
        }
    }

    /// The time has come to try again, perhaps.
    pub(super) fn on_time(&mut self, now: Instant) {
        self.retry_at.take_if(|at| now >= *at);
    }

    /// A client that reads slowly has enough to read already, and would soon
    /// be behind again.
    fn fetch_when_read(&self, outbox: &Outbox) -> Step {
        if outbox.is_half_empty() {
            Step::Fetch(self.missed)
        } else {
            Step::Blocked
        }
    }

    fn give_out(&mut self, outbox: &Outbox) -> Step {
        if !outbox.is_half_empty() {
            return Step::Blocked;
        }
        let mut bytes = 0;
        let fitting = self.pending.iter().take(CHUNK_MESSAGES).take_while(|next| {
            let fits = bytes < CHUNK_BYTES;
            bytes += next.message.data.len();
            fits
        });
        let chunk: Vec<_> = fitting.cloned().collect();
        let audible: Vec<_> = chunk
            .iter()
            .filter(|envelope| self.seat.hears(envelope))
            .cloned()
            .collect();
        if !audible.is_empty() {
            let batch = Encoder::new(Format::RoomsV1).encode(self.seat.name(), &audible);
            if !outbox.offer(&batch) {
                return Step::Blocked;
            }
            self.seat.count_delivered(&batch);
        }
        self.pending.drain(..chunk.len());
        if let Some(last) = chunk.last() {
            self.missed.after = last.position;
        }
        Step::More
    }

    /// Reads what was missed; [`Self::on_fetched`] wants to know what came of
    /// it.
    pub(super) async fn fetch(&self, missed: Behind) -> Result<Reading, BusError> {
        self.seat.read(missed.after).await
    }

    /// What was missed is told next. If that isn't kept, the client is told so,
    /// and the seat goes on from where the room stands.
    pub(super) fn on_fetched(&mut self, missed: Behind, fetched: Result<Reading, BusError>) {
        let reading = match fetched {
            Ok(reading) => reading,
            Err(error) => {
                tracing::warn!(
                    room = %self.seat.name(),
                    error = &error as &dyn std::error::Error,
                    "what a socket missed can't be read; trying again"
                );
                self.retry_at = Some(Instant::now() + RETRY);
                return;
            }
        };
        if reading.history.recovery == Recovery::Complete {
            let before = self.read.map(|read| read.losses);
            if reading.history.messages.is_empty() && before == Some(reading.losses) {
                // The hub and the bus don't agree, which must end by itself.
                self.retry_at = Some(Instant::now() + RETRY);
            }
            self.take(reading);
            return;
        }
        self.read = Some(Read {
            up_to: None,
            losses: reading.losses,
        });
        self.missed.after = None;
        self.seat.count_gap();
        self.seat.go_on(missed, &reading, |position| {
            let gap = event::Gap {
                room: self.seat.name(),
                position: event::position(position),
            };
            Some(Event::Gap(gap).frame())
        });
    }
}
