//! A TCP connection that is closed when it stays without a request, or with
//! half of one.
//!
//! hyper has one timeout for both. A short one closes connections that clients
//! and proxies keep for their next request, just when that comes; a long one
//! lets whoever sends half a head hold a connection for as long.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, sleep},
};

/// How long a connection may be without a request.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte of a request, or the opening, to the end of the head.
    pub head: Duration,
    /// From an answer to the next request's first byte.
    pub idle: Duration,
}

/// What a connection is used for just now, shared by its stream and whoever
/// serves it: the state in the lowest bits, above them how often it changed.
#[derive(Debug, Clone)]
pub struct Phase(Arc<AtomicU32>);

const STATE: u32 = 0b11;
const IDLE: u32 = 0;
const HEAD: u32 = 1;
const BUSY: u32 = 2;

impl Phase {
    /// A request's head has come in.
    pub fn busy(&self) {
        self.change(BUSY);
    }

    /// The request has its answer.
    pub fn idle(&self) {
        self.change(IDLE);
    }

    fn change(&self, state: u32) {
        let changes = self.0.load(Ordering::Relaxed) & !STATE;
        self.0
            .store(changes.wrapping_add(STATE + 1) | state, Ordering::Relaxed);
    }

    fn bytes_came(&self) {
        if self.0.load(Ordering::Relaxed) & STATE == IDLE {
            self.change(HEAD);
        }
    }

    /// Serves a connection until it ends, or until its patience does: `None`.
    ///
    /// All changes of the phase happen while `serving` is polled, so looking
    /// after each poll misses none.
    pub async fn watch<F: Future>(
        self,
        serving: Pin<&mut F>,
        patience: Patience,
    ) -> Option<F::Output> {
        let mut serving = serving;
        let mut seen = self.0.load(Ordering::Relaxed);
        let mut timer = pin!(sleep(patience.head));
        poll_fn(|cx| {
            if let Poll::Ready(ended) = serving.as_mut().poll(cx) {
                return Poll::Ready(Some(ended));
            }
            let now = self.0.load(Ordering::Relaxed);
            let state = now & STATE;
            if now != seen {
                seen = now;
                let patience = if state == HEAD {
                    patience.head
                } else {
                    patience.idle
                };
                timer.as_mut().reset(Instant::now() + patience);
            }
            // While a request is served, it has a time limit of its own.
            if state != BUSY && timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }
}

/// A TCP connection whose phase can be watched.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    phase: Phase,
}

impl Connection {
    /// A connection that was just accepted: its first head is due.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            phase: Phase(Arc::new(AtomicU32::new(HEAD))),
        }
    }

    /// What it is used for.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.clone()
    }

    /// The stream alone.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.phase.bytes_came();
        }
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
