//! What a socket's peer may do and when the service acts by itself: decisions
//! without sockets or clocks, so that each can be tested by itself.

use std::time::Duration;

use bytes::Bytes;
use contract::Kind;
use tokio::time::Instant;

use super::close::Close;
use crate::accounts::tokens::Grant;

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

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Say this in the room.
    Publish {
        /// Text or binary.
        kind: Kind,
        /// The payload.
        data: Bytes,
    },
    /// Send a ping.
    Ping,
    /// Close the socket.
    Close(Close),
}

/// A frame of the peer's.
#[derive(Debug)]
pub enum Frame {
    /// A whole message.
    Message {
        /// Text or binary.
        kind: Kind,
        /// The payload.
        data: Bytes,
    },
    /// A ping or pong.
    Control,
}

/// A socket's session in raw mode.
#[derive(Debug)]
pub struct Session {
    limits: SessionLimits,
    grant: Grant,
    expires: Instant,
    ping_at: Instant,
    answer_by: Option<Instant>,
    /// GCRA: when the peer's allowance would be whole again.
    allowance_at: Instant,
}

impl Session {
    /// A session that may last until `expires`.
    #[must_use]
    pub fn new(limits: SessionLimits, grant: Grant, expires: Instant, now: Instant) -> Self {
        Self {
            limits,
            grant,
            expires,
            ping_at: now + limits.heartbeat_interval,
            answer_by: None,
            allowance_at: now,
        }
    }

    /// The peer sent a frame.
    pub fn on_frame(&mut self, frame: Frame, now: Instant) -> Action {
        // Whatever it is, the peer is alive.
        self.answer_by = None;
        self.ping_at = now + self.limits.heartbeat_interval;
        if now >= self.expires {
            return Action::Close(Close::TokenExpired);
        }
        if !self.within_rate(now) {
            return Action::Close(Close::TooFast);
        }
        match (frame, self.grant) {
            (Frame::Control, _) => Action::Nothing,
            (Frame::Message { kind, data }, Grant::ReadWrite) => Action::Publish { kind, data },
            (Frame::Message { .. }, Grant::Read) => Action::Close(Close::NotPermitted),
        }
    }

    /// Time has passed: to be called at [`Self::deadline`].
    pub fn on_time(&mut self, now: Instant) -> Action {
        if now >= self.expires {
            return Action::Close(Close::TokenExpired);
        }
        if self.answer_by.is_some_and(|by| now >= by) {
            return Action::Close(Close::TooSlow);
        }
        if self.answer_by.is_none() && now >= self.ping_at {
            self.answer_by = Some(now + self.limits.heartbeat_timeout);
            return Action::Ping;
        }
        Action::Nothing
    }

    /// When [`Self::on_time`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.answer_by.unwrap_or(self.ping_at).min(self.expires)
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SessionLimits = SessionLimits {
        messages_per_second: 10,
        heartbeat_interval: Duration::from_secs(25),
        heartbeat_timeout: Duration::from_secs(8),
    };

    fn session(grant: Grant) -> (Session, Instant) {
        let now = Instant::now();
        (
            Session::new(LIMITS, grant, now + Duration::from_secs(600), now),
            now,
        )
    }

    fn message() -> Frame {
        Frame::Message {
            kind: Kind::Text,
            data: Bytes::from_static(b"hi"),
        }
    }

    #[test]
    fn who_may_speak_is_heard_and_who_may_only_hear_is_closed() {
        let (mut session, now) = session(Grant::ReadWrite);
        let heard = Action::Publish {
            kind: Kind::Text,
            data: Bytes::from_static(b"hi"),
        };
        assert_eq!(session.on_frame(message(), now), heard);
        let (mut session, now) = self::session(Grant::Read);
        assert_eq!(session.on_frame(Frame::Control, now), Action::Nothing);
        assert_eq!(
            session.on_frame(message(), now),
            Action::Close(Close::NotPermitted)
        );
    }

    #[test]
    fn a_second_of_messages_may_come_at_once_and_no_more() {
        let (mut session, now) = session(Grant::ReadWrite);
        for _ in 0..10 {
            assert!(matches!(
                session.on_frame(message(), now),
                Action::Publish { .. }
            ));
        }
        assert_eq!(
            session.on_frame(message(), now),
            Action::Close(Close::TooFast)
        );
        let later = now + Duration::from_millis(100);
        assert!(matches!(
            session.on_frame(message(), later),
            Action::Publish { .. }
        ));
        assert_eq!(
            session.on_frame(Frame::Control, later),
            Action::Close(Close::TooFast)
        );
    }

    #[test]
    fn silence_is_pinged_and_no_answer_ends_it() {
        let (mut session, now) = session(Grant::ReadWrite);
        let ping_at = now + Duration::from_secs(25);
        assert_eq!(session.deadline(), ping_at);
        assert_eq!(session.on_time(now), Action::Nothing);
        assert_eq!(session.on_time(ping_at), Action::Ping);
        let answer_by = ping_at + Duration::from_secs(8);
        assert_eq!(session.deadline(), answer_by);
        assert_eq!(
            session.on_time(ping_at + Duration::from_secs(1)),
            Action::Nothing
        );
        assert_eq!(session.on_time(answer_by), Action::Close(Close::TooSlow));
    }

    #[test]
    fn any_frame_is_an_answer() {
        let (mut session, now) = session(Grant::ReadWrite);
        let ping_at = now + Duration::from_secs(25);
        assert_eq!(session.on_time(ping_at), Action::Ping);
        let answered = ping_at + Duration::from_secs(7);
        session.on_frame(Frame::Control, answered);
        assert_eq!(
            session.on_time(ping_at + Duration::from_secs(8)),
            Action::Nothing
        );
        assert_eq!(session.deadline(), answered + Duration::from_secs(25));
    }

    #[test]
    fn the_token_ends_the_session_whatever_happens() {
        let (mut session, now) = session(Grant::ReadWrite);
        let end = now + Duration::from_secs(600);
        assert_eq!(session.on_time(end), Action::Close(Close::TokenExpired));
        assert_eq!(
            session.on_frame(message(), end),
            Action::Close(Close::TokenExpired)
        );
    }
}
