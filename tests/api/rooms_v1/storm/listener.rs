//! A client of the storm, and whether what it was told is what was said.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::{super::client::Person, Dice, ROOMS, name};
use crate::{service::SOON, socket::Socket};

/// What is known to have been said, by whoever was told its number.
#[derive(Default)]
pub struct Truth(pub Mutex<HashMap<String, BTreeMap<u64, String>>>);

impl Truth {
    pub fn said(&self, room: &str, seq: u64, data: &str) {
        let mut rooms = self.0.lock();
        let before = rooms
            .entry(room.to_owned())
            .or_default()
            .insert(seq, data.to_owned());
        assert!(before.is_none_or(|before| before == data), "{room} {seq}");
    }

    fn last(&self, room: &str) -> Option<u64> {
        let rooms = self.0.lock();
        Some(*rooms.get(room)?.last_key_value()?.0)
    }
}

/// What a client was told of a room, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// What follows is after this place.
    From(u64),
    Message(u64, String),
}

/// Checks all that a client was told of a room.
pub fn check(truth: &BTreeMap<u64, String>, told: &[Told]) {
    let mut last: Option<u64> = None;
    for (i, told_now) in told.iter().enumerate() {
        match told_now {
            // Never back.
            Told::From(place) => {
                assert!(last.is_none_or(|last| last <= *place), "{:?}", &told[..=i]);
                last = Some(*place);
            }
            Told::Message(seq, data) => {
                let before = last.expect("a message before a place");
                let around = &told[i.saturating_sub(5)..=i];
                assert!(before < *seq, "out of order, or twice: {around:?}");
                let missing: Vec<_> = truth.range(before + 1..*seq).collect();
                assert!(missing.is_empty(), "{missing:?} is missing in {around:?}");
                if let Some(said) = truth.get(seq) {
                    let said: String = said.chars().take(20).collect();
                    assert_eq!(&said, data);
                }
                last = Some(*seq);
            }
        }
    }
}

pub struct Listener {
    nodes: Vec<SocketAddr>,
    person: Person,
    dice: Dice,
    pub told: HashMap<String, Vec<Told>>,
    epoch: String,
    pub gaps: usize,
    pub heard: usize,
    pub recoveries: usize,
}

impl Listener {
    pub fn new(nodes: Vec<SocketAddr>, dice: Dice) -> Self {
        Self {
            nodes,
            person: Person::new(),
            dice,
            told: HashMap::new(),
            epoch: String::new(),
            gaps: 0,
            heard: 0,
            recoveries: 0,
        }
    }

    fn place(&self, room: &str) -> Option<String> {
        let last = match self.told.get(room)?.last()? {
            Told::From(seq) | Told::Message(seq, _) => *seq,
        };
        Some(format!("{}:{last}", self.epoch))
    }

    fn tell(&mut self, room: &Value, told: Told) {
        let room = room.as_str().unwrap();
        self.told.entry(room.to_owned()).or_default().push(told);
    }

    fn from(&mut self, room: &Value, position: &Value) {
        let position = position.as_str().unwrap();
        let (epoch, seq) = position.split_once(':').unwrap();
        if self.epoch.is_empty() {
            self.epoch = epoch.to_owned();
        }
        assert_eq!(self.epoch, epoch);
        self.tell(room, Told::From(seq.parse().unwrap()));
    }

    fn on_seat(&mut self, seat: &Value) {
        if seat["recovered"] == false {
            self.gaps += 1;
        }
        if seat["recovered"] == true {
            self.recoveries += 1;
        }
        // One that was there already is renewed, and goes on.
        if seat["position"].is_string() {
            self.from(&seat["room"], &seat["position"]);
        }
    }

    fn on_event(&mut self, event: &Value) {
        match event["type"].as_str().unwrap() {
            "welcome" => self.on_seat(&event["seat"]),
            "ack" if event["seat"].is_object() => self.on_seat(&event["seat"]),
            "ack" => {}
            "gap" => {
                self.gaps += 1;
                self.from(&event["room"], &event["position"]);
            }
            "message" => {
                self.heard += 1;
                let data: String = event["data"].as_str().unwrap().chars().take(20).collect();
                let seq = event["seq"].as_u64().unwrap();
                self.tell(&event["room"], Told::Message(seq, data));
            }
            "error" if event["code"] == "unavailable" => {}
            _ => panic!("{event}"),
        }
    }

    async fn open(&mut self) -> Socket {
        let first = name(self.dice.roll(ROOMS as u64));
        let query = match self.place(&first) {
            Some(place) => format!("?since={place}"),
            None => String::new(),
        };
        let node = self.nodes[self.dice.roll(self.nodes.len() as u64) as usize];
        let token = self.person.token(&first);
        loop {
            match Socket::open_rooms_v1(node, &token, &query).await {
                Ok(socket) => return socket,
                // The bus is cut off.
                Err(refused) => assert_eq!(refused.status, 503),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn join(&self, room: &str) -> Message {
        let token = self.person.token(room);
        let mut join = json!({"type": "join", "id": room, "token": token});
        if let Some(place) = self.place(room) {
            join["since"] = json!(place);
        }
        Message::text(join.to_string())
    }

    /// One life of a socket. Nothing is sent to a socket that hasn't told what
    /// it has to tell of the room: `since` would be of the past.
    pub async fn live(&mut self, until: Instant) {
        let mut socket = self.open().await;
        let mut seated: Vec<String> = Vec::new();
        let mut asked = false;
        let frames = 20 + self.dice.roll(400);
        for _ in 0..frames {
            if Instant::now() >= until {
                return;
            }
            if self.dice.once_in(15) {
                let pause = if self.dice.once_in(8) { 700 } else { 60 };
                sleep(self.dice.millis(pause)).await;
            }
            if !asked && self.dice.once_in(6) {
                let room = name(self.dice.roll(ROOMS as u64));
                if !seated.contains(&room) {
                    asked = socket.stream.send(self.join(&room)).await.is_ok();
                }
            }
            match timeout(Duration::from_millis(300), socket.stream.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    let event: Value = serde_json::from_str(&text).unwrap();
                    asked &= event["id"].is_null();
                    if let Some(room) = event["seat"]["room"].as_str() {
                        seated.push(room.to_owned());
                    }
                    self.on_event(&event);
                }
                Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return,
                Ok(Some(Ok(_))) | Err(_) => {}
            }
        }
    }

    /// Comes to every room once more, and stays until all is told.
    pub async fn end(&mut self, truth: &Truth) {
        let mut socket = self.open().await;
        let hears = async {
            let mut asked = false;
            loop {
                let text = match socket.stream.next().await.unwrap().unwrap() {
                    Message::Text(text) => text,
                    Message::Close(close) => panic!("{close:?}"),
                    _ => continue,
                };
                self.on_event(&serde_json::from_str(&text).unwrap());
                if !asked {
                    asked = true;
                    for room in (0..ROOMS as u64).map(name) {
                        socket.stream.send(self.join(&room)).await.unwrap();
                    }
                }
                let up = |room: String| {
                    let last = match self.told.get(&room).and_then(|told| told.last()) {
                        Some(Told::From(seq) | Told::Message(seq, _)) => *seq,
                        None => return false,
                    };
                    Some(last) >= truth.last(&room)
                };
                if (0..ROOMS as u64).map(name).all(up) {
                    return;
                }
            }
        };
        let told = timeout(SOON, hears).await;
        assert!(told.is_ok(), "somebody is never told everything");
    }
}
