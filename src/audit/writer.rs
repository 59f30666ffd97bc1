//! Many records, one write.

use std::{sync::Arc, time::Duration};

use contract::{AuditLog, AuditRecord};
use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot},
    time::{Instant, interval_at, timeout_at},
};

use super::{Entry, budget::Budget};
use crate::clock::now;

/// How long refusals are gathered before they are written.
const GATHERING: Duration = Duration::from_secs(1);

/// How often what was only counted is written.
const COUNTING: Duration = Duration::from_secs(60);

/// Records of one write, so that nobody waits long behind it.
const MAX_BATCH: usize = 500;

/// Writes what it is told, until nobody is left who could tell anything.
pub(super) async fn write(
    log: Arc<dyn AuditLog>,
    budget: Arc<Budget>,
    mut told: UnboundedReceiver<Entry>,
) {
    let mut minutes = interval_at(Instant::now() + COUNTING, COUNTING);
    let mut last = false;
    while !last {
        let mut batch = Batch::default();
        tokio::select! {
            entry = told.recv() => match entry {
                Some(entry) => batch.take(entry, &budget),
                None => last = true,
            },
            _ = minutes.tick() => batch.take_omitted(&budget),
        }
        if last {
            batch.take_omitted(&budget);
        }
        let until = Instant::now() + GATHERING;
        while batch.may_wait() {
            match timeout_at(until, told.recv()).await {
                Ok(Some(entry)) => batch.take(entry, &budget),
                Ok(None) | Err(_) => break,
            }
        }
        while batch.has_room()
            && let Ok(entry) = told.try_recv()
        {
            batch.take(entry, &budget);
        }
        batch.write(&*log).await;
    }
}

#[derive(Default)]
struct Batch {
    records: Vec<AuditRecord>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Batch {
    fn take(&mut self, entry: Entry, budget: &Budget) {
        match entry.record {
            Some(record) => self.records.push(record),
            None => self.take_omitted(budget),
        }
        self.waiting.extend(entry.written);
    }

    fn take_omitted(&mut self, budget: &Budget) {
        self.records.extend(budget.omitted(now()));
    }

    /// Whether more may be gathered before it is written.
    fn may_wait(&self) -> bool {
        self.waiting.is_empty() && !self.records.is_empty() && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.records.len() < MAX_BATCH
    }

    async fn write(self, log: &dyn AuditLog) {
        if !self.records.is_empty()
            && let Err(error) = log.record(&self.records).await
        {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                records = self.records.len(),
                "the audit log could not be written: these records are in the log alone"
            );
        }
        for waiting in self.waiting {
            let _ = waiting.send(());
        }
    }
}
