//! What every bus that keeps messages is asked for.

use std::time::Duration;

use super::bounds::{Bounds, hours, mins};

pub(super) const fn age() -> Duration {
    hours(24)
}

pub(super) fn check_capacity(capacity: usize, bounds: &mut Bounds) {
    bounds.number("bus.capacity", capacity, 1..=65_536);
}

pub(super) fn check_history(history: usize, age: Duration, bounds: &mut Bounds) {
    bounds.number("bus.history", history, 0..=10_000);
    bounds.duration("bus.history_age", age, mins(1)..=hours(24 * 365));
}
