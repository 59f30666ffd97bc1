//! The client: one thread, one epoll, some handshakes under way at any time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde::Serialize;
use socket2::{Domain, Protocol, Socket, Type};

use crate::harness::tokens::Mint;
use crate::harness::{Outcome, process, websocket};
use crate::plan::{After, Drained, Held, Opened, Plan};

/// Handshakes under way.
const AT_ONCE: usize = 64;
/// Sockets from one address: well below the ports that it has.
const PER_ADDRESS: usize = 8_000;
/// How long opened sockets rest before memory is read.
const SETTLE: Duration = Duration::from_secs(1);
/// How long all may take to open, and to be heard, pinged or closed.
const OPENING: Duration = Duration::from_secs(120);
const HEARING: Duration = Duration::from_secs(20);
const PINGING: Duration = Duration::from_secs(60);
const CLOSING: Duration = Duration::from_secs(30);
/// The close code of a server that restarts.
const RESTARTING: u16 = 1012;

struct Connection {
    stream: TcpStream,
    /// What has come of the answer, or of a frame.
    partial: Vec<u8>,
    open: bool,
    heard: bool,
    pinged: bool,
    /// What the server said at the end; `None` if it has said nothing.
    closed: Option<u16>,
}

#[derive(Default)]
struct Counts {
    open: usize,
    heard: usize,
    pinged: usize,
    closed: usize,
}

struct Crowd<'a> {
    plan: &'a Plan,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    counts: Counts,
    buffer: Vec<u8>,
}

/// The role [`crate::plan::ROLE`].
pub(crate) fn run(argument: &str) -> Outcome<()> {
    let plan: Plan = serde_json::from_str(argument)?;
    let requests = requests(&plan)?;
    let before = process::resident(plan.server)?;
    let mut crowd = Crowd {
        plan: &plan,
        poll: Poll::new()?,
        events: Events::with_capacity(1024),
        connections: Vec::new(),
        counts: Counts::default(),
        buffer: vec![0; 64 * 1024],
    };
    say(&crowd.open(&requests)?)?;
    if plan.after == After::End {
        return Ok(());
    }
    say(&crowd.hold(before)?)?;
    if plan.after == After::Drain {
        crowd.until(CLOSING, |counts| counts.closed)?;
        let restarting = |c: &&Connection| c.closed == Some(RESTARTING);
        let restarting = crowd.connections.iter().filter(restarting).count();
        say(&Drained {
            restarting,
            otherwise: plan.sockets - restarting,
        })?;
    }
    Ok(())
}

fn say(what: &impl Serialize) -> Outcome<()> {
    println!("{}", serde_json::to_string(what)?);
    Ok(())
}

/// The handshakes: tokens are made before anything is measured.
fn requests(plan: &Plan) -> Outcome<Vec<String>> {
    let mint = plan.signer.as_ref().map(Mint::new).transpose()?;
    (0..plan.sockets)
        .map(|socket| {
            let room = format!("bench-{}", socket / plan.per_room);
            let (path, token) = match &mint {
                Some(mint) => ("/ws".to_owned(), mint.token(&room)?),
                None => (format!("/ws/{room}"), "not-looked-at".to_owned()),
            };
            Ok(websocket::request(plan.address, &path, "", &token))
        })
        .collect()
}

impl Crowd<'_> {
    fn open(&mut self, requests: &[String]) -> Outcome<Opened> {
        let (server, own) = (self.plan.server, std::process::id());
        let (server_cpu, client_cpu) = (process::cpu(server)?, process::cpu(own)?);
        let start = Instant::now();
        while self.counts.open < requests.len() {
            if start.elapsed() > OPENING {
                return Err(format!("{} of {} opened", self.counts.open, requests.len()).into());
            }
            let next = self.connections.len();
            if next < requests.len() && next - self.counts.open < AT_ONCE {
                self.connect(&requests[next])?;
            } else {
                self.turn()?;
            }
        }
        Ok(Opened {
            elapsed: start.elapsed(),
            server_cpu: process::cpu(server)?.saturating_sub(server_cpu),
            client_cpu: process::cpu(own)?.saturating_sub(client_cpu),
        })
    }

    /// Connects, which loopback does at once, and sends the handshake.
    fn connect(&mut self, request: &str) -> Outcome<()> {
        let index = self.connections.len();
        let host = u8::try_from(2 + index / PER_ADDRESS)?;
        let from = SocketAddr::from((Ipv4Addr::new(127, 0, self.plan.block, host), 0));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.bind(&from.into())?;
        socket.connect(&self.plan.address.into())?;
        socket.set_tcp_nodelay(true)?;
        // A client that ends leaves no port waiting.
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(socket.into());
        stream.write_all(request.as_bytes())?;
        self.poll
            .registry()
            .register(&mut stream, Token(index), Interest::READABLE)?;
        self.connections.push(Connection {
            stream,
            partial: Vec::new(),
            open: false,
            heard: false,
            pinged: false,
            closed: None,
        });
        Ok(())
    }

    /// Memory, a message in each room, and pings where they are asked for.
    fn hold(&mut self, before: u64) -> Outcome<Held> {
        let cpu = process::cpu(self.plan.server)?;
        let rested = Instant::now() + SETTLE;
        while Instant::now() < rested {
            self.turn()?;
        }
        let open = process::resident(self.plan.server)?;
        if self.plan.after == After::Drain {
            self.until(PINGING, |counts| counts.pinged)?;
        }
        let ping_cpu = process::cpu(self.plan.server)?.saturating_sub(cpu);

        let mut message = Vec::new();
        websocket::append_masked(websocket::TEXT, b"is everybody here?", &mut message);
        for first in (0..self.connections.len()).step_by(self.plan.per_room) {
            self.connections[first].stream.write_all(&message)?;
            self.turn()?;
        }
        self.until(HEARING, |counts| counts.heard)?;
        Ok(Held {
            before,
            open,
            heard: self.counts.heard,
            pinged: self.counts.pinged,
            ping_cpu,
        })
    }

    /// Receives until `what` has happened to every socket.
    fn until(&mut self, limit: Duration, what: fn(&Counts) -> usize) -> Outcome<()> {
        let deadline = Instant::now() + limit;
        while what(&self.counts) < self.plan.sockets {
            if Instant::now() > deadline {
                let (done, all) = (what(&self.counts), self.plan.sockets);
                return Err(format!("{done} of {all} sockets after {limit:?}").into());
            }
            self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Outcome<()> {
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        match self.poll.poll(&mut events, Some(Duration::from_millis(20))) {
            Err(e) if e.kind() != ErrorKind::Interrupted => return Err(e.into()),
            _ => {}
        }
        for event in &events {
            self.receive(event.token().0)?;
        }
        self.events = events;
        Ok(())
    }

    fn receive(&mut self, index: usize) -> Outcome<()> {
        let connection = &mut self.connections[index];
        loop {
            match connection.stream.read(&mut self.buffer) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => {
                    if !connection.open {
                        return Err("the server closed during a handshake".into());
                    }
                    // After a close this is how it ends.
                    if connection.closed.is_none() {
                        connection.closed = Some(0);
                        self.counts.closed += 1;
                    }
                    let _already_closed = self.poll.registry().deregister(&mut connection.stream);
                    return Ok(());
                }
                Ok(n) => connection.partial.extend_from_slice(&self.buffer[..n]),
            }
            connection.understand(&mut self.counts)?;
        }
    }
}

impl Connection {
    /// Takes the answer and whole frames out of what has come.
    fn understand(&mut self, counts: &mut Counts) -> Outcome<()> {
        let mut used = 0;
        if !self.open {
            let Some(end) = self.partial.windows(4).position(|w| w == b"\r\n\r\n") else {
                return Ok(());
            };
            if !self.partial.starts_with(b"HTTP/1.1 101") {
                let text = String::from_utf8_lossy(&self.partial).into_owned();
                return Err(format!("a handshake was refused: {text}").into());
            }
            self.open = true;
            counts.open += 1;
            used = end + 4;
        }
        while let Some(frame) = websocket::frame(&self.partial[used..]) {
            let payload = &self.partial[used..][frame.payload.clone()];
            let mut answer = Vec::new();
            match frame.opcode {
                websocket::TEXT if !std::mem::replace(&mut self.heard, true) => counts.heard += 1,
                websocket::PING => {
                    websocket::append_masked(websocket::PONG, payload, &mut answer);
                    if !std::mem::replace(&mut self.pinged, true) {
                        counts.pinged += 1;
                    }
                }
                websocket::CLOSE if self.closed.is_none() => {
                    websocket::append_masked(websocket::CLOSE, payload, &mut answer);
                    let code = payload.first_chunk::<2>().copied().unwrap_or_default();
                    self.closed = Some(u16::from_be_bytes(code));
                    counts.closed += 1;
                }
                _ => {}
            }
            used += frame.payload.end;
            if !answer.is_empty() {
                // A few bytes always fit; an error shows at the next read.
                let _a_few_bytes = self.stream.write(&answer);
            }
        }
        self.partial.drain(..used);
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        Ok(())
    }
}
