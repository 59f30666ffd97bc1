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
//! | `input` | what has come from the peer and was not looked at |

mod catching_up;
mod input;
mod keeper;
mod mode;
mod raw;
mod rooms_v1;

use std::{
    future::poll_fn,
    ops::ControlFlow::{self, Break, Continue},
    pin::{Pin, pin},
    task::Poll,
};

use tokio::{
    net::tcp::OwnedReadHalf,
    time::{Instant, Sleep, sleep_until, timeout_at},
};

pub(super) use self::{
    catching_up::CatchingUp, input::Input, keeper::Keeper, keeper::Patience, mode::Mode, raw::Raw,
    rooms_v1::RoomsV1,
};
use super::{
    close::{Close, PeerClose},
    frames::{FrameError, Frames, Incoming},
    outbox::Closing,
    session::Frame,
    sockets::Place,
    wire::{OpCode, frame},
};

/// Bytes thrown away, after the service's close frame, while waiting for the
/// peer's end.
const LINGER_BYTES: usize = 1024 * 1024;

/// What a socket's loop works with.
pub(super) struct Socket {
    pub(super) reader: OwnedReadHalf,
    /// At first, what came in behind the handshake's headers.
    pub(super) input: Input,
    pub(super) frames: Frames,
    pub(super) keeper: Keeper,
    pub(super) mode: Mode,
    /// What it counts as.
    pub(super) place: Place,
}

/// How a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The service closed it.
    Closed(Close),
    /// The peer sent a close frame.
    ClosedByPeer(PeerClose),
    /// The connection broke without one.
    Broken,
}

impl End {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Closed(close) => close.label(),
            Self::ClosedByPeer(_) => "closed_by_peer",
            Self::Broken => "broken",
        }
    }
}

impl Socket {
    /// Runs until the connection is over.
    pub(super) async fn run(&mut self) -> End {
        let mut timer = pin!(sleep_until(self.mode.deadline()));
        loop {
            let status = self.keeper.outbox.status();
            if status.broken {
                return End::Broken;
            }
            if let Some(closing) = status.closing {
                // On the heap: it would double what every socket carries all along.
                return Box::pin(self.finish(closing)).await;
            }
            if status.attention {
                self.mode.attend(&self.keeper.outbox);
            }
            let more = match self.mode.go_on(&self.keeper, timer.as_mut()).await {
                Continue(more) => more,
                Break(()) => return End::Broken,
            };
            // Both are looked at each time, so that neither keeps the other.
            let (due, came) = poll_fn(|cx| {
                let due = self.mode.poll_due(&self.keeper, cx, timer.as_mut());
                let came = self.input.poll_fill(&mut self.reader, cx);
                match (due, came) {
                    (Poll::Pending, Poll::Pending) if !more => Poll::Pending,
                    (due, came) => Poll::Ready((due, came)),
                }
            })
            .await;
            if let Poll::Ready(due) = due
                && self.mode.keep(due, &self.keeper, timer.as_mut()).is_break()
            {
                return End::Broken;
            }
            match came {
                Poll::Ready(Ok(0) | Err(_)) => return End::Broken,
                Poll::Ready(Ok(_)) => {
                    // On the heap, as above.
                    if Box::pin(self.take_in(timer.as_mut())).await.is_break() {
                        return End::Broken;
                    }
                }
                Poll::Pending if more => tokio::task::yield_now().await,
                Poll::Pending => {}
            }
        }
    }

    /// Does what the peer's frames say that have come. `Break` if there is
    /// nobody any more.
    async fn take_in(&mut self, mut timer: Pin<&mut Sleep>) -> ControlFlow<()> {
        let is_full = self.input.is_full();
        while !self.input.is_empty() {
            let read = self.frames.read(self.input.unread());
            if !matches!(read, Ok((_, Some(Incoming::Message { .. })))) {
                // Before the end that may come of it, after which nothing is
                // sent.
                self.mode.end_turn(&self.keeper);
            }
            let incoming = match read {
                Ok((n, incoming)) => {
                    self.input.take(n);
                    incoming
                }
                Err(error) => {
                    self.input.clear();
                    self.keeper.outbox.close(match error {
                        FrameError::Protocol => Close::ProtocolError,
                        FrameError::NotUtf8 => Close::NotUtf8,
                        FrameError::TooBig => Close::TooBig,
                    });
                    return Continue(());
                }
            };
            let outbox = &self.keeper.outbox;
            let frame = match incoming {
                Some(Incoming::Message { kind, data }) => Frame::Message { kind, data },
                Some(Incoming::Ping(payload)) => {
                    outbox.send_control(frame(OpCode::Pong, &payload));
                    Frame::Control
                }
                Some(Incoming::Pong) => Frame::Control,
                Some(Incoming::Close(answer)) => {
                    let code = answer.first_chunk().map(|code| u16::from_be_bytes(*code));
                    outbox.answer_close(PeerClose::of(code), frame(OpCode::Close, &answer));
                    self.input.clear();
                    return Continue(());
                }
                None => break,
            };
            self.mode
                .on_frame(frame, &self.keeper, timer.as_mut())
                .await?;
            if self.keeper.outbox.status().closing.is_some() {
                return Continue(());
            }
        }
        self.mode.end_turn(&self.keeper);
        if is_full {
            // There is more, and others of this core wait for their turn.
            tokio::task::yield_now().await;
        }
        Continue(())
    }

    /// Sends what waits, then waits for the peer to be done too, both for a
    /// bounded time: a connection dropped with unread input is reset, and the
    /// peer would lose the close frame.
    async fn finish(&mut self, closing: Closing) -> End {
        let end = match closing {
            Closing::Service(close) => End::Closed(close),
            Closing::Peer(close) => End::ClosedByPeer(close),
        };
        // Nobody in a room waits for this socket any more.
        self.mode.leave();
        let deadline = Instant::now() + self.keeper.patience.close;
        let outbox = &*self.keeper.outbox;
        let drained = timeout_at(deadline, async {
            while outbox.status().oldest.is_some() {
                if poll_fn(|cx| outbox.poll_writable(cx)).await.is_err() {
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
        let (reader, input, frames) = (&mut self.reader, &mut self.input, &mut self.frames);
        let mut discarded = 0;
        let _ = timeout_at(deadline, async {
            let mut answered = !closing.awaits_answer();
            while !answered {
                if !matches!(poll_fn(|cx| input.poll_fill(reader, cx)).await, Ok(1..)) {
                    break;
                }
                // The answer may be among it.
                match frames.read(input.unread()) {
                    Ok((_, Some(Incoming::Close(_)))) | Err(_) => answered = true,
                    Ok((n, _)) => {
                        input.take(n);
                        discarded += n;
                        answered = discarded >= LINGER_BYTES;
                    }
                }
            }
            // Say that there is no more, and let the peer say so.
            outbox.shutdown();
            input.clear();
            while discarded < LINGER_BYTES {
                match poll_fn(|cx| input.poll_fill(reader, cx)).await {
                    Ok(0) | Err(_) => return,
                    Ok(n) => discarded += n,
                }
                input.clear();
            }
        })
        .await;
        end
    }
}
