//! A socket that speaks `rooms.v1`. What its client is told is what the session
//! goes by, whatever happens.

use std::{collections::HashSet, time::Duration};

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use contract::{Kind, RoomName};
use service::{
    accounts::tokens::Grant,
    ws::{
        close::Close,
        rooms_v1::{
            MAX_ERRORS_IN_A_ROW, MAX_ROOMS,
            event::{self, Ack},
            session::{Action, NoSeat, Publish, Session, Take, Verify},
        },
        session::Frame,
    },
};

use super::{
    super::events::Event,
    Clock, Wait,
    client::{Client, Seat},
    commands::{self, Said},
    limits,
    outcomes::{Brings, Taken, Token, grant},
    signs::Signs,
};

/// From the handshake to the end.
///
/// # Errors
/// The input's end.
///
/// # Panics
/// If the session does what it may not.
pub fn live(input: &mut Unstructured<'_>) -> Result<()> {
    let limits = limits(input)?;
    let clock = Clock::start();
    let token = Token {
        stranger: None,
        ..input.arbitrary()?
    };
    let end = clock.end_in(token.life());
    let token = token.read(clock);
    let mut socket = Socket {
        session: Session::new(&token, end, limits, clock.now),
        client: Client::new(&token),
        sits_in: HashSet::from([token.room]),
        signs: Signs::new(limits, clock.now),
        clock,
        closed: false,
    };
    while !input.is_empty() && !socket.closed {
        match input.arbitrary()? {
            0..32_u8 => socket.wait(input.arbitrary()?),
            32..48 => socket.on_time(),
            48..64 => {
                let room = RoomName::parse(&commands::room(input.arbitrary()?)).unwrap();
                let grant = input.arbitrary::<Option<bool>>()?.map(grant);
                socket.on_granted(&room, grant);
            }
            64..72 => socket.on_control(),
            72..80 => {
                let said = Said::bytes(input)?;
                socket.on_message(Kind::Binary, &said, Brings::Input(input))?;
            }
            80..84 => {
                let first = input.arbitrary()?;
                socket.join_many(first, input.arbitrary()?)?;
            }
            _ => {
                let said = Said::read(input)?;
                socket.on_message(Kind::Text, &said, Brings::Input(input))?;
            }
        }
        socket.client.agrees(&socket.session);
        let told: HashSet<_> = socket.client.seats().keys().cloned().collect();
        assert_eq!(socket.sits_in, told);
    }
    Ok(())
}

/// The service's side, and the client at the other end.
struct Socket {
    session: Session,
    /// The rooms that its hub would let it hear.
    sits_in: HashSet<RoomName>,
    client: Client,
    signs: Signs,
    clock: Clock,
    closed: bool,
}

impl Socket {
    fn wait(&mut self, wait: Wait) {
        self.clock.now = wait.after(self.clock.now, self.session.deadline());
    }

    fn is_over(&self) -> bool {
        self.clock.today() >= self.client.expires_at()
    }

    /// The timer has fired.
    fn on_time(&mut self) {
        let now = self.clock.now;
        // Each seat and the socket: a warning and an end; and a ping.
        for _ in 0..2 * MAX_ROOMS + 4 {
            match self.session.on_time(now) {
                Action::Nothing => {
                    assert!(!self.is_over());
                    assert!(self.session.deadline() > now);
                    let today = self.clock.today();
                    assert!(
                        self.client
                            .seats()
                            .values()
                            .all(|seat| seat.expires_at > today)
                    );
                    return;
                }
                Action::Close(Close::TokenExpired) => {
                    assert!(self.is_over());
                    self.closed = true;
                    // Whatever comes after that.
                    let again = self.session.on_frame(Frame::Control, now);
                    assert_eq!(again, Action::Close(Close::TokenExpired));
                    return;
                }
                Action::Close(Close::TooSlow) => {
                    self.signs.unanswered(now);
                    self.closed = true;
                    return;
                }
                Action::Ping => self.signs.pinged(now),
                Action::Reply(frame) => {
                    let event = Event::read(&frame);
                    self.client.on_expiring(&event, self.clock.today());
                }
                Action::Leave(room, frame) => {
                    let seat = self.left(&room, &Event::read(&frame), "seat_expired");
                    assert!(seat.expires_at <= self.clock.today());
                }
                action => panic!("{action:?}"),
            }
        }
        panic!("time brings more and more");
    }

    /// The service ends a seat.
    fn left(&mut self, room: &RoomName, event: &Event, code: &str) -> Seat {
        assert_eq!(event.text("code"), Some(code));
        assert_eq!(event.text("room"), Some(room.as_str()));
        assert_eq!(event.get("id"), None);
        assert!(self.sits_in.remove(room));
        self.client.on_end(room)
    }

    /// A membership changed.
    fn on_granted(&mut self, room: &RoomName, grant: Option<Grant>) {
        let had = self.client.seats().get(room).map(|seat| seat.grant);
        match self.session.on_granted(room, grant) {
            Action::Nothing => assert!(had.is_none() || had == grant),
            Action::Reply(frame) => self.client.on_granted(&Event::read(&frame)),
            Action::Leave(left, frame) => {
                assert_eq!((&left, grant), (room, None));
                self.left(room, &Event::read(&frame), "removed");
            }
            action => panic!("{action:?}"),
        }
    }

    fn on_control(&mut self) {
        let action = self.on_frame(Frame::Control);
        assert!(self.closed || action == Action::Nothing);
    }

    /// What every frame may come to.
    fn on_frame(&mut self, frame: Frame) -> Action {
        let now = self.clock.now;
        self.signs.on_frame(now);
        let action = self.session.on_frame(frame, now);
        self.closed = matches!(action, Action::Close(_));
        match action {
            Action::Close(Close::TokenExpired) => assert!(self.is_over()),
            Action::Close(Close::TooFast) => self.signs.too_many(),
            Action::Close(close) => panic!("{close:?}"),
            _ => self.signs.taken(),
        }
        assert!(self.closed || !self.is_over());
        action
    }

    /// Many seats, one a second.
    fn join_many(&mut self, first: u8, token: Token) -> Result<()> {
        for room in first..first.saturating_add(128) {
            if self.closed {
                return Ok(());
            }
            self.clock.now += Duration::from_secs(1);
            let token = Token {
                room,
                stranger: None,
                ..token
            };
            self.on_message(Kind::Text, &Said::join(), Brings::Seat(token))?;
        }
        Ok(())
    }

    fn on_message(&mut self, kind: Kind, said: &Said, mut brings: Brings<'_, '_>) -> Result<()> {
        let data = Bytes::copy_from_slice(&said.text);
        match self.on_frame(Frame::Message { kind, data }) {
            Action::Close(_) => {}
            Action::Publish(publish) => self.publish(publish, said, &mut brings)?,
            Action::Verify(verify) => self.verify(verify, said, &mut brings)?,
            Action::Leave(room, frame) => {
                let event = Event::read(&frame);
                assert_eq!(event.kind(), "ack");
                assert_eq!(event.text("room"), Some(room.as_str()));
                self.client.on_answer(said, event.text("id"), None);
                assert!(self.sits_in.remove(&room));
                self.client.on_end(&room);
            }
            Action::Presence(room, id) => {
                assert!(self.client.seats()[&room].presence);
                self.client.on_answer(said, id.as_deref(), None);
            }
            action => {
                let event = self.answer(action, said);
                self.check_at_once(&event, kind);
            }
        }
        Ok(())
    }

    /// What is answered without anybody being asked.
    fn check_at_once(&self, event: &Event, kind: Kind) {
        let Some(code) = event.text("code") else {
            assert_eq!(event.kind(), "ack");
            return;
        };
        let room = event.text("room");
        let seat = room.and_then(|room| self.client.seats().get(room));
        match code {
            "malformed" => return,
            "unknown_type" => assert_eq!(room, None),
            "not_joined" => assert!(room.is_some() && seat.is_none()),
            "not_permitted" => assert_eq!(seat.unwrap().grant, Grant::Read),
            "presence_off" => assert!(!seat.unwrap().presence),
            code => panic!("{code}"),
        }
        assert_eq!(kind, Kind::Text);
    }

    /// An answer: the tenth in a row that is a mistake is the last.
    fn answer(&mut self, action: Action, said: &Said) -> Event {
        let (frame, close) = match action {
            Action::Reply(frame) => (frame, None),
            Action::ReplyAndClose(frame, close) => (frame, Some(close)),
            action => panic!("{action:?}"),
        };
        let event = Event::read(&frame);
        let error = event.text("code");
        assert_eq!(event.kind() == "error", error.is_some());
        self.client.on_answer(said, event.text("id"), error);
        let tenth = self.client.errors() == MAX_ERRORS_IN_A_ROW;
        assert_eq!(close, tenth.then_some(Close::TooManyErrors));
        self.closed = tenth;
        event
    }

    /// Something is waited for; the socket keeps time meanwhile. Returns
    /// whether there still is one.
    fn meanwhile(&mut self, brings: &mut Brings<'_, '_>) -> Result<bool> {
        if let Some(wait) = brings.wait()? {
            self.wait(wait);
            self.on_time();
        }
        if let Some(wait) = brings.wait()? {
            // The timer is not looked at before the outcome.
            self.wait(wait);
        }
        Ok(!self.closed)
    }

    fn publish(
        &mut self,
        publish: Publish,
        said: &Said,
        brings: &mut Brings<'_, '_>,
    ) -> Result<()> {
        let Publish {
            id,
            room,
            kind,
            data,
            ..
        } = publish;
        assert_eq!(self.client.seats()[&room].grant, Grant::ReadWrite);
        assert!(kind == Kind::Binary || std::str::from_utf8(&data).is_ok());
        if !self.meanwhile(brings)? {
            return Ok(());
        }
        let published = brings.published()?;
        let action = self.session.published(id, &room, published);
        let event = self.answer(action, said);
        assert_eq!(event.text("room"), Some(room.as_str()));
        let seq = published.flatten().map(|position| position.seq);
        assert_eq!(event.get("seq").map(|seq| seq.as_u64().unwrap()), seq);
        let code = published.is_none().then_some("not_delivered");
        assert_eq!(event.text("code"), code);
        Ok(())
    }

    fn verify(&mut self, verify: Verify, said: &Said, brings: &mut Brings<'_, '_>) -> Result<()> {
        if !self.meanwhile(brings)? {
            return Ok(());
        }
        let token = brings.token()?;
        let now = self.clock.now;
        let verified = token.map(|token| (token.read(self.clock), self.clock.end_in(token.life())));
        let read = verified.clone().map(|(token, _)| token);
        let action = match self.session.verified(verify, verified, now) {
            Action::Take(take) => return self.take(take, said, brings),
            action => action,
        };
        let event = self.answer(action, said);
        let code = event.text("code");
        let (Some(token), Some(read)) = (token, read) else {
            assert_eq!(code, Some("token_refused"));
            return Ok(());
        };
        if token.stranger.is_some() {
            assert_eq!(code, Some("other_session"));
        } else if code.is_some() {
            assert_eq!(code, Some("too_many_rooms"));
            assert_eq!(event.text("room"), Some(read.room.as_str()));
            assert_eq!(self.client.seats().len(), MAX_ROOMS);
        } else if let Some(seat) = event.get("seat") {
            assert_eq!(self.client.on_seat(seat), read.room);
            self.client.on_token(&read);
        } else {
            self.client.on_auth(&read);
            let end = self.client.expires_at().to_string();
            assert_eq!(event.text("expires_at"), Some(&*end));
        }
        Ok(())
    }

    fn take(&mut self, take: Take, said: &Said, brings: &mut Brings<'_, '_>) -> Result<()> {
        let room = take.token.room.clone();
        assert!(!self.client.seats().contains_key(&room));
        assert!(self.client.seats().len() < MAX_ROOMS);
        if !self.meanwhile(brings)? {
            return Ok(());
        }
        let grant = match brings.taken()? {
            Taken::Seated => take.token.grant,
            Taken::SeatedToHear => Grant::Read,
            refused => {
                let (why, code) = match refused {
                    Taken::NotPermitted => (NoSeat::NotPermitted, "token_refused"),
                    _ => (NoSeat::Unavailable, "unavailable"),
                };
                let action = self.session.not_seated(take, why);
                let event = self.answer(action, said);
                assert_eq!(event.text("code"), Some(code));
                assert_eq!(event.text("room"), Some(room.as_str()));
                return Ok(());
            }
        };
        let seat = self.session.seated(&take, grant, self.clock.now);
        let ack = Ack {
            id: take.id.as_deref().map(Into::into),
            seat: Some(seat),
            ..Ack::default()
        };
        let event = self.answer(Action::Reply(event::Event::Ack(ack).frame()), said);
        assert_eq!(self.client.on_seat(event.get("seat").unwrap()), room);
        self.client.on_token(&take.token);
        assert!(self.sits_in.insert(room));
        Ok(())
    }
}
