//! Bounds of single values: zero where something must be, or too much to be meant.

use std::{collections::BTreeSet, fmt::Display, ops::RangeInclusive, time::Duration};

use super::{duration::Friendly, load::is_within};

/// Collects what is out of bounds.
pub(super) struct Bounds {
    // Keys that are refused already, and stand at their defaults.
    silent: BTreeSet<String>,
    refusals: Vec<Refusal>,
}

/// A value that is refused, by itself or beside others.
pub(super) struct Refusal {
    pub(super) key: &'static str,
    pub(super) others: &'static [&'static str],
    pub(super) reason: String,
}

impl Refusal {
    pub(super) fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self {
            key,
            others: &[],
            reason: reason.into(),
        }
    }
}

impl Bounds {
    pub(super) fn new(silent: BTreeSet<String>) -> Self {
        Self {
            silent,
            refusals: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, refusal: Refusal) {
        // A section isn't judged by what stands in for a refused part of it.
        if !self.silent.iter().any(|key| is_within(key, refusal.key)) {
            self.refusals.push(refusal);
        }
    }

    pub(super) fn refuse(&mut self, key: &'static str, reason: impl Into<String>) {
        self.add(Refusal::new(key, reason));
    }

    pub(super) fn require(&mut self, key: &'static str, holds: bool, reason: impl Into<String>) {
        if !holds {
            self.refuse(key, reason);
        }
    }

    /// What values owe each other, if each is within its own bounds.
    pub(super) fn together(
        &mut self,
        key: &'static str,
        others: &'static [&'static str],
        holds: bool,
        relation: &str,
    ) {
        let refused = others.iter().chain([&key]).any(|key| {
            self.silent.contains(*key) || self.refusals.iter().any(|refusal| refusal.key == *key)
        });
        if !holds && !refused {
            self.refusals.push(Refusal {
                key,
                others,
                reason: format!("{relation} {}", others.join(" and ")),
            });
        }
    }

    pub(super) fn number<T: PartialOrd + Display>(
        &mut self,
        key: &'static str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        self.require(
            key,
            range.contains(&value),
            format!("{value} is not from {} to {}", range.start(), range.end()),
        );
    }

    pub(super) fn duration(
        &mut self,
        key: &'static str,
        value: Duration,
        range: RangeInclusive<Duration>,
    ) {
        self.require(
            key,
            range.contains(&value),
            format!(
                "{} is not from {} to {}",
                Friendly(value),
                Friendly(*range.start()),
                Friendly(*range.end())
            ),
        );
    }

    pub(super) fn into_refusals(self) -> impl Iterator<Item = Refusal> {
        self.refusals.into_iter()
    }
}

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) const fn mins(mins: u64) -> Duration {
    Duration::from_secs(60 * mins)
}

pub(super) const fn hours(hours: u64) -> Duration {
    mins(60 * hours)
}
