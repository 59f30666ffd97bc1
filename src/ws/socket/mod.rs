//! The one loop of a socket: it reads what the peer says, drains the outbox
//! while the peer is slow, keeps time, and ends the connection in order.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod` | [`Socket`]: the loop, and the end |
//! | `mode` | what a frame does, in either format |
//! | `raw`, `rooms_v1` | one file for each |
//! | `catching_up` | seats of `rooms.v1` that haven't been told everything |
//! | `keeper` | draining and keeping time, also while something is waited for |
//! | `stream` | the connection as tungstenite sees it |

mod catching_up;
mod keeper;
mod mode;
mod raw;
mod rooms_v1;
mod stream;

use std::{
    io,
    ops::ControlFlow::{self, Break, Continue},
    pin::{Pin, pin},
    time::Duration,
};

use bytes::Bytes;
use contract::Kind;
use tokio::{
    net::tcp::OwnedReadHalf,
    time::{Instant, Sleep, sleep_until, timeout_at},
};
use tungstenite::{
    Error, Message as Incoming,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use self::stream::{Stream, Turn, discard, readable};
pub(super) use self::{
    catching_up::CatchingUp, keeper::Keeper, mode::Mode, raw::Raw, rooms_v1::RoomsV1,
    stream::ReadAhead,
};
use super::{close::Close, outbox::Closing, session::Frame};

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
    pub(super) reader: OwnedReadHalf,
    /// At first, what came in behind the handshake's headers.
    pub(super) ahead: ReadAhead,
    pub(super) keeper: Keeper,
    pub(super) mode: Mode,
    pub(super) max_message_bytes: usize,
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
        let mut context = WebSocketContext::new(Role::Server, Some(config));
        let mut timer = pin!(sleep_until(self.mode.deadline()));
        loop {
            let status = self.keeper.outbox.status();
            if status.broken {
                return End::Broken;
            }
            if let Some(closing) = status.closing {
                // On the heap: it would double what every socket carries all along.
                return Box::pin(self.finish(&mut context, closing)).await;
            }
            if status.attention {
                self.mode.attend(&self.keeper.outbox);
            }
            let more = match self.mode.go_on(&self.keeper, timer.as_mut()).await {
                Continue(more) => more,
                Break(()) => return End::Broken,
            };
            tokio::select! {
                kept = self.mode.keep(&self.keeper, timer.as_mut()) => {
                    if kept.is_break() {
                        return End::Broken;
                    }
                }
                came = readable(&self.reader, &self.ahead) => {
                    if came.is_err() || self.read(&mut context, timer.as_mut()).await.is_break() {
                        return End::Broken;
                    }
                }
                () = tokio::task::yield_now(), if more => {}
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
        let mut turn = Turn::of(READ_TURN);
        loop {
            let mut stream = Stream {
                reader: &self.reader,
                ahead: &mut self.ahead,
                outbox: &self.keeper.outbox,
                turn: &mut turn,
            };
            let came = context.read(&mut stream);
            if !matches!(
                came,
                Ok(Incoming::Text(_) | Incoming::Binary(_) | Incoming::Ping(_) | Incoming::Pong(_))
            ) {
                // Before the end that may come of it, after which nothing is sent.
                self.mode.end_turn(&self.keeper);
            }
            let frame = match came {
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
                    if turn.is_over() {
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
            self.mode
                .on_frame(frame, &self.keeper, timer.as_mut())
                .await?;
            if self.keeper.outbox.status().closing.is_some() {
                return Continue(());
            }
        }
    }

    fn close(&self, close: Close) -> ControlFlow<()> {
        self.keeper.outbox.close(close);
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
        // Nobody in a room waits for this socket any more.
        self.mode.leave();
        let deadline = Instant::now() + self.close_timeout;
        let (reader, outbox) = (&self.reader, &*self.keeper.outbox);
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
        let ahead = &mut self.ahead;
        let mut turn = Turn::of(LINGER_BYTES);
        let _ = timeout_at(deadline, async {
            let mut answered = !closing.awaits_answer();
            while !answered {
                let mut stream = Stream {
                    reader,
                    ahead,
                    outbox,
                    turn: &mut turn,
                };
                // The answer may be in the buffer already.
                answered = match context.read(&mut stream) {
                    Ok(Incoming::Close(_)) => true,
                    Ok(_) => false,
                    Err(Error::Io(error))
                        if error.kind() == io::ErrorKind::WouldBlock && !turn.is_over() =>
                    {
                        readable(reader, ahead).await.is_err()
                    }
                    Err(_) => true,
                };
            }
            // Say that there is no more, and let the peer say so.
            outbox.shutdown();
            ahead.clear();
            let mut discarded = 0;
            while discarded < LINGER_BYTES && readable(reader, ahead).await.is_ok() {
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
