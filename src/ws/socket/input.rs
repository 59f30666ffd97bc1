//! What has come from a peer and was not looked at yet.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::tcp::OwnedReadHalf,
};

/// Bytes that are read in one go: many small messages then cost one system
/// call, and come to their room together. It is as much as one socket may read
/// before the others of its core get their turn.
const CHUNK: usize = 32 * 1024;

thread_local! {
    /// Of all sockets that wait for something to read, none has memory for it:
    /// whoever comes to read uses this.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// What has come and was not looked at. It takes memory only while there is
/// something.
#[derive(Debug, Default)]
pub(in crate::ws) struct Input {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Input {
    pub(in crate::ws) fn new(bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        Self {
            bytes: bytes.into_boxed_slice(),
            start: 0,
            end,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn unread(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// So much of it has been looked at.
    pub(super) fn take(&mut self, n: usize) {
        self.start += n;
        if self.is_empty() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        let bytes = std::mem::take(self).bytes;
        if bytes.len() == CHUNK {
            SPARE.set(Some(bytes));
        }
    }

    /// Whether the peer has more to say, most probably.
    pub(super) fn is_full(&self) -> bool {
        self.end == CHUNK
    }

    /// Reads if there is nothing; returns how much there is, 0 at the end.
    ///
    /// It waits in the one place where the task that served the handshake
    /// waited: `OwnedReadHalf::readable` waits elsewhere, so that the finished
    /// task would be kept for as long as the socket lives.
    pub(super) fn poll_fill(
        &mut self,
        reader: &mut OwnedReadHalf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if !self.is_empty() {
            return Poll::Ready(Ok(self.end - self.start));
        }
        let mut bytes = SPARE
            .take()
            .unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice());
        let mut buf = ReadBuf::new(&mut bytes);
        let polled = Pin::new(reader).poll_read(cx, &mut buf);
        let n = buf.filled().len();
        *self = Self {
            bytes,
            start: 0,
            end: n,
        };
        if n == 0 {
            self.clear();
        }
        ready!(polled)?;
        Poll::Ready(Ok(n))
    }
}
