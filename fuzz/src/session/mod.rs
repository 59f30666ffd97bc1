//! The sessions of sockets: frames, time and what came of actions, in any
//! order that a real socket could bring them in.
//!
//! | file | what it holds |
//! |---|---|
//! | [`rooms_v1`] | a socket that speaks `rooms.v1` |
//! | [`client`] | what its client knows from what it was told |
//! | [`commands`] | what its client says |
//! | [`outcomes`] | what comes of its session's actions |
//! | [`raw`] | a socket in raw mode |
//! | [`signs`] | when a socket may be pinged, or closed for its peer's pace |

pub mod client;
pub mod commands;
pub mod outcomes;
pub mod raw;
pub mod rooms_v1;
pub mod signs;

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use contract::Timestamp;
use service::ws::{rooms_v1::seats::End, session::SessionLimits};
use tokio::time::Instant;

/// One socket's life.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    // An input that ends early is a life that does.
    let _ = match input.arbitrary() {
        Ok(true) => raw::live(&mut input),
        _ => rooms_v1::live(&mut input),
    };
}

/// A clock that goes when it is told to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    /// By the clock that timers run on.
    pub now: Instant,
}

impl Clock {
    fn start() -> Self {
        let now = Instant::now();
        Self { began: now, now }
    }

    /// The end of something that lasts so long from now on.
    ///
    /// # Panics
    /// In some hundred years.
    pub fn end_in(&self, left: Duration) -> End {
        let at = self.now + left;
        let since = i64::try_from((at - self.began).as_millis()).unwrap();
        End {
            at,
            expires_at: Timestamp::from_millisecond(since).unwrap(),
        }
    }

    /// The time by the calendar.
    pub fn today(&self) -> Timestamp {
        self.end_in(Duration::ZERO).expires_at
    }
}

/// How long until something else happens.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Wait {
    /// Milliseconds.
    Short(u8),
    /// Seconds.
    Long(u16),
    /// Until the session wants to do something by itself.
    Deadline,
    /// Not quite so long.
    AlmostDeadline,
}

impl Wait {
    /// When it is over.
    pub fn after(self, now: Instant, deadline: Instant) -> Instant {
        match self {
            Self::Short(millis) => now + Duration::from_millis(millis.into()),
            Self::Long(seconds) => now + Duration::from_secs(seconds.into()),
            Self::Deadline => deadline.max(now),
            Self::AlmostDeadline => (deadline - Duration::from_millis(1)).max(now),
        }
    }
}

/// Limits of a socket, narrow ones too.
fn limits(input: &mut Unstructured<'_>) -> arbitrary::Result<SessionLimits> {
    Ok(SessionLimits {
        messages_per_second: *input.choose(&[100, 10, 1, 0])?,
        heartbeat_interval: Duration::from_secs(*input.choose(&[25, 1, 3600])?),
        heartbeat_timeout: Duration::from_secs(*input.choose(&[8, 1, 60])?),
    })
}
