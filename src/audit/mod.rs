//! The audit log: what happened that matters to security goes to the log, under
//! the target `audit`, and to the store's table.
//!
//! | file | what it holds |
//! |---|---|
//! | `line` | the log line of a record |
//! | `budget` | how many refusals are recorded one by one |
//! | `writer` | many records, one write |
//!
//! What it promises:
//! - A change that was made is recorded directly after it, and whoever asked for
//!   it is answered when its record is durable. If the process dies in between,
//!   or the store fails, the log line is what there is; a failure is logged as
//!   an error, and the change stands.
//! - A refusal costs nobody a write that they wait for, whatever its reason:
//!   refusals are gathered for up to a second and written together. Of more than
//!   [`AuditSettings::refusals_per_minute`] the rest is counted by event and
//!   reason, and the counts are recorded, so that guessing passwords fills no
//!   disk. What was gathered is lost if the process is killed.

mod budget;
mod line;
mod writer;

use std::{fmt, sync::Arc};

use contract::{AuditLog, AuditRecord};
use tokio::sync::{mpsc, oneshot};

use budget::Budget;

use crate::telemetry::traces;

/// The target of the log lines.
pub const TARGET: &str = "audit";

/// How much is recorded.
#[derive(Debug, Clone, Copy)]
pub struct AuditSettings {
    /// Whether there is a table of it, or log lines alone.
    pub table: bool,
    /// Refusals that are recorded one by one, each minute.
    pub refusals_per_minute: u32,
}

/// Records what happens. A clone is a handle to the same writer, which ends
/// with the last one.
#[derive(Clone)]
pub struct Audit {
    entries: Option<mpsc::UnboundedSender<Entry>>,
    budget: Arc<Budget>,
}

/// What the writer is told.
struct Entry {
    /// `None`: write whatever there is.
    record: Option<AuditRecord>,
    /// Who waits until it is written.
    written: Option<oneshot::Sender<()>>,
}

impl Audit {
    /// Starts the writer, a task of the runtime that this is called in.
    #[must_use]
    pub fn start(log: Arc<dyn AuditLog>, settings: AuditSettings) -> Self {
        let budget = Arc::new(Budget::new(settings.refusals_per_minute));
        let entries = settings.table.then(|| {
            let (entries, told) = mpsc::unbounded_channel();
            tokio::spawn(writer::write(log, budget.clone(), told));
            entries
        });
        Self { entries, budget }
    }

    /// Records a change that was made; returns when that is durable, or was
    /// tried in vain, which is logged. It counts from the first poll on: a
    /// caller that goes away loses nothing.
    pub async fn done(&self, record: AuditRecord) {
        line::log(&record);
        // The writer records for many at once, in a task of its own.
        traces::child("audit.record", self.write(Some(record)), |()| None).await;
    }

    /// Records what was refused; at once, for the writing is left to others.
    pub fn refused(&self, record: AuditRecord) {
        line::log(&record);
        if let Some(entries) = &self.entries
            && self.budget.admits(&record)
        {
            let _ = entries.send(Entry {
                record: Some(record),
                written: None,
            });
        }
    }

    /// Writes what was gathered.
    pub async fn flush(&self) {
        self.write(None).await;
    }

    async fn write(&self, record: Option<AuditRecord>) {
        let Some(entries) = &self.entries else {
            return;
        };
        let (written, end) = oneshot::channel();
        let told = entries.send(Entry {
            record,
            written: Some(written),
        });
        if told.is_ok() {
            // It says so when it has failed, too.
            let _ = end.await;
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("table", &self.entries.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
