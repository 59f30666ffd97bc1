//! Bounds of single values: zero where something must be, or too much to be meant.

use std::{collections::BTreeSet, fmt::Display, ops::RangeInclusive, time::Duration};

use super::duration::Friendly;

/// Collects what is out of bounds.
pub(super) struct Bounds {
    // Keys whose value is refused already, and stands at its default.
    silent: BTreeSet<String>,
    refusals: Vec<(String, String)>,
}

impl Bounds {
    pub(super) fn new(silent: BTreeSet<String>) -> Self {
        Self {
            silent,
            refusals: Vec::new(),
        }
    }

    pub(super) fn refuse(&mut self, key: &str, reason: impl Into<String>) {
        if !self.silent.contains(key) {
            self.refusals.push((key.to_owned(), reason.into()));
        }
    }

    pub(super) fn require(&mut self, key: &str, holds: bool, reason: impl Into<String>) {
        if !holds {
            self.refuse(key, reason);
        }
    }

    pub(super) fn number<T: PartialOrd + Display>(
        &mut self,
        key: &str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        self.require(
            key,
            range.contains(&value),
            format!("{value} is not from {} to {}", range.start(), range.end()),
        );
    }

    pub(super) fn duration(&mut self, key: &str, value: Duration, range: RangeInclusive<Duration>) {
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

    pub(super) fn into_refusals(self) -> impl Iterator<Item = (String, String)> {
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
