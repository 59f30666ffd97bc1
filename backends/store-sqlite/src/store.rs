//! [`SqliteStore`]: one writer, a few readers.

use std::{fmt, path::Path, path::PathBuf, time::Duration};

use contract::StoreError;
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    error::{OpenError, failed},
    file, schema,
};

/// How long a statement waits for another process's lock on the file, and a
/// call for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Reading connections; each is a thread, started when it is first needed.
const READERS: u32 = 4;

/// Accounts and sessions in one SQLite file.
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

    /// Waits for calls under way, then closes the file. What was confirmed is
    /// safe without it; it spares the next start the reading of the WAL.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
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
    write_ahead(writer)
        .await
        .map_err(|source| OpenError::Open {
            path: path.to_owned(),
            source,
        })?;
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

async fn write_ahead(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA journal_mode = WAL")
        .execute(writer)
        .await?;
    Ok(())
}

async fn migrate(writer: &SqlitePool) -> Result<(), MigrateError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    schema::migrate(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}
