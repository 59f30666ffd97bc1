//! What a socket does beside reading, also while it waits for something else:
//! it drains its outbox and keeps time.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::ws::{
    close::Close,
    outbox::Outbox,
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

impl Keeper {
    /// Waits until the socket has something to do other than to read, and does
    /// it. `Break` if there is nobody any more. Cancel-safe.
    pub(super) async fn keep(
        &self,
        timed: &mut impl Timed,
        mut timer: Pin<&mut Sleep>,
        unanswered: Close,
    ) -> ControlFlow<()> {
        let outbox = &self.outbox;
        let status = outbox.status();
        if status.broken {
            return Break(());
        }
        let give_up = status.oldest.map(|oldest| oldest + self.write_timeout);
        let deadline = timed.deadline();
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
                timed.on_time(now, outbox, unanswered);
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
            tokio::select! {
                biased;
                outcome = &mut future => return Continue(Some(outcome)),
                // Nobody reads the peer's answers meanwhile, so that a
                // heartbeat which is not answered is not its failure.
                kept = self.keep(timed, timer.as_mut(), Close::NotDelivered) => kept?,
            }
            if self.outbox.status().closing.is_some() {
                return Continue(None);
            }
        }
    }
}
