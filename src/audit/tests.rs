//! What is written, and what nobody waits for.

use async_trait::async_trait;
use contract::{AuditEntry, AuditEvent, AuditQuery, AuditReason, StoreError, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::*;

/// Writes when it may, and remembers each write.
struct Table {
    may: Semaphore,
    writes: Mutex<Vec<Vec<AuditRecord>>>,
}

impl Table {
    fn new(may: usize) -> Arc<Self> {
        Arc::new(Self {
            may: Semaphore::new(may),
            writes: Mutex::default(),
        })
    }

    fn records(&self) -> usize {
        self.writes.lock().iter().map(Vec::len).sum()
    }
}

#[async_trait]
impl AuditLog for Table {
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        match self.may.acquire().await {
            Ok(permit) => permit.forget(),
            Err(closed) => return Err(StoreError::Failed(Box::new(closed))),
        }
        self.writes.lock().push(records.to_vec());
        Ok(())
    }

    async fn audit(&self, _: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(Vec::new())
    }

    async fn purge_audit(&self, _: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }
}

fn audit(table: &Arc<Table>, refusals_per_minute: u32) -> Audit {
    let settings = AuditSettings {
        table: true,
        refusals_per_minute,
    };
    Audit::start(table.clone(), settings)
}

fn change() -> AuditRecord {
    AuditRecord::new(AuditEvent::Logout, Timestamp::UNIX_EPOCH)
}

fn refusal() -> AuditRecord {
    AuditRecord::new(AuditEvent::Login, Timestamp::UNIX_EPOCH).refused(AuditReason::WrongPassword)
}

#[tokio::test]
async fn a_change_is_written_when_its_recording_returns() {
    let table = Table::new(10);
    let audit = audit(&table, 10);
    for changes in 1..4 {
        audit.done(change()).await;
        assert_eq!(table.records(), changes);
    }
}

/// Not a write for each: what comes while one is under way is the next one.
#[tokio::test]
async fn refusals_wait_for_nothing_and_are_written_together() {
    let table = Table::new(0);
    let audit = audit(&table, 1000);
    for _ in 0..400 {
        audit.refused(refusal());
    }
    assert_eq!(table.records(), 0);
    table.may.add_permits(2);
    audit.flush().await;
    assert_eq!(table.records(), 400);
}

/// However many there are, they are known by their number.
#[tokio::test]
async fn a_flood_is_a_few_records_and_a_number() {
    let table = Table::new(10);
    let audit = audit(&table, 5);
    for _ in 0..100_000 {
        audit.refused(refusal());
    }
    audit.flush().await;
    assert_eq!(table.records(), 6);
    let writes = table.writes.lock();
    let counts = writes.iter().flatten().filter_map(|record| record.count);
    assert_eq!(counts.sum::<u64>(), 99_995);
}

/// Who was there before the store failed is answered all the same.
#[tokio::test]
async fn a_store_that_fails_holds_nobody_up() {
    let table = Table::new(0);
    table.may.close();
    let audit = audit(&table, 10);
    audit.refused(refusal());
    audit.done(change()).await;
    audit.flush().await;
    assert_eq!(table.records(), 0);
}

/// What the last handle left is written, though nobody waits for it.
#[tokio::test]
async fn what_was_gathered_outlives_the_last_handle() {
    let table = Table::new(10);
    let audit = audit(&table, 1);
    audit.refused(refusal());
    audit.refused(refusal());
    drop(audit);
    while table.records() < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn without_a_table_nothing_is_written() {
    let table = Table::new(10);
    let settings = AuditSettings {
        table: false,
        refusals_per_minute: 10,
    };
    let audit = Audit::start(table.clone(), settings);
    audit.done(change()).await;
    audit.refused(refusal());
    audit.flush().await;
    assert_eq!(table.records(), 0);
}
