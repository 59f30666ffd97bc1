//! Keys that come into the folder while a node runs: another node, which was
//! started later, signs with them already.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::verification::{KeySource, VerificationKeys};

/// Not more often: whoever makes tokens up names keys that nobody has.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks into the folder for keys that verify. Those that are known stay until
/// the node is started again, and so does the one that signs.
#[derive(Debug)]
pub struct FolderKeys {
    dir: PathBuf,
    keys: Arc<VerificationKeys>,
    looked: Mutex<Option<Instant>>,
}

impl FolderKeys {
    /// Adds to `keys` what comes into `dir`.
    #[must_use]
    pub fn new(dir: PathBuf, keys: Arc<VerificationKeys>) -> Self {
        Self {
            dir,
            keys,
            looked: Mutex::default(),
        }
    }
}

#[async_trait]
impl KeySource for FolderKeys {
    async fn refresh(&self) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < INTERVAL) {
            return;
        }
        let dir = self.dir.clone();
        let found = spawn_blocking(move || VerificationKeys::from_dir(&dir)).await;
        *looked = Some(Instant::now());
        match found {
            Ok(Ok(found)) => self.keys.add(&found.current()),
            Ok(Err(error)) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a token names a key that is not known, and the folder of keys can't be read"
            ),
            // It panicked, which the log has.
            Err(_) => {}
        }
    }
}
