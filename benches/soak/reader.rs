//! Hears everything that is said in its rooms, once and in order, and comes
//! back to where it was when its socket ends.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    Soak,
    harness::Outcome,
    ledger::count,
    settings::SEATS,
    socket::{Event, Person, Seat, Socket},
};

/// How long it waits before it comes back.
const PAUSE: Duration = Duration::from_millis(200);

struct Reader {
    soak: Arc<Soak>,
    number: usize,
    /// By name: the room's number and, once it is known, the place in it.
    rooms: HashMap<String, (usize, Option<Place>)>,
    names: Vec<String>,
}

struct Place {
    epoch: String,
    seq: u64,
}

/// Reads until everything is over.
pub(crate) async fn read(soak: Arc<Soak>, number: usize) {
    let rooms = (0..SEATS).map(|seat| (number + seat) % soak.settings.rooms);
    let names: Vec<String> = rooms.clone().map(|room| soak.settings.room(room)).collect();
    let places = rooms.map(|room| (room, None));
    let mut reader = Reader {
        rooms: names.iter().cloned().zip(places).collect(),
        names,
        number,
        soak: soak.clone(),
    };
    let mut over = soak.over.subscribe();
    let person = Person::new(&soak.cluster.secret);
    loop {
        let opened = async {
            let token = person.token(&reader.names[0])?;
            let query = match reader.since(&reader.names[0]) {
                Some(since) => format!("?since={since}"),
                None => String::new(),
            };
            // Neighbours in a room are on different nodes.
            let node = number + number / soak.settings.rooms;
            Socket::rooms_v1(soak.cluster.address(node), &token, &query).await
        };
        if let Ok(mut socket) = opened.await {
            tokio::select! {
                _ = over.changed() => return socket.close().await,
                // Why it ended is in the node's log.
                _ = reader.live(&mut socket, &person) => {}
            }
            count(&soak.ledger.counts.came_back);
        }
        sleep(PAUSE).await;
    }
}

impl Reader {
    fn since(&self, room: &str) -> Option<String> {
        let place = self.rooms.get(room)?.1.as_ref()?;
        Some(format!("{}:{}", place.epoch, place.seq))
    }

    fn join(&self, room: &str, person: &Person<'_>) -> Outcome<String> {
        let mut join = json!({"type": "join", "id": room, "token": person.token(room)?});
        if let Some(since) = self.since(room) {
            join["since"] = json!(since);
        }
        Ok(join.to_string())
    }

    async fn live(&mut self, socket: &mut Socket, person: &Person<'_>) -> Outcome<()> {
        loop {
            let text = socket.hear().await.ok_or("the socket ended")?;
            let event: Event<'_> = serde_json::from_str(&text)?;
            match event.kind {
                "message" => self.on_message(&event)?,
                "welcome" => {
                    self.on_seat(event.seat.as_ref());
                    for room in &self.names[1..] {
                        socket.say(self.join(room, person)?).await?;
                    }
                }
                "ack" => self.on_seat(event.seat.as_ref()),
                "expiring" => match event.room {
                    Some(room) => socket.say(self.join(room, person)?).await?,
                    None => {
                        let token = person.token(&self.names[0])?;
                        let auth = json!({"type": "auth", "token": token});
                        socket.say(auth.to_string()).await?;
                    }
                },
                // While the node is cut off: it has to come back.
                "error" if event.code == Some("unavailable") => return Ok(()),
                "presence" => {}
                _ => {
                    let number = self.number;
                    self.soak
                        .ledger
                        .broken(format!("reader {number} was told {text}"));
                }
            }
        }
    }

    fn on_seat(&mut self, seat: Option<&Seat<'_>>) {
        let Some(seat) = seat else { return };
        let Some((room, place)) = self.rooms.get_mut(seat.room) else {
            return;
        };
        if seat.recovered == Some(false) {
            self.soak.ledger.broken(format!(
                "reader {} came back to room {room} and was not told everything",
                self.number
            ));
        }
        let Some((epoch, seq)) = seat.position.and_then(|position| position.split_once(':')) else {
            return;
        };
        if place.is_none() {
            self.soak.ledger.seat(*room, self.number);
            *place = Some(Place {
                epoch: epoch.to_owned(),
                seq: seq.parse().unwrap_or_default(),
            });
        }
    }

    fn on_message(&mut self, event: &Event<'_>) -> Outcome<()> {
        let room = event.room.ok_or("a message without a room")?;
        let seq = event.seq.ok_or("a message without a number")?;
        let id = event.data.and_then(|data| data.get().get(1..17));
        let id = u64::from_str_radix(id.ok_or("a message of somebody else")?, 16)?;
        let (room, place) = self.rooms.get_mut(room).ok_or("a room of somebody else")?;
        self.soak.ledger.hear(*room, self.number, seq, id);
        if let Some(at) = event.at {
            // The nodes' clock is this one.
            let waited = Timestamp::now().duration_since(at);
            self.soak.ledger.waited(*room, self.number, seq, waited);
        }
        if let Some(place) = place {
            place.seq = seq;
        }
        Ok(())
    }
}
