//! The load client: one thread, one epoll, sockets read with one buffer.
//!
//! It must be cheaper than any server under measure, and it must be the same
//! for all of them.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::dialect::Dialect;
use super::load::{Crowd, Footprint, Pace, Plan, READY, Report};
use super::publisher::{self, Publisher};
use super::{Outcome, process, tokens, websocket};

/// A message that has not reached everybody by then no longer holds its
/// publisher up.
const OVERDUE: Duration = Duration::from_secs(2);
/// A server may answer the handshake before it has put the socket into the
/// room; this is the time between two tries to be heard by everybody.
const ROLL_CALL: Duration = Duration::from_millis(50);
/// How long opened sockets idle before memory is read.
const SETTLE: Duration = Duration::from_millis(1500);

struct Socket {
    stream: TcpStream,
    room: usize,
    /// The start of a frame whose rest has not come yet.
    partial: Vec<u8>,
    /// What the kernel would not take yet.
    unsent: Vec<u8>,
    open: bool,
    /// Whether a message has come.
    heard: bool,
}

struct Client {
    poll: Poll,
    events: Events,
    sockets: Vec<Socket>,
    publishers: Vec<Publisher>,
    /// Publishers one of whose messages has reached everybody.
    ready: Vec<usize>,
    /// The name of each room.
    names: Vec<String>,
    /// Open sockets of each room.
    present: Vec<usize>,
    deliveries: u64,
    /// Nanoseconds from send to arrival.
    latencies: Histogram<u64>,
    lost: usize,
    overdue: u64,
    /// Sockets with something in `unsent`.
    blocked: Vec<usize>,
    buffer: Vec<u8>,
    out: Vec<u8>,
    dialect: Dialect,
    payload: usize,
}

/// The role [`super::load::ROLE`].
pub(crate) fn run(argument: &str) -> Outcome<()> {
    let plan: Plan = serde_json::from_str(argument)?;
    let mut client = Client::open(&plan.crowd, plan.publishers_per_room)?;
    client.call_the_roll()?;
    println!("{READY}");
    client.drive(plan.pace, plan.warm_up)?;

    client.deliveries = 0;
    client.overdue = 0;
    client.latencies.reset();
    let (server, own) = (plan.crowd.server, std::process::id());
    let (server_cpu, client_cpu) = (process::cpu(server)?, process::cpu(own)?);
    let start = Instant::now();
    client.drive(plan.pace, plan.measured)?;
    let microseconds = |quantile| {
        let value = Duration::from_nanos(client.latencies.value_at_quantile(quantile));
        value.as_secs_f64() * 1e6
    };
    let report = Report {
        deliveries: client.deliveries,
        elapsed: start.elapsed(),
        server_cpu: process::cpu(server)?.saturating_sub(server_cpu),
        client_cpu: process::cpu(own)?.saturating_sub(client_cpu),
        p50: microseconds(0.5),
        p99: microseconds(0.99),
        max: microseconds(1.0),
        lost_sockets: client.lost,
        overdue: client.overdue,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// The role [`super::load::IDLE_ROLE`].
pub(crate) fn idle(argument: &str) -> Outcome<()> {
    let crowd: Crowd = serde_json::from_str(argument)?;
    let before = process::resident(crowd.server)?;
    let mut client = Client::open(&crowd, 1)?;
    client.idle(SETTLE)?;
    let open = process::resident(crowd.server)?;
    for publisher in 0..client.publishers.len() {
        client.publish(publisher, 1)?;
        client.turn(Duration::ZERO)?;
    }
    client.idle(SETTLE)?;
    let used = process::resident(crowd.server)?;
    let members = crowd.rooms * crowd.members_per_room;
    if client.deliveries != u64::try_from(members)? || client.lost > 0 {
        return Err(format!(
            "{} of {members} deliveries, {} sockets lost",
            client.deliveries, client.lost
        )
        .into());
    }
    let footprint = Footprint { before, open, used };
    println!("{}", serde_json::to_string(&footprint)?);
    Ok(())
}

impl Client {
    fn open(crowd: &Crowd, publishers_per_room: usize) -> Outcome<Self> {
        let mut client = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            sockets: Vec::new(),
            publishers: Vec::new(),
            ready: Vec::new(),
            names: (0..crowd.rooms).map(|room| crowd.room_name(room)).collect(),
            present: vec![crowd.members_per_room; crowd.rooms],
            deliveries: 0,
            latencies: Histogram::new_with_bounds(1, 100_000_000_000, 3)?,
            lost: 0,
            overdue: 0,
            blocked: Vec::new(),
            buffer: vec![0; 256 * 1024],
            out: Vec::new(),
            dialect: crowd.dialect,
            payload: crowd.payload,
        };
        for room in 0..crowd.rooms {
            let name = crowd.room_name(room);
            let path = crowd.dialect.path(&name);
            let protocol = crowd.dialect.protocol();
            let mut greeting = Vec::new();
            if let Some(text) = crowd.dialect.greeting(&name) {
                websocket::append_masked(websocket::TEXT, &text, &mut greeting);
            }
            for member in 0..crowd.members_per_room {
                let token = tokens::mint(&crowd.secret, &name)?;
                let (mut stream, partial) =
                    websocket::open(crowd.address, &path, protocol, &token)?;
                stream.write_all(&greeting)?;
                stream.set_nonblocking(true)?;
                let mut stream = TcpStream::from_std(stream);
                let socket = client.sockets.len();
                let readable = Interest::READABLE;
                client
                    .poll
                    .registry()
                    .register(&mut stream, Token(socket), readable)?;
                client.sockets.push(Socket {
                    stream,
                    room,
                    partial,
                    unsent: Vec::new(),
                    open: true,
                    heard: false,
                });
                if member < publishers_per_room {
                    client
                        .publishers
                        .push(Publisher::new(socket, crowd.payload));
                }
            }
        }
        Ok(client)
    }

    /// Publishes until every socket has heard something.
    fn call_the_roll(&mut self) -> Outcome<()> {
        let deadline = Instant::now() + 200 * ROLL_CALL;
        loop {
            let mut waiting = vec![false; self.present.len()];
            for socket in self.sockets.iter().filter(|socket| !socket.heard) {
                waiting[socket.room] = true;
            }
            if !waiting.contains(&true) {
                break;
            }
            if Instant::now() > deadline {
                let silent = self.sockets.iter().filter(|socket| !socket.heard).count();
                return Err(format!("{silent} sockets hear nothing in their rooms").into());
            }
            for publisher in 0..self.publishers.len() {
                let room = self.sockets[self.publishers[publisher].socket].room;
                if std::mem::take(&mut waiting[room]) {
                    self.publish(publisher, 1)?;
                }
            }
            self.idle(ROLL_CALL)?;
        }
        // Those who were not there yet will never get the first ones.
        self.idle(ROLL_CALL)?;
        self.publishers.iter_mut().for_each(Publisher::forget);
        Ok(())
    }

    /// Publishes and receives for `time`.
    fn drive(&mut self, pace: Pace, time: Duration) -> Outcome<()> {
        let deadline = Instant::now() + time;
        let mut sweep = Instant::now() + OVERDUE / 10;
        self.ready = (0..self.publishers.len()).collect();
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Ok(());
            }
            if now >= sweep {
                self.write_off(now);
                sweep = now + OVERDUE / 10;
            }
            let wait = match pace {
                Pace::InFlight(window) => {
                    self.refill(window)?;
                    deadline - now
                }
                Pace::PerSecond(rate) => self.publish_due(rate, now)?.min(deadline - now),
            };
            self.turn(wait.min(Duration::from_millis(20)))?;
        }
    }

    /// Brings what is on its way back to `window` for each publisher.
    fn refill(&mut self, window: u32) -> Outcome<()> {
        let mut ready = std::mem::take(&mut self.ready);
        for publisher in ready.drain(..) {
            let room = window.saturating_sub(self.publishers[publisher].pending());
            self.publish(publisher, room)?;
        }
        self.ready = ready;
        Ok(())
    }

    /// Sends what is due; returns the time until something is due again.
    fn publish_due(&mut self, rate: f64, now: Instant) -> Outcome<Duration> {
        let mut wait = Duration::MAX;
        for publisher in 0..self.publishers.len() {
            let due = self.publishers[publisher].due;
            if due <= now {
                // What is late is not made up for.
                let next = (due + Duration::from_secs_f64(1.0 / rate)).max(now);
                self.publishers[publisher].due = next;
                self.publish(publisher, 1)?;
            }
            let due = self.publishers[publisher].due;
            wait = wait.min(due.saturating_duration_since(now));
        }
        Ok(wait)
    }

    /// Receives for `time`, so that pings are answered.
    fn idle(&mut self, time: Duration) -> Outcome<()> {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            self.turn(Duration::from_millis(20))?;
        }
        Ok(())
    }

    /// Sends `count` messages in one write.
    fn publish(&mut self, publisher: usize, count: u32) -> Outcome<()> {
        let sender = &mut self.publishers[publisher];
        let socket = sender.socket;
        if count == 0 || !self.sockets[socket].open {
            return Ok(());
        }
        let missing = self.present[self.sockets[socket].room];
        let room = self.names[self.sockets[socket].room].clone();
        let sent = Instant::now();
        self.out.clear();
        for _ in 0..count {
            let payload = sender.depart(u32::try_from(publisher)?, sent, missing);
            self.dialect.append(&room, &payload, &mut self.out);
        }
        let bytes = std::mem::take(&mut self.out);
        self.send(socket, &bytes);
        self.out = bytes;
        Ok(())
    }

    fn send(&mut self, index: usize, bytes: &[u8]) {
        let socket = &mut self.sockets[index];
        let mut written = 0;
        if socket.unsent.is_empty() {
            written = match socket.stream.write(bytes) {
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
                // The read that follows says what happened.
                Err(_) => return,
            };
        }
        if written < bytes.len() {
            if socket.unsent.is_empty() {
                self.blocked.push(index);
            }
            socket.unsent.extend_from_slice(&bytes[written..]);
        }
    }

    /// Reads what has come, waiting `wait` at most for something.
    fn turn(&mut self, wait: Duration) -> Outcome<()> {
        for index in std::mem::take(&mut self.blocked) {
            let bytes = std::mem::take(&mut self.sockets[index].unsent);
            self.send(index, &bytes);
        }
        let wait = if self.blocked.is_empty() {
            wait
        } else {
            wait.min(Duration::from_millis(1))
        };
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        match self.poll.poll(&mut events, Some(wait)) {
            Err(e) if e.kind() != ErrorKind::Interrupted => return Err(e.into()),
            _ => {}
        }
        for event in &events {
            self.receive(event.token().0);
        }
        self.events = events;
        Ok(())
    }

    fn receive(&mut self, index: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        while self.sockets[index].open {
            let socket = &mut self.sockets[index];
            let kept = socket.partial.len();
            buffer[..kept].copy_from_slice(&socket.partial);
            match socket.stream.read(&mut buffer[kept..]) {
                Ok(0) => self.lose(index),
                Ok(n) => {
                    socket.partial.clear();
                    let used = self.frames(index, &buffer[..kept + n]);
                    let rest = &buffer[used..kept + n];
                    self.sockets[index].partial.extend_from_slice(rest);
                    // A short read has emptied the socket.
                    if kept + n < buffer.len() {
                        break;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.lose(index),
            }
        }
        self.buffer = buffer;
    }

    /// Takes the whole frames out of `bytes`; returns how many bytes they are.
    fn frames(&mut self, index: usize, bytes: &[u8]) -> usize {
        let now = Instant::now();
        let mut used = 0;
        while let Some(frame) = websocket::frame(&bytes[used..]) {
            let payload = &bytes[used..][frame.payload.clone()];
            match frame.opcode {
                websocket::TEXT => {
                    if let Some(payload) = self.dialect.payload(payload, self.payload) {
                        self.sockets[index].heard = true;
                        self.delivered(payload, now);
                    } else if let Some(text) = self.dialect.answer(payload) {
                        let mut pong = Vec::new();
                        websocket::append_masked(websocket::TEXT, text, &mut pong);
                        self.send(index, &pong);
                    }
                }
                websocket::PING => {
                    let mut pong = Vec::new();
                    websocket::append_masked(websocket::PONG, payload, &mut pong);
                    self.send(index, &pong);
                }
                websocket::CLOSE => self.lose(index),
                _ => {}
            }
            used += frame.payload.end;
        }
        used
    }

    fn delivered(&mut self, payload: &[u8], now: Instant) {
        let Some((publisher, number)) = publisher::parse(payload) else {
            return;
        };
        let Some(sender) = self.publishers.get_mut(publisher) else {
            return;
        };
        self.deliveries += 1;
        if let Some(arrival) = sender.arrived(number, now) {
            let nanoseconds = u64::try_from(arrival.latency.as_nanos()).unwrap_or(u64::MAX);
            self.latencies.saturating_record(nanoseconds);
            if arrival.everybody {
                self.ready.push(publisher);
            }
        }
    }

    /// A socket that the server has closed.
    fn lose(&mut self, index: usize) {
        let socket = &mut self.sockets[index];
        if socket.open {
            socket.open = false;
            self.lost += 1;
            self.present[socket.room] -= 1;
            let _already_closed = self.poll.registry().deregister(&mut socket.stream);
        }
    }

    /// Gives up on messages that will not reach everybody any more.
    fn write_off(&mut self, now: Instant) {
        for (publisher, sender) in self.publishers.iter_mut().enumerate() {
            let overdue = sender.write_off(now, OVERDUE);
            if overdue > 0 {
                self.overdue += overdue;
                self.ready.push(publisher);
            }
        }
    }
}
