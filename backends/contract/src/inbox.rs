//! What one listener of a room has not taken yet: as long as its bound allows,
//! and no larger than it has to be.
//!
//! A ring with a place for each of the 100 messages that a listener may fall
//! behind takes some 7 KB, in every room, for messages that are mostly taken
//! one by one. This grows when they are not, and shrinks again.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use crate::Delivery;

/// Deliveries that an empty inbox keeps memory for.
const KEPT: usize = 8;

/// The deliveries of one listener.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pending: VecDeque<Delivery>,
    /// Messages that had to make place for newer ones.
    missed: u64,
    /// Among what had to make place was [`Delivery::CutOff`].
    cut_off: bool,
    listener: Option<Waker>,
}

impl Inbox {
    /// Adds a delivery; the oldest makes place if that would be more than
    /// `bound`. Whoever waits for it is to be woken.
    pub(crate) fn push(&mut self, delivery: Delivery, bound: usize) -> Option<Waker> {
        if self.pending.len() >= bound {
            match self.pending.pop_front() {
                Some(Delivery::Message(_)) => self.missed += 1,
                Some(Delivery::Missed(missed)) => self.missed += missed,
                Some(Delivery::CutOff) => self.cut_off = true,
                None => {}
            }
        }
        self.pending.push_back(delivery);
        self.listener.take()
    }

    /// How many deliveries are pending.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Takes the oldest delivery; first, that something is missing before it.
    pub(crate) fn take(&mut self) -> Option<Delivery> {
        if std::mem::take(&mut self.cut_off) {
            // It may have been any number of messages, those included.
            self.missed = 0;
            return Some(Delivery::CutOff);
        }
        if self.missed > 0 {
            return Some(Delivery::Missed(std::mem::take(&mut self.missed)));
        }
        let delivery = self.pending.pop_front();
        if self.pending.is_empty() && self.pending.capacity() > KEPT {
            // A room that was loud once may be silent for days.
            self.pending = VecDeque::new();
        }
        delivery
    }

    /// As [`Self::take`], waiting for it.
    pub(crate) fn poll_take(&mut self, cx: &Context<'_>) -> Poll<Delivery> {
        match self.take() {
            Some(delivery) => Poll::Ready(delivery),
            None => {
                self.listener = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
