//! When a socket may be pinged, or closed for its peer's silence or haste.

use std::{collections::VecDeque, time::Duration};

use service::ws::session::SessionLimits;
use tokio::time::Instant;

/// The peer's signs of life.
#[derive(Debug)]
pub struct Signs {
    limits: SessionLimits,
    heard_at: Instant,
    pinged_at: Option<Instant>,
    /// Frames of the last second.
    frames: VecDeque<Instant>,
}

impl Signs {
    /// Of a peer that was there at `now`.
    pub fn new(limits: SessionLimits, now: Instant) -> Self {
        Self {
            limits,
            heard_at: now,
            pinged_at: None,
            frames: VecDeque::new(),
        }
    }

    /// The peer sent a frame.
    pub fn on_frame(&mut self, now: Instant) {
        self.heard_at = now;
        self.pinged_at = None;
        self.frames.push_back(now);
        let second = Duration::from_secs(1);
        while self.frames.front().is_some_and(|at| now - *at > second) {
            self.frames.pop_front();
        }
    }

    fn per_second(&self) -> usize {
        self.limits.messages_per_second.max(1) as usize
    }

    /// The frame was looked at.
    pub fn taken(&self) {
        // A second's worth that was saved up, and that of the second itself.
        assert!(self.frames.len() <= 2 * self.per_second() + 1, "{self:?}");
    }

    /// The socket is closed, because there were too many frames.
    pub fn too_many(&self) {
        assert!(self.frames.len() > self.per_second(), "{self:?}");
    }

    /// The peer is pinged.
    pub fn pinged(&mut self, now: Instant) {
        assert!(
            now - self.heard_at >= self.limits.heartbeat_interval,
            "{self:?}"
        );
        assert!(self.pinged_at.replace(now).is_none(), "{self:?}");
    }

    /// The socket is closed, because a ping was not answered.
    pub fn unanswered(&self, now: Instant) {
        let waited = self.pinged_at.map(|pinged_at| now - pinged_at);
        assert!(waited >= Some(self.limits.heartbeat_timeout), "{self:?}");
    }
}
