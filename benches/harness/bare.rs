//! The limit: sockets and premade bytes, and nothing else.
//!
//! One thread and one epoll. A message's frame is made once; everything that a
//! turn of the loop has read for a room goes to each member in one write. No
//! limits, no UTF-8, no pings, no accounts: what a server can't be cheaper
//! than.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::{Outcome, websocket};

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// `None` before the handshake.
    room: Option<usize>,
    /// The start of a frame, or of a request.
    partial: Vec<u8>,
    /// What the kernel would not take yet.
    unsent: Vec<u8>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    /// Frames of this turn.
    pending: Vec<u8>,
}

struct Server {
    poll: Poll,
    /// By token.
    connections: Vec<Option<Connection>>,
    /// Tokens to use again.
    free: Vec<usize>,
    rooms: Vec<Room>,
    names: HashMap<String, usize>,
    /// Rooms with something pending.
    busy: Vec<usize>,
}

/// Serves until it is killed.
pub(crate) fn serve(address: &str) -> Outcome<()> {
    let mut listener = TcpListener::bind(address.parse::<SocketAddr>()?)?;
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut server = Server {
        poll,
        connections: Vec::new(),
        free: Vec::new(),
        rooms: Vec::new(),
        names: HashMap::new(),
        busy: Vec::new(),
    };
    let mut buffer = vec![0; 64 * 1024];
    let mut events = Events::with_capacity(1024);
    loop {
        match server.poll.poll(&mut events, None) {
            Err(e) if e.kind() != ErrorKind::Interrupted => return Err(e.into()),
            _ => {}
        }
        for event in &events {
            if event.token() == LISTENER {
                server.accept(&listener)?;
                continue;
            }
            if event.is_writable() {
                server.write_unsent(event.token().0);
            }
            if event.is_readable() {
                server.read(event.token().0, &mut buffer);
            }
        }
        server.deliver();
    }
}

impl Server {
    fn accept(&mut self, listener: &TcpListener) -> Outcome<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e.into()),
            };
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            // Edge-triggered: writable only speaks up after a write was
            // refused.
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(index), interest)?;
            self.connections[index] = Some(Connection {
                stream,
                room: None,
                partial: Vec::new(),
                unsent: Vec::new(),
            });
        }
    }

    fn read(&mut self, index: usize, buffer: &mut [u8]) {
        while let Some(connection) = &mut self.connections[index] {
            let kept = connection.partial.len();
            buffer[..kept].copy_from_slice(&connection.partial);
            let n = match connection.stream.read(&mut buffer[kept..]) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => return self.close(index),
                Ok(n) => n,
            };
            let bytes = &mut buffer[..kept + n];
            let used = match connection.room {
                Some(room) => self.frames(room, bytes),
                None => self.request(index, bytes),
            };
            let rest = &buffer[used..kept + n];
            if let Some(connection) = &mut self.connections[index] {
                connection.partial = rest.to_vec();
            }
            // A short read has emptied the socket.
            if kept + n < buffer.len() {
                return;
            }
        }
    }

    /// Appends the messages in `bytes` to what is pending for the room.
    fn frames(&mut self, room: usize, bytes: &mut [u8]) -> usize {
        let mut used = 0;
        while let Some(frame) = websocket::frame(&bytes[used..]) {
            if frame.opcode == websocket::TEXT {
                let room_state = &mut self.rooms[room];
                if room_state.pending.is_empty() {
                    self.busy.push(room);
                }
                let payload = &bytes[used..][frame.payload.clone()];
                let pending = &mut room_state.pending;
                let start = websocket::append(websocket::TEXT, payload, pending);
                if let Some(mask) = frame.mask {
                    websocket::unmask(mask, &mut pending[start..]);
                }
            }
            used += frame.payload.end;
        }
        used
    }

    /// Answers a request; one for `/ws/{room}` puts the connection into it.
    fn request(&mut self, index: usize, bytes: &[u8]) -> usize {
        let text = String::from_utf8_lossy(bytes);
        let Some(end) = text.find("\r\n\r\n") else {
            return 0;
        };
        let header = |name: &str| {
            let mut lines = text[..end].lines();
            lines
                .find_map(|line| line.strip_prefix(name))
                .map(str::trim)
        };
        let room = text
            .strip_prefix("GET /ws/")
            .and_then(|rest| rest.split(' ').next());
        let answer = match (room, header("Sec-WebSocket-Key:")) {
            (Some(room), Some(key)) => {
                let count = self.names.len();
                let room = *self.names.entry(room.to_owned()).or_insert(count);
                if room == self.rooms.len() {
                    self.rooms.push(Room::default());
                }
                self.rooms[room].members.push(index);
                if let Some(connection) = &mut self.connections[index] {
                    connection.room = Some(room);
                }
                let accept =
                    tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
                format!(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                     Upgrade: websocket\r\nSec-WebSocket-Protocol: bearer\r\n\
                     Sec-WebSocket-Accept: {accept}\r\n\r\n"
                )
            }
            _ => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        self.write(index, answer.as_bytes());
        end + 4
    }

    /// What this turn has read goes to each member in one write.
    fn deliver(&mut self) {
        for room in std::mem::take(&mut self.busy) {
            let members = std::mem::take(&mut self.rooms[room].members);
            let mut pending = std::mem::take(&mut self.rooms[room].pending);
            for &member in &members {
                self.write(member, &pending);
            }
            pending.clear();
            self.rooms[room].pending = pending;
            self.rooms[room].members = members;
        }
    }

    fn write(&mut self, index: usize, bytes: &[u8]) {
        let Some(connection) = &mut self.connections[index] else {
            return;
        };
        let mut written = 0;
        if connection.unsent.is_empty() {
            // An error shows at the next read.
            written = connection.stream.write(bytes).unwrap_or(0);
        }
        connection.unsent.extend_from_slice(&bytes[written..]);
    }

    fn write_unsent(&mut self, index: usize) {
        let Some(connection) = &mut self.connections[index] else {
            return;
        };
        while !connection.unsent.is_empty() {
            match connection.stream.write(&connection.unsent) {
                Ok(n) => drop(connection.unsent.drain(..n)),
                Err(_) => return,
            }
        }
        connection.unsent = Vec::new();
    }

    fn close(&mut self, index: usize) {
        let Some(connection) = self.connections[index].take() else {
            return;
        };
        self.free.push(index);
        if let Some(room) = connection.room {
            self.rooms[room].members.retain(|&member| member != index);
        }
    }
}
