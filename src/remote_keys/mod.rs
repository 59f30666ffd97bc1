//! The public keys of other nodes, by their JWK set: fetched at the start,
//! kept fresh, and looked for again when a token names a key that isn't known.

mod fetch;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::Mutex,
    time::{Instant, interval_at, sleep},
};

pub use self::fetch::FetchError;
use self::fetch::Origin;
use crate::{
    accounts::tokens::{Jwks, JwksError, KeySet, KeySource, VerificationKeys, jwks::Ignored},
    config::JwksUrl,
};

/// How old keys become: a key that is withdrawn verifies so long at most,
/// while the auth nodes can be reached.
const REFRESH_INTERVAL: Duration = Duration::from_secs(300);

/// At least so long from the end of a fetch to the next: whoever forges key
/// ids must not set the pace at which auth nodes are asked.
const PAUSE: Duration = Duration::from_secs(5);

/// For so long at the start, a fetch that may go well soon is tried again.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The pauses between those tries: the first, and the longest.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(1);

/// There are no keys to start with.
#[derive(Debug, thiserror::Error)]
#[error("no keys from {url}")]
pub struct RemoteKeysError {
    /// Where they should be.
    pub url: JwksUrl,
    /// The cause.
    #[source]
    pub source: FetchError,
}

/// Keys that are fetched. A clone is a handle to the same keys.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Shared>);

struct Shared {
    url: JwksUrl,
    origin: Origin,
    keys: Arc<VerificationKeys>,
    flight: Arc<Mutex<Flight>>,
}

/// Whoever has it fetches.
struct Flight {
    /// The last refresh.
    ended: Option<Instant>,
    /// What was left out then, so that it isn't said every time.
    ignored: Vec<Ignored>,
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys")
            .field("url", &self.0.url)
            .field("keys", &self.0.keys)
            .finish_non_exhaustive()
    }
}

impl RemoteKeys {
    /// Fetches the keys. What may be better soon is tried again for `patience`.
    ///
    /// # Errors
    /// [`RemoteKeysError`], with what went wrong last.
    pub async fn start(url: &JwksUrl, patience: Duration) -> Result<Self, RemoteKeysError> {
        let failed = |source| RemoteKeysError {
            url: url.clone(),
            source,
        };
        let origin = Origin::new(url).map_err(failed)?;
        let deadline = Instant::now() + patience;
        let mut pause = FIRST_RETRY;
        let jwks = loop {
            match origin.fetch().await {
                Ok(jwks) => break jwks,
                Err(error) if error.may_pass() && Instant::now() + pause < deadline => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "no keys yet; trying again"
                    );
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_RETRY);
                }
                Err(error) => return Err(failed(error)),
            }
        };
        let Jwks { keys, ignored } = jwks;
        let mut flight = Flight {
            ended: None,
            ignored: Vec::new(),
        };
        flight.say_what_is_ignored(ignored);
        tracing::info!(%url, ?keys, "keys fetched");
        Ok(Self(Arc::new(Shared {
            url: url.clone(),
            origin,
            keys: Arc::new(VerificationKeys::new(keys)),
            flight: Arc::new(Mutex::new(flight)),
        })))
    }

    /// The keys, which change as they are fetched again.
    #[must_use]
    pub fn keys(&self) -> &Arc<VerificationKeys> {
        &self.0.keys
    }

    /// Fetches them again and again; never ends.
    pub async fn keep_fresh(self) {
        let mut ticks = interval_at(Instant::now() + REFRESH_INTERVAL, REFRESH_INTERVAL);
        loop {
            ticks.tick().await;
            self.refresh().await;
        }
    }
}

impl Shared {
    async fn fetch(&self, flight: &mut Flight) {
        match self.origin.fetch().await {
            Ok(Jwks { keys, ignored }) => {
                flight.say_what_is_ignored(ignored);
                tracing::debug!(?keys, "keys fetched again");
                self.keys.replace(keys);
            }
            // They are withdrawn, though nothing stands in their place.
            Err(FetchError::Document(error @ JwksError::NoKey { .. })) => {
                tracing::error!(
                    url = %self.url,
                    error = &error as &dyn std::error::Error,
                    "no key verifies tokens any more"
                );
                self.keys.replace(KeySet::default());
            }
            Err(error) => tracing::warn!(
                url = %self.url,
                error = &error as &dyn std::error::Error,
                "keys could not be fetched again; going on with those that are here"
            ),
        }
        flight.ended = Some(Instant::now());
    }
}

impl Flight {
    fn say_what_is_ignored(&mut self, ignored: Vec<Ignored>) {
        if self.ignored != ignored {
            for key in &ignored {
                tracing::warn!("a key of the JWK set is not used: {key}");
            }
            self.ignored = ignored;
        }
    }
}

#[async_trait]
impl KeySource for RemoteKeys {
    async fn refresh(&self) {
        let mut flight = self.0.flight.clone().lock_owned().await;
        if flight.ended.is_some_and(|ended| ended.elapsed() < PAUSE) {
            return;
        }
        let shared = self.0.clone();
        // In a task of its own: a client that gives up must not stop what
        // others wait for, nor begin it anew with every try.
        let fetching = tokio::spawn(async move { shared.fetch(&mut flight).await });
        if fetching.await.is_err() {
            tracing::error!("fetching keys panicked");
        }
    }
}
