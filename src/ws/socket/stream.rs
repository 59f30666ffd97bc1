//! The stream that tungstenite sees: it reads from the socket, and what it
//! writes (pongs, the answer to a close) goes the way of everything else.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    mem,
};

use bytes::{Buf, Bytes};
use tokio::net::tcp::OwnedReadHalf;

use crate::ws::{outbox::Outbox, wire::OpCode};

/// What is read in one go from a peer that has more to say than fits into the
/// library's buffer: small messages then cost one system call in a hundred, and
/// come to their room together.
const READ_AHEAD: usize = 16 * 1024;

/// What has come from the peer and not gone to the library yet. It takes memory
/// only while there is something.
pub(in crate::ws) struct ReadAhead(io::Cursor<Vec<u8>>);

impl ReadAhead {
    pub(in crate::ws) fn new(bytes: Vec<u8>) -> Self {
        Self(io::Cursor::new(bytes))
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.0.has_remaining()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(Vec::new());
    }

    fn take(&mut self, buf: &mut [u8]) -> usize {
        let n = self.0.remaining().min(buf.len());
        self.0.copy_to_slice(&mut buf[..n]);
        if self.is_empty() {
            self.clear();
        }
        n
    }
}

/// How much a socket may read before the others of its core get their turn.
pub(super) struct Turn {
    left: usize,
    /// Whether the peer has more to say than the library asks for.
    full: bool,
}

impl Turn {
    /// A turn of so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self {
            left: bytes,
            full: false,
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }
}

pub(super) struct Stream<'a> {
    pub(super) reader: &'a OwnedReadHalf,
    pub(super) ahead: &'a mut ReadAhead,
    pub(super) outbox: &'a Outbox,
    pub(super) turn: &'a mut Turn,
}

impl Stream<'_> {
    fn read_socket(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !mem::take(&mut self.turn.full) || buf.len() >= READ_AHEAD {
            let n = self.reader.try_read(buf)?;
            self.turn.full = n == buf.len();
            return Ok(n);
        }
        let mut bytes = vec![0; READ_AHEAD];
        let n = self.reader.try_read(&mut bytes)?;
        self.turn.full = n == bytes.len();
        bytes.truncate(n);
        *self.ahead = ReadAhead::new(bytes);
        Ok(self.ahead.take(buf))
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.turn.is_over() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = if self.ahead.is_empty() {
            self.read_socket(buf)?
        } else {
            self.ahead.take(buf)
        };
        self.turn.left = self.turn.left.saturating_sub(n);
        Ok(n)
    }
}

impl Write for Stream<'_> {
    /// Takes one whole frame: the library buffers nothing and writes frame by frame.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let bytes = Bytes::copy_from_slice(buf);
        let is_close = buf
            .first()
            .is_some_and(|first| first & 0x0F == OpCode::Close as u8);
        if is_close {
            self.outbox.answer_close(bytes);
        } else {
            self.outbox.send_control(bytes);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits until there is something to read, in the one place where the task
/// that served the handshake waited. `OwnedReadHalf::readable` waits elsewhere,
/// so the finished task would be kept for as long as the socket lives.
pub(super) async fn readable(reader: &OwnedReadHalf, ahead: &ReadAhead) -> io::Result<()> {
    // What has been read already shows in no readiness.
    if !ahead.is_empty() {
        return Ok(());
    }
    poll_fn(|cx| reader.as_ref().poll_read_ready(cx)).await
}

/// Reads and forgets. Not in the loop, whose buffer every socket would carry.
pub(super) fn discard(reader: &OwnedReadHalf) -> io::Result<usize> {
    reader.try_read(&mut [0; 4096])
}
