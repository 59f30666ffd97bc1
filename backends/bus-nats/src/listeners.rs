//! Those who listen to a room on this node, told as fast as they take it.
//!
//! A room's task that hands on whatever has come may have more than a listener
//! may have pending before that listener gets its turn: it would push out what
//! the listener was about to take.

use std::{sync::Arc, time::Duration};

use contract::{Delivery, Envelope, Message, Position, fanout::Feed};
use tokio::time::{Instant, sleep};

/// How long a room waits for listeners who are behind, in each [`PERIOD`].
/// Beyond that they miss messages: what waits for them here is not bounded as
/// their own inbox is.
const PATIENCE: Duration = Duration::from_secs(1);

const PERIOD: Duration = Duration::from_secs(10);

/// How long it is left to them at a time: they take what is pending in one go.
const TAKING: Duration = Duration::from_millis(1);

/// Messages that are handed on, when there is no patience left, before anybody
/// looks again whether they have caught up.
const UNHEEDED: usize = 64;

/// Whoever listens to a room on this node.
#[derive(Debug)]
pub(crate) struct Listeners {
    feed: Feed,
    /// Messages that all of them have place for.
    space: usize,
    /// Since when `waited` was counted.
    since: Instant,
    waited: Duration,
}

impl Listeners {
    pub(crate) fn new(feed: Feed) -> Self {
        Self {
            feed,
            space: 0,
            since: Instant::now(),
            waited: Duration::ZERO,
        }
    }

    /// Tells them a message, once they have place for it or have been waited
    /// for.
    pub(crate) async fn tell(&mut self, message: Message, position: Option<Position>) {
        if self.space == 0 {
            self.space = self.wait().await;
        }
        self.space -= 1;
        self.feed
            .deliver(Delivery::Message(Arc::new(Envelope { message, position })));
    }

    /// Tells them that they missed nobody knows what.
    pub(crate) fn cut_off(&mut self) {
        // It takes a place as a message does.
        self.space = self.space.saturating_sub(1);
        self.feed.deliver(Delivery::CutOff);
    }

    /// For how many messages they are ready; at least one.
    async fn wait(&mut self) -> usize {
        loop {
            let space = self.feed.space();
            if space > 0 {
                return space;
            }
            let now = Instant::now();
            if now.duration_since(self.since) >= PERIOD {
                self.since = now;
                self.waited = Duration::ZERO;
            }
            if self.waited >= PATIENCE {
                return UNHEEDED;
            }
            sleep(TAKING).await;
            self.waited += now.elapsed();
        }
    }
}
