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
    static SPARE: Cell<Option<Box<Chunk>>> = const { Cell::new(None) };
}

/// What has come and was not looked at. It takes memory only while there is
/// something.
#[derive(Default)]
pub(in crate::ws) struct Input(Option<Box<Chunk>>);

/// Of `bytes`, those from `start` to `end`: at least one.
struct Chunk {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Input {
    pub(in crate::ws) fn new(bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        let chunk = (end > 0).then(|| Chunk {
            bytes: bytes.into_boxed_slice(),
            start: 0,
            end,
        });
        Self(chunk.map(Box::new))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn unread(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Some(chunk) => &mut chunk.bytes[chunk.start..chunk.end],
            None => &mut [],
        }
    }

    /// So much of it has been looked at.
    pub(super) fn take(&mut self, n: usize) {
        if let Some(chunk) = &mut self.0 {
            chunk.start += n;
            if chunk.start >= chunk.end {
                self.clear();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        if let Some(chunk) = self.0.take_if(|chunk| chunk.bytes.len() == CHUNK) {
            SPARE.set(Some(chunk));
        }
        self.0 = None;
    }

    /// Whether the peer has more to say, most probably.
    pub(super) fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|chunk| chunk.end == CHUNK)
    }

    /// Reads if there is nothing; returns how much there is, 0 at the end.
    pub(super) fn poll_fill(
        &mut self,
        reader: &mut OwnedReadHalf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Some(chunk) = &self.0 {
            return Poll::Ready(Ok(chunk.end - chunk.start));
        }
        let mut chunk = SPARE.take().unwrap_or_else(|| {
            Box::new(Chunk {
                bytes: vec![0; CHUNK].into_boxed_slice(),
                start: 0,
                end: 0,
            })
        });
        let mut buf = ReadBuf::new(&mut chunk.bytes);
        let polled = Pin::new(reader).poll_read(cx, &mut buf);
        let n = buf.filled().len();
        (chunk.start, chunk.end) = (0, n);
        if n > 0 {
            self.0 = Some(chunk);
        } else {
            SPARE.set(Some(chunk));
        }
        ready!(polled)?;
        Poll::Ready(Ok(n))
    }
}
