//! What everything that serves accounts shares.

use std::{fmt, sync::Arc};

use tokio_util::task::TaskTracker;

use crate::{
    accounts::{
        Accounts,
        tokens::{KeyRing, TokenVerifier},
    },
    limits::Limits,
    rooms::Rooms,
};

/// What everything that serves accounts shares.
pub struct App {
    /// The use cases of accounts.
    pub accounts: Accounts,
    /// The use cases of rooms.
    pub rooms: Rooms,
    /// How often clients may ask.
    pub limits: Arc<Limits>,
    /// The one check of access tokens.
    pub verifier: Arc<TokenVerifier>,
    /// What signs tokens; its public half is served.
    pub keys: Arc<KeyRing>,
    /// Largest body of a request, in bytes.
    pub body_limit: usize,
    /// Work that goes on when its client has gone; the drain waits for it.
    pub work: TaskTracker,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("accounts", &self.accounts)
            .field("rooms", &self.rooms)
            .finish_non_exhaustive()
    }
}
