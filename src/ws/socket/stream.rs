//! The stream that tungstenite sees: it reads from the socket, and what it
//! writes (pongs, the answer to a close) goes the way of everything else.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
};

use bytes::Bytes;
use tokio::net::tcp::OwnedReadHalf;

use crate::ws::{outbox::Outbox, wire::OpCode};

pub(super) struct Stream<'a> {
    pub(super) reader: &'a OwnedReadHalf,
    pub(super) outbox: &'a Outbox,
    /// Bytes that may still be read in this turn.
    pub(super) left: &'a mut usize,
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if *self.left == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = self.reader.try_read(buf)?;
        *self.left = self.left.saturating_sub(n);
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
pub(super) async fn readable(reader: &OwnedReadHalf, already: bool) -> io::Result<()> {
    if already {
        return Ok(());
    }
    poll_fn(|cx| reader.as_ref().poll_read_ready(cx)).await
}

/// Reads and forgets. Not in the loop, whose buffer every socket would carry.
pub(super) fn discard(reader: &OwnedReadHalf) -> io::Result<usize> {
    reader.try_read(&mut [0; 4096])
}
