//! The rooms that a session sits in, what it may do there, and until when.

use std::{collections::HashMap, time::Duration};

use contract::{RoomName, Timestamp};
use tokio::time::Instant;

use crate::accounts::tokens::Grant;

/// How long before a token's end the client is told.
pub const LEAD: Duration = Duration::from_secs(60);

/// The end of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// By the clock that timers run on.
    pub at: Instant,
    /// By the calendar.
    pub expires_at: Timestamp,
}

/// The time until an end, and whether the client has been told of it.
#[derive(Debug)]
pub struct Term {
    end: End,
    warn_at: Option<Instant>,
}

/// What has come of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The client is to be told.
    Warn(End),
    /// It is over.
    Over,
}

impl Term {
    /// Until `end`.
    #[must_use]
    pub fn new(end: End, now: Instant) -> Self {
        let left = end.at.saturating_duration_since(now);
        // A client that has less than that asks for its tokens more often.
        let lead = LEAD.min(left / 4);
        Self {
            end,
            warn_at: end.at.checked_sub(lead),
        }
    }

    /// Its end.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// Lasts until `end` from now on, if that is later.
    pub fn extend(&mut self, end: End, now: Instant) {
        if end.at > self.end.at {
            *self = Self::new(end, now);
        }
    }

    /// What has come of it, once each.
    pub fn on_time(&mut self, now: Instant) -> Option<Due> {
        if now >= self.end.at {
            return Some(Due::Over);
        }
        self.warn_at.take_if(|at| now >= *at)?;
        Some(Due::Warn(self.end))
    }

    /// When [`Self::on_time`] has something to say.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.warn_at.unwrap_or(self.end.at)
    }
}

/// A seat, as the session knows it.
#[derive(Debug)]
pub struct Held {
    /// What the client may do.
    pub grant: Grant,
    /// Whether the room tells who is there.
    pub presence: bool,
    /// Until when.
    pub term: Term,
}

/// The seats of a session.
#[derive(Debug, Default)]
pub struct Seats {
    of: HashMap<RoomName, Held>,
    /// The earliest deadline of them all.
    deadline: Option<Instant>,
}

impl Seats {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The seat in a room.
    #[must_use]
    pub fn get(&self, room: &RoomName) -> Option<&Held> {
        self.of.get(room)
    }

    /// Takes a seat.
    pub fn insert(&mut self, room: RoomName, held: Held) {
        self.of.insert(room, held);
        self.look();
    }

    /// Gives a seat up; returns whether there was one.
    pub fn remove(&mut self, room: &RoomName) -> bool {
        let removed = self.of.remove(room).is_some();
        self.look();
        removed
    }

    /// Changes what the client may do; returns whether that is news.
    pub fn set_grant(&mut self, room: &RoomName, grant: Grant) -> bool {
        match self.of.get_mut(room) {
            Some(held) => std::mem::replace(&mut held.grant, grant) != grant,
            None => false,
        }
    }

    /// A token for a room that one sits in; returns the seat as it is now.
    pub fn renew(&mut self, room: &RoomName, held: Held) -> Option<&Held> {
        let seat = self.of.get_mut(room)?;
        // The newer token counts, whatever the older one said.
        *seat = held;
        self.look();
        self.of.get(room)
    }

    /// What has come of one of them, if anything has.
    pub fn on_time(&mut self, now: Instant) -> Option<(RoomName, Due)> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return None;
        }
        let due = self
            .of
            .iter_mut()
            .find_map(|(room, held)| Some((room.clone(), held.term.on_time(now)?)));
        if let Some((room, Due::Over)) = &due {
            self.of.remove(room);
        }
        self.look();
        due
    }

    /// When [`Self::on_time`] has something to say.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn look(&mut self) {
        self.deadline = self.of.values().map(|held| held.term.deadline()).min();
    }
}
