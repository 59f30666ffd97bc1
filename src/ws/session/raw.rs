//! A socket in raw mode: a message is said, and nothing else.

use std::sync::Arc;

use bytes::Bytes;
use contract::Kind;
use tokio::time::Instant;

use super::{Beat, Frame, Pulse, SessionLimits};
use crate::{
    accounts::tokens::{AccessToken, ExtraClaims, Grant},
    ws::close::Close,
};

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

/// A socket's session in raw mode.
#[derive(Debug)]
pub struct Session {
    grant: Grant,
    claims: ExtraClaims,
    expires: Instant,
    pulse: Pulse,
}

impl Session {
    /// A session of the bearer of `token`, which may last until `expires`.
    #[must_use]
    pub fn new(
        token: &AccessToken,
        limits: impl Into<Arc<SessionLimits>>,
        expires: Instant,
        now: Instant,
    ) -> Self {
        Self {
            grant: token.grant,
            claims: token.claims.clone(),
            expires,
            pulse: Pulse::new(limits.into(), now),
        }
    }

    /// The claims of one's own, as the socket's token has them.
    #[must_use]
    pub fn claims(&self) -> &ExtraClaims {
        &self.claims
    }

    /// The peer sent a frame.
    pub fn on_frame(&mut self, frame: Frame, now: Instant) -> Action {
        let within_rate = self.pulse.on_frame(now);
        if now >= self.expires {
            return Action::Close(Close::TokenExpired);
        }
        if !within_rate {
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
        match self.pulse.on_time(now) {
            Some(Beat::Ping) => Action::Ping,
            Some(Beat::Unanswered) => Action::Close(Close::TooSlow),
            None => Action::Nothing,
        }
    }

    /// When [`Self::on_time`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.pulse.deadline().min(self.expires)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::{RoomName, SessionId, Timestamp, UserId};

    use super::*;

    const LIMITS: SessionLimits = SessionLimits {
        messages_per_second: 10,
        heartbeat_interval: Duration::from_secs(25),
        heartbeat_timeout: Duration::from_secs(8),
    };

    fn session(grant: Grant) -> (Session, Instant) {
        let now = Instant::now();
        let token = AccessToken {
            user: UserId::random(),
            session: SessionId::random(),
            room: RoomName::parse("lobby").unwrap(),
            grant,
            presence: false,
            expires_at: Timestamp::UNIX_EPOCH,
            claims: ExtraClaims::default(),
        };
        (
            Session::new(&token, LIMITS, now + Duration::from_secs(600), now),
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
