//! What sessions do, told by one who does one thing after the other: written from
//! what `SessionStore` promises, and not as any store does it.

use std::collections::BTreeSet;

use super::{super::samples::GRACE, IDLE};

#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// The token so many before the latest (1 is its parent), or, below 0, after
    /// it; with a grace or without.
    Refresh {
        session: usize,
        back: i64,
        grace: bool,
    },
    Logout(usize),
    /// Everywhere, or everywhere else.
    LogoutAll(Option<usize>),
    ChangePassword(usize),
    Disable,
}

/// A session, as the model has it. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) counter: i64,
    pub(super) rotated_at: i64,
    pub(super) idle_end: i64,
    pub(super) end: i64,
    pub(super) ended_at: Option<i64>,
    pub(super) is_purged: bool,
}

impl Row {
    pub(super) fn is_over(&self, now: i64) -> bool {
        self.is_purged || self.ended_at.is_some() || now >= self.idle_end || now >= self.end
    }

    fn refresh(&mut self, presented: i64, grace: i64, now: i64) -> Answer {
        if self.is_over(now) {
            return Answer::Ended;
        }
        if presented == self.counter {
            self.counter += 1;
            self.rotated_at = now;
            self.idle_end = self.end.min(now + IDLE);
            return Answer::Rotated(self.clone());
        }
        if presented == self.counter - 1 && grace > 0 && now - self.rotated_at < grace {
            return Answer::Repeated(self.clone());
        }
        let reused = Answer::Reused(self.clone());
        self.ended_at = Some(now);
        reused
    }
}

/// What a call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Rotated(Row),
    Repeated(Row),
    Reused(Row),
    Ended,
    LoggedOut(bool),
    /// Which were ended.
    EndedAll(BTreeSet<usize>),
    Conflict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) rows: Vec<Row>,
    /// Which password the account has.
    pub(super) password: u32,
}

/// A call, with all that it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) call: Call,
    pub(super) presented: i64,
    pub(super) password: u32,
    pub(super) now: i64,
}

impl Model {
    pub(super) fn answer(&mut self, asked: Asked) -> Answer {
        let now = asked.now;
        match asked.call {
            Call::Refresh { session, grace, .. } => {
                let grace = if grace { GRACE } else { 0 };
                self.rows[session].refresh(asked.presented, grace, now)
            }
            Call::Logout(session) => {
                let ended = self.end(now, |at| at == session);
                Answer::LoggedOut(!ended.is_empty())
            }
            Call::LogoutAll(keep) => Answer::EndedAll(self.end(now, |at| Some(at) != keep)),
            Call::ChangePassword(_) if asked.password != self.password => Answer::Conflict,
            Call::ChangePassword(keep) => {
                self.password += 1;
                Answer::EndedAll(self.end(now, |at| at != keep))
            }
            Call::Disable => Answer::EndedAll(self.end(now, |_| true)),
        }
    }

    /// Whoever ends a session need not know that its time has come.
    fn end(&mut self, now: i64, which: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let mut ended = BTreeSet::new();
        for (at, row) in self.rows.iter_mut().enumerate() {
            if which(at) && row.ended_at.is_none() && !row.is_purged {
                row.ended_at = Some(now);
                ended.insert(at);
            }
        }
        ended
    }

    pub(super) fn purge(&mut self, now: i64, ended_before: i64) {
        for row in &mut self.rows {
            row.is_purged |= match row.ended_at {
                Some(at) => at <= ended_before,
                None => row.idle_end <= now,
            };
        }
    }
}

/// The orders in which so many calls can be.
pub(super) fn orders(calls: usize) -> Vec<Vec<usize>> {
    let Some(last) = calls.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let mut all = Vec::new();
    for order in orders(last) {
        for at in 0..=order.len() {
            let mut order = order.clone();
            order.insert(at, last);
            all.push(order);
        }
    }
    all
}
