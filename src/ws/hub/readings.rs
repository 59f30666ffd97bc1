//! What a room has missed, read once for all who missed the same: after a cut
//! that is everybody who sits in it.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use contract::{BusError, Position};
use parking_lot::Mutex;

use super::seat::Reading;

/// Readings of one room that are wanted now, by the place from which on.
#[derive(Default)]
pub(super) struct Readings(Mutex<Vec<(Position, Weak<Wanted>)>>);

/// What was said from one place on, and who wants to know it.
#[derive(Default)]
struct Wanted {
    /// Counts who asked, and what was read, in one order.
    turns: AtomicU64,
    /// The last reading, when it began, and who waits for the next.
    last: tokio::sync::Mutex<Option<(u64, Outcome)>>,
}

type Outcome = Result<Reading, Shared>;

/// A failure that several were waiting to hear of.
#[derive(Debug, Clone)]
struct Shared(Arc<BusError>);

impl Readings {
    /// What `read` comes to, or what it came to for another who asked for the
    /// same place: by then it was not begun, so nothing is missing that was said
    /// before this one asked.
    pub(super) async fn since(
        &self,
        place: Position,
        read: impl Future<Output = Result<Reading, BusError>>,
    ) -> Result<Reading, BusError> {
        let wanted = self.wanted(place);
        let asked = wanted.turns.fetch_add(1, Ordering::Relaxed);
        // Whoever goes away while reading leaves it to the next.
        let mut last = wanted.last.lock().await;
        if let Some((begun, outcome)) = &*last
            && *begun > asked
        {
            return outcome.clone().map_err(Shared::into_error);
        }
        let begun = wanted.turns.fetch_add(1, Ordering::Relaxed);
        let outcome = read.await.map_err(|error| Shared(Arc::new(error)));
        *last = Some((begun, outcome.clone()));
        outcome.map_err(Shared::into_error)
    }

    fn wanted(&self, place: Position) -> Arc<Wanted> {
        let mut all = self.0.lock();
        all.retain(|(_, wanted)| wanted.strong_count() > 0);
        let same = all.iter().find(|(other, _)| *other == place);
        if let Some(wanted) = same.and_then(|(_, wanted)| wanted.upgrade()) {
            return wanted;
        }
        let wanted = Arc::new(Wanted::default());
        all.push((place, Arc::downgrade(&wanted)));
        wanted
    }
}

impl Shared {
    fn into_error(self) -> BusError {
        match &*self.0 {
            BusError::Unavailable(_) => BusError::Unavailable(Box::new(self)),
            BusError::Failed(_) => BusError::Failed(Box::new(self)),
        }
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was missed can't be read")
    }
}

impl Error for Shared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.0 {
            BusError::Unavailable(cause) | BusError::Failed(cause) => Some(&**cause),
        }
    }
}
