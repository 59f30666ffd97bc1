//! Sees to it that rooms learn of a cut once they can be heard again.

use std::{sync::Arc, time::Duration};

use contract::BusError;
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{sleep, sleep_until},
};

use crate::{history::Archive, link::Link};

/// How long the server, or the archive, is left alone after it could not be
/// reached.
const RETRY: Duration = Duration::from_millis(500);

/// Ends with the last handle on the bus.
#[derive(Debug)]
pub(crate) struct Watcher(Vec<AbortHandle>);

impl Watcher {
    /// Beside each other: rooms without history, and what nodes tell each
    /// other, don't wait for the archive.
    pub(crate) fn start(link: &Arc<Link>, archive: Option<&Arc<Archive>>) -> Self {
        let mut tasks = vec![tokio::spawn(watch_link(Arc::clone(link))).abort_handle()];
        if let Some(archive) = archive {
            let watching = watch_archive(link.cuts(), Arc::clone(archive));
            tasks.push(tokio::spawn(watching).abort_handle());
        }
        Self(tasks)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

async fn watch_link(link: Arc<Link>) {
    let mut cuts = link.cuts();
    while cuts.changed().await.is_ok() {
        // A connection is there before the server knows what is listened to.
        while let Err(error) = link.confirm().await {
            failed(&error, "the NATS server does not answer");
            sleep(RETRY).await;
        }
        link.resume();
    }
}

async fn watch_archive(mut cuts: watch::Receiver<u64>, archive: Arc<Archive>) {
    loop {
        let cut = tokio::select! {
            Ok(()) = cuts.changed() => true,
            () = archive.link().doubt.notified() => false,
            () = sleep_until(archive.look_again()) => false,
        };
        let reset = loop {
            match archive.restore().await {
                Ok(reset) => break reset,
                Err(error) => failed(&error, "the rooms' history can't be reached"),
            }
            sleep(RETRY).await;
        };
        if cut || reset {
            archive.resume();
        }
    }
}

fn failed(error: &BusError, what: &str) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
