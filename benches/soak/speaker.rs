//! Says things in a room, and again until they are confirmed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    Pace, Soak,
    harness::Outcome,
    ledger::count,
    socket::{Event, Person, Socket},
};

/// Bytes of a message.
const PAYLOAD: usize = 128;

/// Messages on their way at once.
const WINDOW: usize = 16;

/// When a message that was refused is said again.
const AGAIN: Duration = Duration::from_millis(300);

/// What a speaker waits for.
struct Speaker {
    soak: Arc<Soak>,
    room: usize,
    last: u64,
    /// Messages that are not confirmed, and when they are said again.
    waiting: BTreeMap<u64, Option<Instant>>,
}

/// Speaks until it is told to be silent, and everything is confirmed.
pub(crate) async fn speak(soak: Arc<Soak>, room: usize) {
    let mut speaker = Speaker {
        last: (room as u64) << 40,
        soak,
        room,
        waiting: BTreeMap::new(),
    };
    let soak = speaker.soak.clone();
    let person = Person::new(&soak.cluster.secret);
    let name = soak.settings.room(room);
    loop {
        let opened = async {
            let token = person.token(&name)?;
            Socket::rooms_v1(soak.cluster.address(room), &token, "").await
        };
        if let Ok(mut socket) = opened.await {
            match speaker.live(&mut socket, &person).await {
                Ok(()) => return socket.close().await,
                // The socket ended: what it carried is said again.
                Err(_) => {
                    for again in speaker.waiting.values_mut() {
                        *again = Some(Instant::now());
                    }
                }
            }
        }
        sleep(AGAIN).await;
    }
}

impl Speaker {
    async fn live(&mut self, socket: &mut Socket, person: &Person<'_>) -> Outcome<()> {
        let mut pace = self.soak.pace.subscribe();
        let mut next = Instant::now();
        loop {
            let now = *pace.borrow_and_update();
            if now == Pace::Silent && self.last & 0xff_ffff_ffff != 0 && self.waiting.is_empty() {
                return Ok(());
            }
            let again = self
                .waiting
                .iter()
                .filter_map(|(id, at)| Some(((*at)?, *id)));
            let again = again.min();
            let open = self.waiting.len() < WINDOW && now != Pace::Silent;
            tokio::select! {
                text = socket.hear() => {
                    let text = text.ok_or("the socket ended")?;
                    if let Some(answer) = self.on_event(&text, person)? {
                        socket.say(answer).await?;
                    }
                }
                () = sleep_until(next), if open => {
                    match now {
                        Pace::Steady(rate) => next += Duration::from_secs_f64(1.0 / rate.max(0.01)),
                        Pace::Full | Pace::Silent => next = Instant::now(),
                    }
                    self.last += 1;
                    count(&self.soak.ledger.counts.said);
                    self.say(socket, self.last).await?;
                }
                () = sleep_until(again.map_or(next, |(at, _)| at)), if again.is_some() => {
                    count(&self.soak.ledger.counts.said_again);
                    if let Some((_, id)) = again {
                        self.say(socket, id).await?;
                    }
                }
                changed = pace.changed() => {
                    changed?;
                    next = Instant::now();
                }
            }
        }
    }

    async fn say(&mut self, socket: &mut Socket, id: u64) -> Outcome<()> {
        self.waiting.insert(id, None);
        let room = self.soak.settings.room(self.room);
        let name = format!("{id:016x}");
        let data = format!("{name:.<PAYLOAD$}");
        let publish =
            json!({"type": "publish", "id": name, "key": name, "room": room, "data": data});
        socket.say(publish.to_string()).await
    }

    /// Returns what is to be said to an event.
    fn on_event(&mut self, text: &str, person: &Person<'_>) -> Outcome<Option<String>> {
        let event: Event<'_> = serde_json::from_str(text)?;
        if event.kind == "expiring" {
            let token = person.token(&self.soak.settings.room(self.room))?;
            return Ok(Some(json!({"type": "auth", "token": token}).to_string()));
        }
        let Some(id) = event.id.and_then(|id| u64::from_str_radix(&id, 16).ok()) else {
            return Ok(None);
        };
        match (event.kind, event.seq) {
            ("ack", Some(seq)) => {
                self.waiting.remove(&id);
                self.soak.ledger.confirm(self.room, seq, id);
            }
            ("error", _) if matches!(event.code, Some("not_delivered" | "unavailable")) => {
                self.waiting.insert(id, Some(Instant::now() + AGAIN));
            }
            _ => self
                .soak
                .ledger
                .broken(format!("a message was answered by {text}")),
        }
        Ok(None)
    }
}
