//! What a client knows, from nothing but what it was told.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use contract::{RoomName, Timestamp};
use serde_json::{Value, from_value};
use service::{
    accounts::tokens::{AccessToken, Grant},
    ws::rooms_v1::{MAX_ID_BYTES, MAX_ROOMS, session::Session},
};

use super::{super::events::Event, commands::Said};

/// How long before an end a client may be told of it.
const LEAD: Duration = Duration::from_secs(60);

/// A seat, as the client was told of it.
#[derive(Debug, PartialEq)]
pub struct Seat {
    /// What it may do there.
    pub grant: Grant,
    /// Whether the room tells who is there.
    pub presence: bool,
    /// When the seat ends.
    pub expires_at: Timestamp,
}

impl Seat {
    /// What a token is good for.
    pub fn of(token: &AccessToken) -> Self {
        Self {
            grant: token.grant,
            presence: token.presence,
            expires_at: token.expires_at,
        }
    }
}

/// A client.
#[derive(Debug)]
pub struct Client {
    seats: HashMap<RoomName, Seat>,
    expires_at: Timestamp,
    /// Commands in a row that had no effect.
    errors: u32,
    /// Of which ends it was told ahead: those of seats, and the socket's.
    warned: HashSet<Option<RoomName>>,
}

impl Client {
    /// Of somebody with this token.
    pub fn new(token: &AccessToken) -> Self {
        Self {
            seats: HashMap::from([(token.room.clone(), Seat::of(token))]),
            expires_at: token.expires_at,
            errors: 0,
            warned: HashSet::new(),
        }
    }

    /// The rooms that it sits in.
    pub fn seats(&self) -> &HashMap<RoomName, Seat> {
        &self.seats
    }

    /// When the socket ends.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Commands in a row that had no effect.
    pub fn errors(&self) -> u32 {
        self.errors
    }

    /// What it knows is what the session goes by.
    pub fn agrees(&self, session: &Session) {
        assert!(session.seats().len() <= MAX_ROOMS);
        assert_eq!(session.seats().len(), self.seats.len());
        for (room, seat) in &self.seats {
            let held = session.seats().get(room).unwrap();
            let held = Seat {
                grant: held.grant,
                presence: held.presence,
                expires_at: held.term.end().expires_at,
            };
            assert_eq!(held, *seat, "{room}");
        }
    }

    /// A command was answered under this name, perhaps with an error.
    pub fn on_answer(&mut self, said: &Said, id: Option<&str>, error: Option<&str>) {
        match &said.command {
            Some(command) => assert_eq!(id, name_of(command)),
            // What a spoilt text says is for a parser to know, if it can:
            // this one takes less than the service's.
            None if id.is_some() => {
                let text = serde_json::from_slice::<Value>(&said.text).ok();
                assert!(text.is_none_or(|text| text["id"].as_str() == id));
            }
            None => {}
        }
        match error {
            // What the service can't do is nobody's mistake.
            Some("not_delivered" | "unavailable") => {}
            Some(_) => self.errors += 1,
            None => self.errors = 0,
        }
    }

    /// A token was taken: the socket lives as long as any token does.
    pub fn on_token(&mut self, token: &AccessToken) {
        if token.expires_at > self.expires_at {
            self.expires_at = token.expires_at;
            self.warned.remove(&None);
        }
    }

    /// An `auth` was taken.
    pub fn on_auth(&mut self, token: &AccessToken) {
        self.on_token(token);
        if self.seats.contains_key(&token.room) {
            self.sits(token.room.clone(), Seat::of(token));
        }
    }

    /// An `ack` has a `seat`.
    pub fn on_seat(&mut self, seat: &Value) -> RoomName {
        let room: RoomName = from_value(seat["room"].clone()).unwrap();
        let seat = Seat {
            grant: from_value(seat["grant"].clone()).unwrap(),
            presence: from_value(seat["presence"].clone()).unwrap(),
            expires_at: from_value(seat["expires_at"].clone()).unwrap(),
        };
        self.sits(room.clone(), seat);
        room
    }

    fn sits(&mut self, room: RoomName, seat: Seat) {
        self.warned.remove(&Some(room.clone()));
        self.seats.insert(room, seat);
    }

    /// A seat ended; it was there.
    pub fn on_end(&mut self, room: &RoomName) -> Seat {
        self.warned.remove(&Some(room.clone()));
        self.seats.remove(room).unwrap()
    }

    /// The grant of a seat is another now.
    pub fn on_granted(&mut self, event: &Event) {
        assert_eq!(event.kind(), "granted");
        let seat = self.seats.get_mut(event.text("room").unwrap()).unwrap();
        let grant = from_value(event.get("grant").unwrap().clone()).unwrap();
        assert_ne!(std::mem::replace(&mut seat.grant, grant), grant);
    }

    /// It is told of an end: once, ahead, and not long ahead.
    pub fn on_expiring(&mut self, event: &Event, today: Timestamp) {
        assert_eq!(event.kind(), "expiring");
        let room = event
            .text("room")
            .map(|room| RoomName::parse(room).unwrap());
        let end = match &room {
            Some(room) => self.seats[room].expires_at,
            None => self.expires_at,
        };
        assert_eq!(event.text("expires_at").unwrap(), end.to_string());
        assert!(today < end && today.duration_until(end).unsigned_abs() <= LEAD);
        assert!(self.warned.insert(room));
    }
}

/// The name of a command, if the service can read it.
fn name_of(command: &Value) -> Option<&str> {
    let name = command.get("id")?.as_str()?;
    let readable = command["type"].is_string() && (1..=MAX_ID_BYTES).contains(&name.len());
    readable.then_some(name)
}
