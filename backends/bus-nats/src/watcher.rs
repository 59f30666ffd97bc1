//! Sees to it that rooms learn of a cut once everything is back.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::{history::Archive, link::Link};

/// How long the archive is left alone after it could not be reached.
const RETRY: Duration = Duration::from_millis(500);

/// Ends with the last handle on the bus.
#[derive(Debug)]
pub(crate) struct Watcher(AbortHandle);

impl Watcher {
    pub(crate) fn start(link: Arc<Link>, archive: Option<Arc<Archive>>) -> Self {
        Self(tokio::spawn(watch(link, archive)).abort_handle())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(link: Arc<Link>, archive: Option<Arc<Archive>>) {
    let mut cuts = link.cuts();
    loop {
        let look_again = archive.as_ref().map(|archive| archive.look_again());
        let cut = tokio::select! {
            Ok(()) = cuts.changed() => true,
            () = link.doubt.notified() => false,
            () = sleep_until(look_again.unwrap_or_else(Instant::now)), if look_again.is_some() => false,
        };
        let mut reset = false;
        if let Some(archive) = &archive {
            reset = loop {
                match archive.restore().await {
                    Ok(reset) => break reset,
                    Err(error) => tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the rooms' history can't be reached"
                    ),
                }
                sleep(RETRY).await;
            };
        }
        if cut || reset {
            link.resume();
        }
    }
}
