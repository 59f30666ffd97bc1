//! What a socket does beside reading, also while it waits for something else:
//! it drains its outbox and keeps time.

use std::{
    future::poll_fn,
    ops::ControlFlow::{self, Break, Continue},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::ws::{
    close::Close,
    outbox::{Outbox, Status},
    session::raw::{Action, Session},
    wire::{OpCode, frame},
};

/// What has something to do when a time has come.
pub(super) trait Timed {
    /// The next such time.
    fn deadline(&self) -> Instant;

    /// Does it. `unanswered` is why the socket is closed if its peer didn't
    /// answer a ping.
    fn on_time(&mut self, now: Instant, outbox: &Outbox, unanswered: Close);
}

impl Timed for Session {
    fn deadline(&self) -> Instant {
        Session::deadline(self)
    }

    fn on_time(&mut self, now: Instant, outbox: &Outbox, unanswered: Close) {
        match Session::on_time(self, now) {
            Action::Ping => ping(outbox),
            Action::Close(Close::TooSlow) => outbox.close(unanswered),
            Action::Close(close) => outbox.close(close),
            Action::Publish { .. } | Action::Nothing => {}
        }
    }
}

pub(super) fn ping(outbox: &Outbox) {
    outbox.send_control(frame(OpCode::Ping, b""));
}

/// The way out of a socket, and how long a write may be blocked.
#[derive(Clone)]
pub(in crate::ws) struct Keeper {
    pub(in crate::ws) outbox: Arc<Outbox>,
    pub(in crate::ws) write_timeout: Duration,
}

/// What a socket has to do other than to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// To look at its outbox.
    Look,
    /// To give the kernel what waits.
    Drain,
    /// The time has come for something, perhaps.
    Time,
    /// Nothing any more: there is nobody.
    Over,
}

impl Keeper {
    /// Waits until the socket has something to do other than to read.
    pub(super) fn poll_due(
        &self,
        cx: &mut Context<'_>,
        timed: &impl Timed,
        mut timer: Pin<&mut Sleep>,
    ) -> Poll<Due> {
        let outbox = &self.outbox;
        let Some(status) = outbox.look(cx.waker()) else {
            return Poll::Ready(Due::Look);
        };
        if status.broken {
            return Poll::Ready(Due::Over);
        }
        if status.oldest.is_some()
            && let Poll::Ready(ready) = outbox.poll_writable(cx)
        {
            return Poll::Ready(if ready.is_ok() { Due::Drain } else { Due::Over });
        }
        loop {
            let deadline = self.deadline(timed, status);
            // Each frame of the peer's puts its deadline off, which the timer
            // is told when it has run down: that is seldom, and turning it is
            // dear.
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= deadline {
                return Poll::Ready(Due::Time);
            }
            timer.as_mut().reset(deadline);
        }
    }

    fn deadline(&self, timed: &impl Timed, status: Status) -> Instant {
        let deadline = timed.deadline();
        match status.oldest {
            Some(oldest) => deadline.min(oldest + self.write_timeout),
            None => deadline,
        }
    }

    /// Does what is due. `Break` if there is nobody any more.
    pub(super) fn keep(
        &self,
        due: Due,
        timed: &mut impl Timed,
        timer: Pin<&mut Sleep>,
        unanswered: Close,
    ) -> ControlFlow<()> {
        let outbox = &self.outbox;
        match due {
            Due::Look => {}
            Due::Drain => outbox.drain(),
            Due::Over => return Break(()),
            Due::Time => {
                let now = Instant::now();
                let oldest = outbox.status().oldest;
                if oldest.is_some_and(|oldest| now >= oldest + self.write_timeout) {
                    outbox.give_up();
                }
                timed.on_time(now, outbox, unanswered);
                // It has run down, and must not be looked at before it is set.
                timer.reset(timed.deadline());
            }
        }
        Continue(())
    }

    /// Waits for something. However long that takes, the socket goes on
    /// hearing, and can be ended: then there is no outcome.
    pub(super) async fn meanwhile<T>(
        &self,
        timed: &mut impl Timed,
        mut timer: Pin<&mut Sleep>,
        future: impl Future<Output = T>,
    ) -> ControlFlow<(), Option<T>> {
        let mut future = pin!(future);
        loop {
            let outcome = poll_fn(|cx| {
                if let Poll::Ready(outcome) = future.as_mut().poll(cx) {
                    return Poll::Ready(Ok(outcome));
                }
                self.poll_due(cx, timed, timer.as_mut()).map(Err)
            });
            match outcome.await {
                Ok(outcome) => return Continue(Some(outcome)),
                // Nobody reads the peer's answers meanwhile, so that a
                // heartbeat which is not answered is not its failure.
                Err(due) => self.keep(due, timed, timer.as_mut(), Close::NotDelivered)?,
            }
            if self.outbox.status().closing.is_some() {
                return Continue(None);
            }
        }
    }
}
