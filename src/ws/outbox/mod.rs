//! A socket's way out: whole frames in, bytes to the kernel, and a bounded
//! backlog while the reader is slow.
//!
//! The room's hub, the socket's own task and whoever ends a session all send
//! through it, so frames never mix. Sending never waits: what the kernel
//! doesn't take at once is kept, and the socket's task is woken to drain it.

mod backlog;

use std::{
    io::{self, IoSlice},
    net::Shutdown,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::{net::tcp::OwnedWriteHalf, time::Instant};

use self::backlog::Backlog;
pub use self::backlog::BacklogLimits;
use super::{
    close::{Close, PeerClose},
    wire::Batch,
};

/// Chunks in one vectored write.
const MAX_SLICES: usize = 32;

/// A socket's way out.
#[derive(Debug)]
pub struct Outbox {
    /// Empty until the connection has become a socket: what is sent before
    /// waits.
    writer: OnceLock<OwnedWriteHalf>,
    /// Those of all sockets.
    limits: Arc<BacklogLimits>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    backlog: Backlog,
    /// Who ends the socket, and why; the first reason stands.
    closing: Option<Closing>,
    /// The peer is gone: nothing can be written any more.
    broken: bool,
    /// Something happened to one of the socket's seats.
    attention: bool,
    /// The socket's task has something to do here that it hasn't seen.
    unseen: bool,
    /// The socket's task.
    task: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        self.unseen = true;
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }

    fn status(&self) -> Status {
        Status {
            oldest: self.backlog.oldest(),
            closing: self.closing,
            broken: self.broken,
            attention: self.attention,
        }
    }

    /// Whether nothing is sent any more.
    fn is_over(&self) -> bool {
        self.closing.is_some() || self.broken
    }
}

/// Who ends a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The service, for this reason.
    Service(Close),
    /// The peer, which sent a close frame.
    Peer(PeerClose),
}

impl Closing {
    /// Whether the peer's close frame is still to come: not after a frame that
    /// couldn't be read, behind which there are none.
    #[must_use]
    pub fn awaits_answer(self) -> bool {
        !matches!(
            self,
            Self::Peer(_) | Self::Service(Close::ProtocolError | Close::NotUtf8 | Close::TooBig)
        )
    }
}

impl Outbox {
    /// Keeps what is sent until there is something to send it through.
    #[must_use]
    pub fn new(limits: impl Into<Arc<BacklogLimits>>) -> Self {
        Self {
            writer: OnceLock::new(),
            limits: limits.into(),
            state: Mutex::default(),
        }
    }

    /// Sends through `writer` from now on, first of all what waits.
    pub fn attach(&self, writer: OwnedWriteHalf) {
        // Only a second call could fail, and it would change nothing.
        let _ = self.writer.set(writer);
        self.drain();
    }

    /// Sends messages, or closes with [`Close::TooSlow`] if that would make
    /// the backlog larger than its bound. Nothing is sent once the socket is
    /// being closed.
    pub fn send(&self, batch: &Batch) {
        let mut state = self.state.lock();
        if state.is_over() {
            return;
        }
        self.put(&mut state, &batch.bytes, &batch.ends);
        self.bound(&mut state, *self.limits);
    }

    /// Sends messages if the backlog has room for them, else none of them;
    /// returns whether it did. What is sent once the socket is being closed
    /// goes nowhere, as with [`Self::send`].
    #[must_use]
    pub fn offer(&self, batch: &Batch) -> bool {
        let mut state = self.state.lock();
        if state.is_over() {
            return true;
        }
        if !state.backlog.takes(batch, *self.limits) {
            // As in `bound`.
            self.write_to_kernel(&mut state);
            if !state.backlog.takes(batch, *self.limits) {
                return false;
            }
        }
        self.put(&mut state, &batch.bytes, &batch.ends);
        true
    }

    /// Bytes that wait.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.state.lock().backlog.bytes()
    }

    /// Whether no more than half of what may wait does.
    #[must_use]
    pub fn is_half_empty(&self) -> bool {
        self.state.lock().backlog.is_half_empty(*self.limits)
    }

    /// Sends the answer to something that the peer sent. It may wait when
    /// messages may not, but not for ever: a peer that sends on and on without
    /// reading is closed with [`Close::TooSlow`] when twice as much waits.
    pub fn reply(&self, frame: Bytes) {
        let mut state = self.state.lock();
        if state.is_over() {
            return;
        }
        self.put(&mut state, &frame, &Arc::default());
        self.bound(&mut state, self.limits.doubled());
    }

    /// Has the socket's task look at its seats.
    pub fn attend(&self) {
        let mut state = self.state.lock();
        state.attention = true;
        state.wake();
    }

    /// Whether the socket's task was asked to look at its seats since the last
    /// call.
    #[must_use]
    pub fn take_attention(&self) -> bool {
        std::mem::take(&mut self.state.lock().attention)
    }

    /// Sends one whole control frame. Pongs count against the backlog as
    /// messages do, so that a peer can't fill it with pings.
    pub fn send_control(&self, frame: Bytes) {
        let mut state = self.state.lock();
        if state.is_over() {
            return;
        }
        self.put(&mut state, &frame, &Arc::default());
        self.bound(&mut state, *self.limits);
    }

    /// Ends the socket: what waits is still sent, then the close frame, and
    /// nothing after it. Later calls change nothing.
    pub fn close(&self, close: Close) {
        let mut state = self.state.lock();
        if state.closing.is_none() {
            self.begin_close(&mut state, close);
        }
    }

    /// Answers the peer's close frame, after which nothing is sent.
    pub fn answer_close(&self, close: PeerClose, reply: Bytes) {
        let mut state = self.state.lock();
        if state.closing.is_none() {
            self.put(&mut state, &reply, &Arc::default());
            state.closing = Some(Closing::Peer(close));
        }
    }

    /// Closes if more waits than may.
    fn bound(&self, state: &mut State, limits: BacklogLimits) {
        if !state.backlog.exceeds(limits) {
            return;
        }
        // On a busy node the peer may have read everything since the socket's
        // task or tokio's own poll last ran: only the kernel knows.
        self.write_to_kernel(state);
        if state.backlog.exceeds(limits) {
            self.close_too_slow(state);
        }
    }

    fn write_to_kernel(&self, state: &mut State) {
        if let Some(writer) = self.writer.get() {
            let socket = SockRef::from(writer.as_ref());
            self.write_out(state, |slices| socket.send_vectored(slices));
        }
    }

    fn close_too_slow(&self, state: &mut State) {
        // The reader would get all this too late; but a frame that has begun
        // must end before the close frame can be understood.
        state.backlog.keep_begun_frame();
        self.begin_close(state, Close::TooSlow);
    }

    fn begin_close(&self, state: &mut State, close: Close) {
        self.put(state, &close.wire(), &Arc::default());
        state.closing = Some(Closing::Service(close));
        state.wake();
    }

    fn put(&self, state: &mut State, bytes: &Bytes, ends: &Arc<[u32]>) {
        let mut written = 0;
        if state.backlog.is_empty() {
            let tried = match self.writer.get() {
                Some(writer) => writer.try_write(bytes),
                None => Err(io::ErrorKind::WouldBlock.into()),
            };
            match tried {
                Ok(n) if n == bytes.len() => return,
                Ok(n) => written = n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return self.broken(state),
            }
            state.wake();
        }
        state.backlog.push(bytes, ends, written);
    }

    fn broken(&self, state: &mut State) {
        state.backlog = Backlog::default();
        state.attention = false;
        state.broken = true;
        state.wake();
    }

    /// What the socket's task must know, and has it woken when that changes;
    /// `None` if something has happened since the last time, to be looked at
    /// first.
    pub fn look(&self, task: &Waker) -> Option<Status> {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.unseen) {
            return None;
        }
        if !state
            .task
            .as_ref()
            .is_some_and(|known| known.will_wake(task))
        {
            state.task = Some(task.clone());
        }
        Some(state.status())
    }

    /// Waits until the kernel may take more.
    ///
    /// # Errors
    /// The connection's.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.writer.get() {
            Some(writer) => writer.as_ref().poll_write_ready(cx),
            None => Poll::Pending,
        }
    }

    /// Gives the kernel as much of the backlog as it takes.
    pub fn drain(&self) {
        let Some(writer) = self.writer.get() else {
            return;
        };
        self.write_out(&mut self.state.lock(), |slices| {
            writer.try_write_vectored(slices)
        });
    }

    fn write_out(&self, state: &mut State, write: impl Fn(&[IoSlice<'_>]) -> io::Result<usize>) {
        while !state.backlog.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let used = state.backlog.fill(&mut slices);
            match write(&slices[..used]) {
                Ok(0) => return self.broken(state),
                Ok(n) => state.backlog.written(n),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.broken(state),
            }
        }
    }

    /// Says to the peer that nothing more will come.
    pub fn shutdown(&self) {
        if let Some(writer) = self.writer.get() {
            // A peer that is gone already needn't be told.
            let _ = SockRef::from(writer.as_ref()).shutdown(Shutdown::Write);
        }
    }

    /// Makes the end of the connection a reset: what the kernel still holds for
    /// a peer that doesn't read is given up at once.
    pub fn reset_on_drop(&self) {
        if let Some(writer) = self.writer.get() {
            // At worst the kernel gives up by itself, minutes later.
            let _ = SockRef::from(writer.as_ref()).set_linger(Some(Duration::ZERO));
        }
    }

    /// What the socket's task must know.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state.lock().status()
    }

    /// The oldest has waited too long: what waits is given up, and the socket
    /// is closed as too slow.
    pub fn give_up(&self) {
        let mut state = self.state.lock();
        if !state.is_over() {
            self.close_too_slow(&mut state);
        }
    }
}

/// What the socket's task must know of its outbox.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// Since when the oldest of what waits for the kernel does.
    pub oldest: Option<Instant>,
    /// Who ends the socket, and why.
    pub closing: Option<Closing>,
    /// The peer is gone.
    pub broken: bool,
    /// Something happened to one of the socket's seats.
    pub attention: bool,
}
