//! The sockets of this node: how many there may be, which belong to a session
//! that ended, and closing them all.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use contract::{SessionId, UserId};
use dashmap::{DashMap, mapref::entry::Entry};
use smallvec::SmallVec;
use tokio::{sync::Notify, time::sleep};

use super::{close::Close, instruments::SocketInstruments, outbox::Outbox, wire::Format};
use crate::telemetry::metrics::Label;

/// How often a drain closes the next sockets.
const DRAIN_STEP: Duration = Duration::from_millis(20);

/// The sockets of this node.
pub struct Sockets {
    max: usize,
    max_per_user: u32,
    count: AtomicUsize,
    /// Of those, which have come out of their handshake, by format.
    open: [AtomicUsize; 2],
    per_user: DashMap<UserId, u32>,
    /// Most sessions have one, which then is in the map itself.
    by_session: DashMap<SessionId, SmallVec<[Arc<Outbox>; 1]>>,
    emptied: Notify,
    instruments: SocketInstruments,
}

/// What waits for clients that read too slowly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlogs {
    /// Sockets of such clients.
    pub sockets: usize,
    /// Bytes that wait for them all.
    pub bytes: usize,
}

/// Why one more socket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The node has as many as it may have.
    #[error("this node has as many sockets as it may have")]
    Node,
    /// The user has as many as one may have.
    #[error("this user has as many sockets as one may have")]
    User,
}

impl Sockets {
    /// At most `max` sockets, at most `max_per_user` of one user.
    #[must_use]
    pub fn new(max: usize, max_per_user: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            max_per_user: u32::try_from(max_per_user).unwrap_or(u32::MAX),
            count: AtomicUsize::new(0),
            open: Default::default(),
            per_user: DashMap::new(),
            by_session: DashMap::new(),
            emptied: Notify::new(),
            instruments: SocketInstruments::default(),
        })
    }

    /// Counts one more socket of a user, and makes it known under its session,
    /// until the place is dropped.
    ///
    /// # Errors
    /// [`Full`]
    pub fn admit(
        self: &Arc<Self>,
        user: UserId,
        session: SessionId,
        outbox: &Arc<Outbox>,
    ) -> Result<Place, Full> {
        self.count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                (n < self.max).then_some(n + 1)
            })
            .map_err(|_| Full::Node)?;
        let mut of_user = self.per_user.entry(user).or_insert(0);
        if *of_user >= self.max_per_user {
            drop(of_user);
            self.one_less();
            return Err(Full::User);
        }
        *of_user += 1;
        drop(of_user);
        self.by_session
            .entry(session)
            .or_default()
            .push(Arc::clone(outbox));
        Ok(Place {
            sockets: Arc::clone(self),
            user,
            session,
            outbox: Arc::clone(outbox),
            opened: None,
        })
    }

    /// How many sockets there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// How many there may be.
    #[must_use]
    pub fn max(&self) -> usize {
        self.max
    }

    /// How many there are of a format, out of their handshake.
    #[must_use]
    pub fn open(&self, format: Format) -> usize {
        self.open[format.index()].load(Ordering::Relaxed)
    }

    /// What is counted of them.
    pub(super) fn instruments(&self) -> &SocketInstruments {
        &self.instruments
    }

    /// What waits for clients that read too slowly. Every socket is asked: that
    /// takes a millisecond or so for 10,000 of them.
    #[must_use]
    pub fn backlogs(&self) -> Backlogs {
        let mut backlogs = Backlogs::default();
        for of_session in &self.by_session {
            for outbox in of_session.iter() {
                let bytes = outbox.waiting_bytes();
                backlogs.sockets += usize::from(bytes > 0);
                backlogs.bytes += bytes;
            }
        }
        backlogs
    }

    /// Closes the sockets of a session; returns how many.
    pub fn close_session(&self, session: SessionId, close: Close) -> usize {
        // Cloned, so that no lock of the map is held across a write.
        let of_session = self
            .by_session
            .get(&session)
            .map(|of| of.clone())
            .unwrap_or_default();
        for outbox in &of_session {
            outbox.close(close);
        }
        of_session.len()
    }

    /// Closes all sockets, spread evenly over `spread`, so that their clients
    /// don't come back all at once; then waits until they are gone.
    pub async fn drain(&self, close: Close, spread: Duration) {
        let outboxes: Vec<Arc<Outbox>> = self.by_session.iter().flat_map(|of| of.clone()).collect();
        let steps =
            usize::try_from(spread.as_millis() / DRAIN_STEP.as_millis()).unwrap_or(usize::MAX);
        let step = outboxes.len().div_ceil(steps.max(1)).max(1);
        let mut steps = outboxes.chunks(step).peekable();
        while let Some(step) = steps.next() {
            for outbox in step {
                outbox.close(close);
            }
            if steps.peek().is_some() {
                sleep(DRAIN_STEP).await;
            }
        }
        drop(outboxes);
        loop {
            let emptied = self.emptied.notified();
            // Those that were just being registered.
            for of in &self.by_session {
                for outbox in of.iter() {
                    outbox.close(close);
                }
            }
            if self.count() == 0 {
                return;
            }
            tokio::select! {
                () = emptied => {}
                () = sleep(DRAIN_STEP) => {}
            }
        }
    }

    fn one_less(&self) {
        if self.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.emptied.notify_waiters();
        }
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// One socket among those of its node.
#[derive(Debug)]
pub struct Place {
    sockets: Arc<Sockets>,
    user: UserId,
    session: SessionId,
    outbox: Arc<Outbox>,
    /// In which format, once it is out of its handshake.
    opened: Option<Format>,
}

impl Place {
    /// The socket is out of its handshake.
    pub(super) fn opened(&mut self, format: Format) {
        if self.opened.replace(format).is_none() {
            self.sockets.open[format.index()].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is counted of sockets.
    pub(super) fn instruments(&self) -> &SocketInstruments {
        &self.sockets.instruments
    }

    /// Whose the socket is.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The session that it belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(format) = self.opened {
            self.sockets.open[format.index()].fetch_sub(1, Ordering::Relaxed);
        }
        if let Entry::Occupied(mut of_session) = self.sockets.by_session.entry(self.session) {
            of_session
                .get_mut()
                .retain(|outbox| !Arc::ptr_eq(outbox, &self.outbox));
            if of_session.get().is_empty() {
                of_session.remove();
            }
        }
        if let Entry::Occupied(mut of_user) = self.sockets.per_user.entry(self.user) {
            *of_user.get_mut() -= 1;
            if *of_user.get() == 0 {
                of_user.remove();
            }
        }
        self.sockets.one_less();
    }
}
