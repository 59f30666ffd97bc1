//! Seats of `rooms.v1` that haven't been told everything: it is read from the
//! bus, and given out as fast as the client reads. The room goes on without
//! them, and takes them in again where they have got to.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use contract::{Envelope, Position, Recovery, RoomName};
use tokio::time::Instant;

use crate::ws::{
    hub::{Behind, Catching, Seat},
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
    /// Whether all that is known to be missed is, or was, in `pending`.
    read: bool,
    retry_at: Option<Instant>,
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
            read: false,
            retry_at: None,
        }
    }

    /// A seat that missed these messages since a place.
    pub(in crate::ws) fn with(
        seat: Arc<Seat>,
        since: Position,
        messages: Vec<Arc<Envelope>>,
    ) -> Self {
        Self {
            seat,
            missed: Behind { after: Some(since) },
            pending: messages.into(),
            read: true,
            retry_at: None,
        }
    }

    /// The seat, if it is behind once more.
    pub(super) fn again(self) -> Option<Self> {
        let missed = self.seat.behind()?;
        Some(Self::after(self.seat, missed))
    }

    pub(super) fn room(&self) -> &RoomName {
        self.seat.name()
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Tells the client what it will take now.
    pub(super) fn step(&mut self, outbox: &Outbox) -> Step {
        if let Some(at) = self.retry_at {
            if Instant::now() < at {
                return Step::Blocked;
            }
            self.retry_at = None;
        }
        if !self.pending.is_empty() {
            return self.give_out(outbox);
        }
        if !self.read {
            return self.fetch_when_read(outbox);
        }
        match self.missed.after.map(|place| self.seat.catch_up(place)) {
            Some(Catching::Behind) => self.fetch_when_read(outbox),
            Some(Catching::Up) | None => Step::Done,
        }
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
        }
        self.pending.drain(..chunk.len());
        if let Some(last) = chunk.last() {
            self.missed.after = last.position;
        }
        Step::More
    }

    /// Reads what was missed. If that isn't kept, the client is told so, and
    /// the seat goes on from where the room stands.
    pub(super) async fn fetch(&mut self, missed: Behind) {
        let history = match self.seat.history(missed.after).await {
            Ok(history) => history,
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
        self.read = true;
        if history.recovery == Recovery::Complete {
            self.pending = history.messages.into();
            return;
        }
        self.missed.after = None;
        self.seat.go_on(missed, history.position, |position| {
            let gap = event::Gap {
                room: self.seat.name(),
                position: event::position(position),
            };
            Some(Event::Gap(gap).frame())
        });
    }
}
