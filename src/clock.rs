//! What time it is.

use contract::Timestamp;

/// Now, in whole milliseconds: what stores and messages keep.
#[must_use]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
