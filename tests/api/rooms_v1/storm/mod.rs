//! Many clients on two nodes, who come, go, read slowly and come back, while
//! much is said: each hears what is said in a room once, in order, and
//! everything that it is not told a gap for.
//!
//! `STORM_SECONDS` says for how long; `STORM_SEED`, which storm.

mod listener;

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use contract::{Kind, Message as Said, MessageKey, RoomBus, RoomName, Timestamp};
use futures_util::StreamExt;
use serde_json::{Value, json};
use service::{
    config::{Config, Sources},
    wiring,
};
use test_servers::{Place, Proxy, keeps_history};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use self::listener::{Listener, Truth, check};
use super::client::Person;
use crate::{gateway::gateway, service::until, socket::Socket};

const ROOMS: usize = 4;
const CLIENTS: u64 = 12;
const SPEAKERS: u64 = 3;

/// Numbers that look random, and are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn once_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }

    fn millis(&mut self, below: u64) -> Duration {
        Duration::from_millis(self.roll(below))
    }
}

fn name(room: u64) -> String {
    format!("storm-{room}")
}

/// Says things on a socket, with and without keys, some of them twice.
async fn speak(node: SocketAddr, mut dice: Dice, truth: Arc<Truth>, until: Instant) {
    let person = Person::new();
    let mut socket = Socket::open_rooms_v1(node, &person.token(&name(0)), "")
        .await
        .unwrap();
    for room in (1..ROOMS as u64).map(name) {
        let join = json!({"type": "join", "token": person.token(&room)});
        socket.say(&join.to_string()).await;
    }
    let mut waiting: HashMap<String, (String, String)> = HashMap::new();
    let mut said = 0_u64;
    let mut next = Instant::now();
    while Instant::now() < until || !waiting.is_empty() {
        if Instant::now() >= next && Instant::now() < until && waiting.len() < 20 {
            next = Instant::now() + Duration::from_millis(12) + dice.millis(8);
            said += 1;
            let room = name(dice.roll(ROOMS as u64));
            let mut data = format!("{} {said} ", person.user.simple());
            data.replace_range(0..26, "");
            if dice.once_in(10) {
                data.push_str(&"x".repeat(dice.roll(30_000) as usize));
            }
            let mut publish = json!({"type": "publish", "room": room, "data": data});
            let times = if dice.once_in(2) { 1 + dice.roll(2) } else { 0 };
            if times > 0 {
                publish["key"] = json!(said.to_string());
            }
            for time in 0..times.max(1) {
                let id = format!("{said}-{time}");
                publish["id"] = json!(id);
                socket.say(&publish.to_string()).await;
                waiting.insert(id, (room.clone(), data.clone()));
            }
        }
        let wait = timeout(Duration::from_millis(5), socket.stream.next());
        let Ok(event) = wait.await else { continue };
        let Message::Text(text) = event.unwrap().unwrap() else {
            continue;
        };
        let event: Value = serde_json::from_str(&text).unwrap();
        if let Some(id) = event["id"].as_str()
            && let Some((room, data)) = waiting.remove(id)
            && event["type"] == "ack"
        {
            truth.said(&room, event["seq"].as_u64().unwrap(), &data);
        }
    }
}

/// Says more at once than a node can take without missing some, as HTTP may.
async fn burst(bus: Arc<dyn RoomBus>, mut dice: Dice, truth: Arc<Truth>, until: Instant) {
    let mut said = 0_u128;
    while Instant::now() < until {
        let room = name(dice.roll(ROOMS as u64));
        let times = if dice.once_in(3) { 250 } else { 40 };
        for _ in 0..times {
            said += 1;
            let data = format!("burst {said}");
            let message = Said {
                from: None,
                connection: None,
                at: Timestamp::UNIX_EPOCH,
                kind: Kind::Text,
                data: data.clone().into(),
                key: dice.once_in(2).then_some(MessageKey(said)),
            };
            let published = bus
                .publish(&RoomName::parse(&room).unwrap(), message)
                .await
                .unwrap();
            truth.said(&room, published.position.unwrap().seq, &data);
        }
        sleep(dice.millis(900)).await;
    }
}

/// Cuts a node off from the bus now and then.
async fn storm(network: Arc<Proxy>, mut dice: Dice, until: Instant) {
    while Instant::now() < until {
        sleep(Duration::from_secs(1) + dice.millis(2000)).await;
        network.cut();
        sleep(dice.millis(800)).await;
        network.reset();
        network.heal();
    }
}

async fn bus(variables: Vec<(&'static str, String)>) -> Arc<dyn RoomBus> {
    let sources = variables
        .into_iter()
        .fold(Sources::default(), |sources, (name, value)| {
            sources.variable(name, value)
        });
    let loaded = Config::load(&sources).unwrap_or_else(|errors| panic!("{errors}"));
    wiring::open_bus(&loaded.config).await.unwrap()
}

/// Two handles of one bus, as two nodes have, and the network of the second,
/// if there is one; `None` if the bus keeps nothing.
async fn buses(place: &Place) -> Option<([Arc<dyn RoomBus>; 2], Option<Arc<Proxy>>)> {
    if !keeps_history() {
        return None;
    }
    let one = bus(place.variables()).await;
    let Some(port) = place.bus_port() else {
        return Some(([one.clone(), one], None));
    };
    let network = Arc::new(Proxy::start(port).await);
    let other = bus(place.variables_with_bus_at(network.address())).await;
    Some(([one, other], Some(network)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_everybody_hears_each_message_once_in_order_or_a_gap() {
    let place = Place::new();
    let Some((buses, network)) = buses(&place).await else {
        return;
    };
    let number = |name, default| match std::env::var(name) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => default,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed: u64 = number("STORM_SEED", u64::from(now.subsec_nanos()));
    let seconds = number("STORM_SECONDS", 4);
    println!("STORM_SEED={seed}");
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut nodes = Vec::new();
    let mut gateways = Vec::new();
    for bus in &buses {
        let (gateway, address) = gateway(bus.clone()).await;
        gateways.push(gateway);
        nodes.push(address);
    }
    let truth = Arc::new(Truth::default());
    let mut speakers = Vec::new();
    for i in 0..SPEAKERS {
        let (node, dice) = (nodes[i as usize % 2], Dice(seed + i));
        speakers.push(tokio::spawn(speak(node, dice, truth.clone(), end)));
    }
    let dice = Dice(seed + 500);
    speakers.push(tokio::spawn(burst(
        buses[0].clone(),
        dice,
        truth.clone(),
        end,
    )));
    if let Some(network) = &network {
        speakers.push(tokio::spawn(storm(network.clone(), Dice(seed + 600), end)));
    }
    let mut listeners = Vec::new();
    for i in 0..CLIENTS {
        let mut listener = Listener::new(nodes.clone(), Dice(seed + 1000 + i));
        listeners.push(tokio::spawn(async move {
            while Instant::now() < end {
                listener.live(end).await;
            }
            listener
        }));
    }
    for speaker in speakers {
        speaker.await.unwrap();
    }
    let (mut gaps, mut heard, mut recoveries) = (0, 0, 0);
    for listener in listeners {
        let mut listener = listener.await.unwrap();
        listener.end(&truth).await;
        let rooms = truth.0.lock();
        for (room, told) in &listener.told {
            check(&rooms[room], told);
        }
        gaps += listener.gaps;
        heard += listener.heard;
        recoveries += listener.recoveries;
    }
    let said: usize = truth.0.lock().values().map(BTreeMap::len).sum();
    println!("{said} said, {heard} heard, {gaps} gaps, {recoveries} came back to everything");
    assert!(recoveries > 0);
    let hubs = || gateways.iter().map(|gateway| gateway.hubs().rooms());
    until("all rooms are free", || hubs().sum::<usize>() == 0).await;
}
