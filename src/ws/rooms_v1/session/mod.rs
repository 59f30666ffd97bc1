//! What a client of `rooms.v1` may do, and when the service acts by itself:
//! bytes in, actions out, without sockets, tokens' keys or clocks.

mod action;

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use contract::{Kind, Position, RoomName, SessionId, UserId};
use tokio::time::Instant;

use self::action::Purpose;
pub use self::action::{Action, NoSeat, Publish, Take, Verify};
use super::{
    MAX_ERRORS_IN_A_ROW, MAX_ROOMS, SUBPROTOCOL,
    command::{self, Command, Named, Refused},
    event::{self, Ack, ErrorCode, Event},
    seats::{Due, End, Held, Seats, Term},
};
use crate::{
    accounts::tokens::{AccessToken, ExtraClaims, Grant},
    rooms::message::{from_json, message_key},
    ws::{
        close::Close,
        session::{Beat, Frame, Pulse, SessionLimits},
    },
};

/// A socket's session in `rooms.v1`.
#[derive(Debug)]
pub struct Session {
    user: UserId,
    id: SessionId,
    claims: ExtraClaims,
    term: Term,
    seats: Seats,
    pulse: Pulse,
    errors: u32,
}

impl Session {
    /// A session of the bearer of `token`, which ends at `end`, with a seat in
    /// the token's room.
    #[must_use]
    pub fn new(
        token: &AccessToken,
        end: End,
        limits: impl Into<Arc<SessionLimits>>,
        now: Instant,
    ) -> Self {
        let mut session = Self {
            user: token.user,
            id: token.session,
            claims: token.claims.clone(),
            term: Term::new(end, now),
            seats: Seats::default(),
            pulse: Pulse::new(limits.into(), now),
            errors: 0,
        };
        session
            .seats
            .insert(token.room.clone(), held(token, end, now));
        session
    }

    /// The claims of one's own, as the latest token has them that was presented:
    /// the one that the socket was opened with, or that of an `auth` or a `join`.
    #[must_use]
    pub fn claims(&self) -> &ExtraClaims {
        &self.claims
    }

    /// The rooms that it sits in.
    #[must_use]
    pub fn seats(&self) -> &Seats {
        &self.seats
    }

    /// The peer sent a frame.
    pub fn on_frame(&mut self, frame: Frame, now: Instant) -> Action {
        let within_rate = self.pulse.on_frame(now);
        if now >= self.term.end().at {
            return Action::Close(Close::TokenExpired);
        }
        if !within_rate {
            return Action::Close(Close::TooFast);
        }
        match frame {
            Frame::Control => Action::Nothing,
            Frame::Message {
                kind: Kind::Text | Kind::Json,
                data,
            } => self.on_text(&data),
            Frame::Message { .. } => {
                let detail = format!("{SUBPROTOCOL} is spoken in text frames");
                self.refuse(None, None, ErrorCode::Malformed, detail)
            }
        }
    }

    fn on_text(&mut self, text: &[u8]) -> Action {
        let Named { id, command } = command::read(text);
        let id = id.map(Cow::into_owned);
        match command {
            Err(Refused { code, detail }) => self.refuse(id, None, code, detail),
            Ok(Command::Publish(publish)) => self.publish(id, publish),
            Ok(Command::Join(join)) => Action::Verify(Verify {
                id,
                token: join.token.into_owned(),
                purpose: Purpose::Join {
                    since: join.since.map(|since| since.0),
                },
            }),
            Ok(Command::Auth(auth)) => Action::Verify(Verify {
                id,
                token: auth.token.into_owned(),
                purpose: Purpose::Auth,
            }),
            Ok(Command::Leave(leave)) => {
                if !self.seats.remove(&leave.room) {
                    return self.not_joined(id, &leave.room);
                }
                self.errors = 0;
                let ack = Ack {
                    id: id.map(Cow::Owned),
                    room: Some(&leave.room),
                    ..Ack::default()
                };
                let frame = Event::Ack(ack).frame();
                Action::Leave(leave.room, frame)
            }
            Ok(Command::Presence(presence)) => match self.seats.get(&presence.room) {
                None => self.not_joined(id, &presence.room),
                Some(held) if !held.presence => {
                    let detail = "this room does not tell who is there";
                    self.refuse(id, Some(&presence.room), ErrorCode::PresenceOff, detail)
                }
                Some(_) => {
                    self.errors = 0;
                    Action::Presence(presence.room, id)
                }
            },
            Ok(Command::Ping(_)) => self.ack(Ack {
                id: id.map(Cow::Owned),
                ..Ack::default()
            }),
        }
    }

    fn publish(&mut self, id: Option<String>, publish: command::Publish<'_>) -> Action {
        let room = publish.room;
        match self.seats.get(&room).map(|held| held.grant) {
            None => return self.not_joined(id, &room),
            Some(Grant::Read) => {
                let detail = "the seat in this room only hears";
                return self.refuse(id, Some(&room), ErrorCode::NotPermitted, detail);
            }
            Some(Grant::ReadWrite) => {}
        }
        match from_json(publish.data, publish.encoding) {
            Err(error) => self.refuse(id, Some(&room), ErrorCode::Malformed, error.to_string()),
            Ok((kind, data)) => Action::Publish(Publish {
                id,
                key: publish
                    .key
                    .map(|key| message_key("ws:", self.user, &room, &key)),
                room,
                kind,
                data,
            }),
        }
    }

    /// What came of an [`Action::Publish`]: the message's place, if the bus has
    /// taken it.
    pub fn published(
        &mut self,
        id: Option<String>,
        room: &RoomName,
        published: Option<Option<Position>>,
    ) -> Action {
        match published {
            Some(position) => self.ack(Ack {
                id: id.map(Cow::Owned),
                room: Some(room),
                seq: position.map(|position| position.seq),
                ..Ack::default()
            }),
            None => {
                let detail = "perhaps nobody has heard the message; try again later";
                self.refuse(id, Some(room), ErrorCode::NotDelivered, detail)
            }
        }
    }

    /// What came of an [`Action::Verify`]: the token and its end, if it is
    /// valid.
    pub fn verified(
        &mut self,
        verify: Verify,
        verified: Option<(AccessToken, End)>,
        now: Instant,
    ) -> Action {
        let Verify { id, purpose, .. } = verify;
        let Some((token, end)) = verified else {
            let detail = "the token is not valid, or opens nothing any more";
            return self.refuse(id, None, ErrorCode::TokenRefused, detail);
        };
        if (token.user, token.session) != (self.user, self.id) {
            let detail = "the token is of another user or session";
            return self.refuse(id, None, ErrorCode::OtherSession, detail);
        }
        self.claims = token.claims.clone();
        let seat = self.seats.renew(&token.room, held(&token, end, now));
        let seat = seat.map(|held| seat_event(&token.room, held));
        match purpose {
            Purpose::Auth => {
                self.term.extend(end, now);
                self.ack(Ack {
                    id: id.map(Cow::Owned),
                    expires_at: Some(self.term.end().expires_at),
                    ..Ack::default()
                })
            }
            Purpose::Join { .. } if seat.is_some() => {
                self.term.extend(end, now);
                self.ack(Ack {
                    id: id.map(Cow::Owned),
                    seat,
                    ..Ack::default()
                })
            }
            Purpose::Join { .. } if self.seats.len() >= MAX_ROOMS => {
                let detail = "the socket sits in as many rooms as it may";
                self.refuse(id, Some(&token.room), ErrorCode::TooManyRooms, detail)
            }
            Purpose::Join { since } => Action::Take(Take {
                id,
                token,
                end,
                since,
            }),
        }
    }

    /// What came of an [`Action::Take`]: the seat is there, with no more than
    /// this grant. Returns the event that answers the command.
    pub fn seated(&mut self, take: &Take, grant: Grant, now: Instant) -> event::Seat {
        let token = AccessToken {
            grant,
            ..take.token.clone()
        };
        self.errors = 0;
        self.term.extend(take.end, now);
        let held = held(&token, take.end, now);
        let event = seat_event(&token.room, &held);
        self.seats.insert(token.room, held);
        event
    }

    /// There is no seat.
    pub fn not_seated(&mut self, take: Take, why: NoSeat) -> Action {
        let (code, detail) = match why {
            NoSeat::NotPermitted => (
                ErrorCode::TokenRefused,
                "the token is not valid, or opens nothing any more",
            ),
            NoSeat::Unavailable => (
                ErrorCode::Unavailable,
                "the room can't be listened to; try again later",
            ),
        };
        self.refuse(take.id, Some(&take.token.room), code, detail)
    }

    /// The membership that a seat was taken under has changed.
    pub fn on_granted(&mut self, room: &RoomName, grant: Option<Grant>) -> Action {
        match grant {
            Some(grant) if self.seats.set_grant(room, grant) => {
                Action::Reply(Event::Granted(event::Granted { room, grant }).frame())
            }
            Some(_) => Action::Nothing,
            None if self.seats.remove(room) => {
                let detail = "no member of the room any more";
                let frame = error(None, Some(room), ErrorCode::Removed, detail.into());
                Action::Leave(room.clone(), frame)
            }
            None => Action::Nothing,
        }
    }

    /// Time has passed: to be called at [`Self::deadline`], until there is
    /// nothing more to do.
    pub fn on_time(&mut self, now: Instant) -> Action {
        match self.term.on_time(now) {
            Some(Due::Over) => return Action::Close(Close::TokenExpired),
            Some(Due::Warn(end)) => return Action::Reply(expiring(None, end)),
            None => {}
        }
        match self.seats.on_time(now) {
            Some((room, Due::Over)) => {
                let detail = "the token of this seat has ended";
                let frame = error(None, Some(&room), ErrorCode::SeatExpired, detail.into());
                return Action::Leave(room, frame);
            }
            Some((room, Due::Warn(end))) => return Action::Reply(expiring(Some(&room), end)),
            None => {}
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
        let ends = self.term.deadline().min(self.pulse.deadline());
        self.seats.deadline().map_or(ends, |seats| seats.min(ends))
    }

    fn ack(&mut self, ack: Ack<'_>) -> Action {
        self.errors = 0;
        Action::Reply(Event::Ack(ack).frame())
    }

    fn not_joined(&mut self, id: Option<String>, room: &RoomName) -> Action {
        let detail = "the socket does not sit in this room";
        self.refuse(id, Some(room), ErrorCode::NotJoined, detail)
    }

    /// A command has no effect. Too many of them, and the client is broken.
    fn refuse(
        &mut self,
        id: Option<String>,
        room: Option<&RoomName>,
        code: ErrorCode,
        detail: impl Into<Cow<'static, str>>,
    ) -> Action {
        let frame = error(id, room, code, detail.into());
        self.errors += u32::from(code.is_mistake());
        if self.errors >= MAX_ERRORS_IN_A_ROW {
            Action::ReplyAndClose(frame, Close::TooManyErrors)
        } else {
            Action::Reply(frame)
        }
    }
}

fn held(token: &AccessToken, end: End, now: Instant) -> Held {
    Held {
        grant: token.grant,
        presence: token.presence,
        term: Term::new(end, now),
    }
}

/// A seat, as it is told to the client; where it begins is added by whoever
/// knows.
#[must_use]
pub fn seat_event(room: &RoomName, held: &Held) -> event::Seat {
    event::Seat {
        room: room.clone(),
        grant: held.grant,
        presence: held.presence,
        expires_at: held.term.end().expires_at,
        position: None,
        recovered: None,
    }
}

fn expiring(room: Option<&RoomName>, end: End) -> Bytes {
    let expires_at = end.expires_at;
    Event::Expiring(event::Expiring { room, expires_at }).frame()
}

fn error(
    id: Option<String>,
    room: Option<&RoomName>,
    code: ErrorCode,
    detail: Cow<'static, str>,
) -> Bytes {
    Event::Error(event::Error {
        id: id.map(Cow::Owned),
        room,
        code,
        detail,
    })
    .frame()
}

#[cfg(test)]
mod tests;
