//! The one loop of a socket: it reads what the peer says, drains the outbox
//! while the peer is slow, keeps time, and ends the connection in order.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    ops::ControlFlow::{self, Break, Continue},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use contract::{ConnectionId, Kind, Message, Timestamp, UserId};
use tokio::{
    net::tcp::OwnedReadHalf,
    time::{Instant, Sleep, sleep_until, timeout_at},
};
use tungstenite::{
    Error, Message as Incoming,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use super::{
    close::Close,
    hub::Seat,
    outbox::{Closing, Outbox},
    session::{Action, Frame, Session},
    wire::{OpCode, frame},
};

/// What is read in one go: small, because every idle socket has one.
const READ_BUFFER: usize = 512;

/// Bytes that one socket may read before the others of its core get their
/// turn: tungstenite reads on as long as there is something.
const READ_TURN: usize = 64 * 1024;

/// Bytes thrown away, after the service's close frame, while waiting for the
/// peer's end.
const LINGER_BYTES: usize = 1024 * 1024;

/// What a socket's loop works with.
pub(super) struct Socket {
    pub(super) user: UserId,
    pub(super) connection: ConnectionId,
    pub(super) reader: OwnedReadHalf,
    /// What came in behind the handshake's headers.
    pub(super) read_ahead: Vec<u8>,
    pub(super) outbox: Arc<Outbox>,
    /// `None` once the socket has left the room.
    pub(super) seat: Option<Seat>,
    pub(super) session: Session,
    pub(super) max_message_bytes: usize,
    pub(super) write_timeout: Duration,
    pub(super) close_timeout: Duration,
}

/// How a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The service closed it.
    Closed(Close),
    /// The peer sent a close frame.
    ClosedByPeer,
    /// The connection broke without one.
    Broken,
}

impl End {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Closed(close) => close.label(),
            Self::ClosedByPeer => "closed_by_peer",
            Self::Broken => "broken",
        }
    }
}

impl Socket {
    /// Runs until the connection is over.
    pub(super) async fn run(&mut self) -> End {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(self.max_message_bytes))
            .max_frame_size(Some(self.max_message_bytes));
        let read_ahead = std::mem::take(&mut self.read_ahead);
        // What came early is already in the buffer, where no readiness shows it.
        let mut ready = !read_ahead.is_empty();
        let mut context =
            WebSocketContext::from_partially_read(read_ahead, Role::Server, Some(config));
        let mut timer = pin!(sleep_until(self.session.deadline()));
        loop {
            let status = self.outbox.status();
            if status.broken {
                return End::Broken;
            }
            if let Some(closing) = status.closing {
                // On the heap: it would double what every socket carries all along.
                return Box::pin(self.finish(&mut context, closing)).await;
            }
            tokio::select! {
                kept = keep(&self.outbox, &mut self.session, timer.as_mut(), self.write_timeout, Close::TooSlow) => {
                    if kept.is_break() {
                        return End::Broken;
                    }
                }
                came = readable(&self.reader, ready) => {
                    ready = false;
                    if came.is_err() || self.read(&mut context, timer.as_mut()).await.is_break() {
                        return End::Broken;
                    }
                }
            }
        }
    }

    /// Takes in what the peer has sent, for one turn. `Break` if there is
    /// nobody any more.
    async fn read(
        &mut self,
        context: &mut WebSocketContext,
        mut timer: Pin<&mut Sleep>,
    ) -> ControlFlow<()> {
        let mut left = READ_TURN;
        loop {
            let mut stream = Stream {
                reader: &self.reader,
                outbox: &self.outbox,
                left: &mut left,
            };
            let frame = match context.read(&mut stream) {
                Ok(Incoming::Text(text)) => Frame::Message {
                    kind: Kind::Text,
                    data: Bytes::from(text),
                },
                Ok(Incoming::Binary(data)) => Frame::Message {
                    kind: Kind::Binary,
                    data,
                },
                Ok(Incoming::Ping(_) | Incoming::Pong(_)) => Frame::Control,
                // The library has its answer ready, and gives it at the next read.
                Ok(Incoming::Close(_) | Incoming::Frame(_)) => continue,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    if left == 0 {
                        // The readiness of a socket costs nothing of tokio's
                        // budget: only this ends the turn.
                        tokio::task::yield_now().await;
                    }
                    return Continue(());
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Continue(()),
                Err(Error::Capacity(_)) => return self.close(Close::TooBig),
                Err(Error::Utf8(_)) => return self.close(Close::NotUtf8),
                Err(Error::Protocol(
                    tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
                )) => return Break(()),
                Err(Error::Protocol(_)) => return self.close(Close::ProtocolError),
                Err(_) => return Break(()),
            };
            match self.session.on_frame(frame, Instant::now()) {
                Action::Publish { kind, data } => {
                    self.publish(kind, data, timer.as_mut()).await?;
                }
                Action::Close(close) => return self.close(close),
                Action::Ping | Action::Nothing => {}
            }
            if self.outbox.status().closing.is_some() {
                return Continue(());
            }
        }
    }

    fn close(&self, close: Close) -> ControlFlow<()> {
        self.outbox.close(close);
        Continue(())
    }

    /// Says something in the room. However long that takes, the socket goes on
    /// hearing, and can be ended.
    async fn publish(
        &mut self,
        kind: Kind,
        data: Bytes,
        mut timer: Pin<&mut Sleep>,
    ) -> ControlFlow<()> {
        let message = Message {
            from: Some(self.user),
            connection: Some(self.connection),
            at: Timestamp::now(),
            kind,
            data,
            key: None,
        };
        let Some(seat) = &self.seat else {
            return Continue(());
        };
        let mut publishing = pin!(seat.publish(message));
        let published = loop {
            tokio::select! {
                biased;
                published = &mut publishing => break published,
                // Nobody reads its answers meanwhile, so that a heartbeat
                // which is not answered is not the peer's failure.
                kept = keep(&self.outbox, &mut self.session, timer.as_mut(), self.write_timeout, Close::NotDelivered) => kept?,
            }
            if self.outbox.status().closing.is_some() {
                return Continue(());
            }
        };
        if let Err(error) = published {
            tracing::warn!(
                user = %self.user,
                error = &error as &dyn std::error::Error,
                "a message could not be published"
            );
            // Raw mode has no other way to say that it was heard by nobody.
            self.outbox.close(Close::NotDelivered);
        }
        Continue(())
    }

    /// Sends what waits, then waits for the peer to be done too, both for a
    /// bounded time: a connection dropped with unread input is reset, and the
    /// peer would lose the close frame.
    async fn finish(&mut self, context: &mut WebSocketContext, closing: Closing) -> End {
        let end = match closing {
            Closing::Service(close) => End::Closed(close),
            Closing::Peer => End::ClosedByPeer,
        };
        // Nobody in the room waits for this socket any more.
        self.seat = None;
        let deadline = Instant::now() + self.close_timeout;
        let (reader, outbox) = (&self.reader, &self.outbox);
        let drained = timeout_at(deadline, async {
            while outbox.status().oldest.is_some() {
                if outbox.writable().await.is_err() {
                    return;
                }
                outbox.drain();
            }
        });
        if drained.await.is_err() {
            // It does not read; the kernel would keep trying for minutes.
            outbox.reset_on_drop();
            return end;
        }
        let mut left = LINGER_BYTES;
        let _ = timeout_at(deadline, async {
            let mut answered = !closing.awaits_answer();
            while !answered {
                let mut stream = Stream {
                    reader,
                    outbox,
                    left: &mut left,
                };
                // The answer may be in the buffer already.
                answered = match context.read(&mut stream) {
                    Ok(Incoming::Close(_)) => true,
                    Ok(_) => false,
                    Err(Error::Io(error))
                        if error.kind() == io::ErrorKind::WouldBlock && left > 0 =>
                    {
                        readable(reader, false).await.is_err()
                    }
                    Err(_) => true,
                };
            }
            // Say that there is no more, and let the peer say so.
            outbox.shutdown();
            let mut discarded = 0;
            while discarded < LINGER_BYTES && readable(reader, false).await.is_ok() {
                match discard(reader) {
                    Ok(0) => return,
                    Ok(n) => discarded += n,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        })
        .await;
        end
    }
}

/// Waits until a socket has something to do other than to read, and does it:
/// drains the outbox, keeps time. `Break` if there is nobody any more.
/// Cancel-safe.
async fn keep(
    outbox: &Outbox,
    session: &mut Session,
    mut timer: Pin<&mut Sleep>,
    write_timeout: Duration,
    unanswered: Close,
) -> ControlFlow<()> {
    let status = outbox.status();
    if status.broken {
        return Break(());
    }
    let give_up = status.oldest.map(|oldest| oldest + write_timeout);
    let deadline = session.deadline();
    let deadline = give_up.map_or(deadline, |give_up| deadline.min(give_up));
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    tokio::select! {
        () = outbox.woken() => {}
        ready = outbox.writable(), if status.oldest.is_some() => match ready {
            Ok(()) => outbox.drain(),
            Err(_) => return Break(()),
        },
        () = timer => {
            let now = Instant::now();
            if give_up.is_some_and(|give_up| now >= give_up) {
                outbox.give_up();
            }
            match session.on_time(now) {
                Action::Ping => outbox.send_control(frame(OpCode::Ping, b"")),
                Action::Close(Close::TooSlow) => outbox.close(unanswered),
                Action::Close(close) => outbox.close(close),
                Action::Publish { .. } | Action::Nothing => {}
            }
        }
    }
    Continue(())
}

/// Waits until there is something to read, in the one place where the task
/// that served the handshake waited. `OwnedReadHalf::readable` waits elsewhere,
/// so the finished task would be kept for as long as the socket lives.
async fn readable(reader: &OwnedReadHalf, already: bool) -> io::Result<()> {
    if already {
        return Ok(());
    }
    poll_fn(|cx| reader.as_ref().poll_read_ready(cx)).await
}

/// Reads and forgets. Not in the loop, whose buffer every socket would carry.
fn discard(reader: &OwnedReadHalf) -> io::Result<usize> {
    reader.try_read(&mut [0; 4096])
}

/// The stream that tungstenite sees: it reads from the socket, and what it
/// writes (pongs, the answer to a close) goes the way of everything else.
struct Stream<'a> {
    reader: &'a OwnedReadHalf,
    outbox: &'a Outbox,
    left: &'a mut usize,
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
