//! Whether the peer is there, and sends no faster than it may.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

/// The limits of a socket.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Frames that a peer may send a second, on average; as many at once.
    pub messages_per_second: u32,
    /// Silence after which the peer is pinged.
    pub heartbeat_interval: Duration,
    /// Time that it has to answer.
    pub heartbeat_timeout: Duration,
}

/// What time has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// The peer is to be pinged.
    Ping,
    /// The peer didn't answer.
    Unanswered,
}

/// The signs of life of a peer.
#[derive(Debug)]
pub struct Pulse {
    /// Those of all sockets.
    limits: Arc<SessionLimits>,
    ping_at: Instant,
    answer_by: Option<Instant>,
    /// GCRA: when the peer's allowance would be whole again.
    allowance_at: Instant,
}

impl Pulse {
    /// Of a peer that was there at `now`.
    #[must_use]
    pub fn new(limits: Arc<SessionLimits>, now: Instant) -> Self {
        Self {
            ping_at: now + limits.heartbeat_interval,
            limits,
            answer_by: None,
            allowance_at: now,
        }
    }

    /// The peer sent a frame. Returns whether it may send so many.
    #[must_use]
    pub fn on_frame(&mut self, now: Instant) -> bool {
        // Whatever it is, the peer is alive.
        self.answer_by = None;
        self.ping_at = now + self.limits.heartbeat_interval;
        self.within_rate(now)
    }

    /// Time has passed: to be called at [`Self::deadline`].
    pub fn on_time(&mut self, now: Instant) -> Option<Beat> {
        if self.answer_by.is_some_and(|by| now >= by) {
            return Some(Beat::Unanswered);
        }
        if self.answer_by.is_none() && now >= self.ping_at {
            self.answer_by = Some(now + self.limits.heartbeat_timeout);
            return Some(Beat::Ping);
        }
        None
    }

    /// When [`Self::on_time`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.answer_by.unwrap_or(self.ping_at)
    }

    fn within_rate(&mut self, now: Instant) -> bool {
        let per_second = self.limits.messages_per_second.max(1);
        let cost = Duration::from_secs(1) / per_second;
        let at = self.allowance_at.max(now) + cost;
        // A second's worth may come at once.
        if at > now + Duration::from_secs(1) {
            return false;
        }
        self.allowance_at = at;
        true
    }
}
