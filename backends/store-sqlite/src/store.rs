//! [`SqliteStore`]: one writer, a few readers.

use std::{
    fmt,
    future::ready,
    path::{Path, PathBuf},
    time::Duration,
};

use contract::{Connections, StoreError, Timestamp};
use sqlx_core::{
    connection::Connection, migrate::MigrateError, query::query, query_scalar::query_scalar,
    transaction::Transaction,
};
use sqlx_sqlite::{Sqlite, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::time::{Instant, sleep};

use crate::{
    error::{OpenError, failed, is_busy},
    file, schema,
};

/// How long a statement waits for another process's lock on the file, and a
/// call for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Reading connections; each is a thread, started when it is first needed.
const READERS: u32 = 4;

/// Rows that one purging statement removes at most, so that others get their
/// turn in between.
const PURGE_BATCH: u32 = 500;

/// Accounts, sessions and rooms in one SQLite file.
///
/// Clones share the connections. The file may be open in other processes of
/// this machine at the same time (the command line, a second service).
#[derive(Clone)]
pub struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file and brings its schema up to date. A file that isn't
    /// there is made, for this user alone (mode 0600), with the folders above
    /// it (0700). The path is always that of a file: `:memory:` is a file of
    /// that name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the file can't be made or opened or is
    /// locked for more than 5 seconds; [`StoreError::Failed`] if it is not a
    /// database, is of a newer version, or can't be migrated.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        // SQLite gives `:memory:`, `file:` and the empty name a meaning; an
        // absolute path has none but its own.
        let path = std::path::absolute(path).map_err(|source| OpenError::Make {
            path: path.to_owned(),
            source,
        })?;
        file::make(&path)?;
        let failed_at = |source| OpenError::Open {
            path: path.clone(),
            source,
        };

        let options = SqliteConnectOptions::new()
            .filename(&path)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(PATIENCE)
                .idle_timeout(None)
                .max_lifetime(None)
                // It is tested when it is given back, and nothing can happen
                // to a connection that lies idle in this process.
                .test_before_acquire(false)
                // SQLite ends a transaction by itself when a commit finds the
                // disk full. sqlx's rollback then fails, and it takes the
                // connection to be in a transaction for ever.
                .before_acquire(|connection, _| {
                    Box::pin(ready(Ok(!connection.is_in_transaction())))
                })
        };
        let writer = pool()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(failed_at)?;
        if let Err(error) = prepare(&writer, &path).await {
            // Closed and not dropped: the file is no longer in use afterwards.
            writer.close().await;
            return Err(error.into());
        }
        let readers = pool()
            .max_connections(READERS)
            .connect_lazy_with(options.read_only(true));
        Ok(Self {
            path,
            writer,
            readers,
        })
    }

    /// Begins a write of several statements.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed)
    }

    /// For a write of one statement, which is a transaction by itself.
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Repeats a statement that deletes what is of a time up to its first
    /// parameter, as many rows as its second one, until there is nothing left;
    /// returns how many rows there were.
    pub(crate) async fn delete_by_and_by(
        &self,
        statement: &'static str,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let batch = query(statement)
                .bind(before.as_millisecond())
                .bind(i64::from(PURGE_BATCH))
                .execute(self.writer())
                .await
                .map_err(failed)?
                .rows_affected();
            deleted += batch;
            if batch < u64::from(PURGE_BATCH) {
                return Ok(deleted);
            }
        }
    }

    /// The writer and the readers together.
    pub(crate) fn pools(&self) -> Connections {
        let pools = [&self.writer, &self.readers];
        let open = pools.iter().map(|pool| pool.size()).sum::<u32>();
        // A pool may count a connection as taken before it has counted it as
        // given back, and so have fewer than none for a moment.
        let idle = pools.map(|pool| u32::try_from(pool.num_idle()).unwrap_or(0));
        let idle = idle.iter().sum::<u32>().min(open);
        Connections {
            used: open - idle,
            idle,
            max: 1 + READERS,
        }
    }

    /// For the few reads that a start waits for: the writer as long as there is
    /// no reader. To open one takes a millisecond, and many times that of such
    /// a read.
    pub(crate) fn open_connection(&self) -> &SqlitePool {
        if self.readers.size() == 0 {
            &self.writer
        } else {
            &self.readers
        }
    }

    /// For reads. A reader sees every write that was confirmed before it began.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Sets what the file itself remembers: WAL mode and the schema.
async fn prepare(writer: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let mode = write_ahead(writer)
        .await
        .map_err(|source| OpenError::Open {
            path: path.to_owned(),
            source,
        })?;
    if mode != "wal" {
        return Err(OpenError::NoWal {
            path: path.to_owned(),
            mode,
        });
    }
    migrate(writer).await.map_err(|source| match source {
        MigrateError::VersionMissing(version) => OpenError::Newer {
            path: path.to_owned(),
            version,
        },
        source => OpenError::Migrate {
            path: path.to_owned(),
            source,
        },
    })
}

/// Switches to WAL mode if the file isn't in it; returns the mode it is in.
async fn write_ahead(writer: &SqlitePool) -> Result<String, sqlx_core::error::Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let switched = query_scalar("PRAGMA journal_mode = WAL")
            .fetch_one(writer)
            .await;
        match switched {
            // SQLite's own busy timeout does not cover the switch, and another
            // process that starts at the same time may be at it.
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                sleep(Duration::from_millis(10)).await;
            }
            switched => return switched,
        }
    }
}

async fn migrate(writer: &SqlitePool) -> Result<(), MigrateError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    schema::migrate(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use contract::{
        Account, CredentialStore, DeleteOutcome, HashSwap, Room, RoomName, RoomOutcome, RoomStore,
        StoreError, StoredHash, Timestamp, UserId, Username,
    };
    use sqlx_core::{raw_sql::raw_sql, sql_str::AssertSqlSafe};

    use super::*;

    async fn store() -> (SqliteStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("data.db"))
            .await
            .unwrap();
        (store, folder)
    }

    fn account(name: &str) -> Account {
        Account {
            id: UserId::random(),
            username: Username::parse(name).unwrap(),
            hash: StoredHash::new("h".repeat(StoredHash::MAX_BYTES)),
            created_at: Timestamp::UNIX_EPOCH,
            disabled_at: None,
        }
    }

    /// From now on the file can't grow.
    async fn fill(store: &SqliteStore) {
        let pages: i64 = query_scalar("PRAGMA page_count")
            .fetch_one(&store.writer)
            .await
            .unwrap();
        let limit = format!("PRAGMA max_page_count = {pages}");
        raw_sql(AssertSqlSafe(limit))
            .execute(&store.writer)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn connections_are_set_up_for_durability() {
        let (store, _folder) = store().await;
        for pool in [&store.writer, &store.readers] {
            for (pragma, expected) in [
                ("PRAGMA synchronous", 2),
                ("PRAGMA foreign_keys", 1),
                ("PRAGMA busy_timeout", 5000),
            ] {
                let value: i64 = query_scalar(pragma).fetch_one(pool).await.unwrap();
                assert_eq!(value, expected, "{pragma}");
            }
            let mode: String = query_scalar("PRAGMA journal_mode")
                .fetch_one(pool)
                .await
                .unwrap();
            assert_eq!(mode, "wal");
        }
        let write = query("DELETE FROM accounts").execute(&store.readers).await;
        assert!(write.is_err());
    }

    /// As SQLite does by itself when a commit finds the disk full.
    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_does_not_keep_the_writer() {
        let (store, _folder) = store().await;
        let ann = account("ann");
        store.create(&ann).await.unwrap();
        for _ in 0..3 {
            let mut transaction = store.begin().await.unwrap();
            raw_sql("ROLLBACK")
                .execute(&mut *transaction)
                .await
                .unwrap();
            assert!(transaction.commit().await.is_err());

            assert!(
                store
                    .disable(ann.id, ann.created_at)
                    .await
                    .unwrap()
                    .is_some()
            );
            store.ping().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_full_file_takes_what_still_fits() {
        let (store, _folder) = store().await;
        let ann = account("ann");
        store.create(&ann).await.unwrap();
        fill(&store).await;

        let mut full = 0;
        for i in 0..100 {
            let mut transaction = store.begin().await.unwrap();
            let grown = query(
                "INSERT INTO accounts SELECT randomblob(16), ?, hash, 0, NULL FROM accounts LIMIT 1",
            )
            .bind(format!("user{i}"))
            .execute(&mut *transaction)
            .await
            .map_err(failed);
            match grown {
                Ok(_) => transaction.commit().await.unwrap(),
                Err(StoreError::Failed(_)) => full += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert!(full > 0);
        let new = StoredHash::new("new".to_owned());
        let swap = store.replace_hash(ann.id, &ann.hash, &new).await.unwrap();
        assert_eq!(swap, HashSwap::Replaced);
        assert!(
            store
                .disable(ann.id, ann.created_at)
                .await
                .unwrap()
                .is_some()
        );
        store.ping().await.unwrap();
    }

    #[tokio::test]
    async fn a_full_file_takes_a_room_whole_or_not_at_all() {
        let (store, _folder) = store().await;
        let ann = account("ann");
        store.create(&ann).await.unwrap();
        fill(&store).await;

        let mut full = 0;
        for i in 0..200 {
            let room = Room {
                name: RoomName::parse(&format!("{i:064}")).unwrap(),
                title: "李".repeat(Room::MAX_TITLE_CHARS),
                presence: false,
                created_at: ann.created_at,
            };
            let created = store.create_room(&room, ann.id, 1000).await;
            let found = store.membership(&room.name, ann.id).await.unwrap();
            match created {
                Ok(RoomOutcome::Created) => assert!(found.is_some()),
                Err(StoreError::Failed(_)) => {
                    full += 1;
                    assert_eq!(found, None);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(full > 0);
        let rooms = store.memberships(ann.id, None, 1000).await.unwrap();
        assert_eq!(rooms.len() + full, 200);
        // It takes what needs no room.
        let first = &rooms[0].room.name;
        let deleted = store.delete_room(first, ann.id, ann.created_at).await;
        assert!(
            matches!(deleted, Ok(DeleteOutcome::Deleted(_))),
            "{deleted:?}"
        );
        store.ping().await.unwrap();
    }
}
