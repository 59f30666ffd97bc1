//! [`PostgresStore`]: the pool, and how long anything may take.

use std::{fmt, time::Duration};

use contract::{Connections, RoomName, SessionId, StoreError, Timestamp};
use sqlx_core::{
    connection::Connection, query::query, query_scalar::query_scalar, raw_sql::raw_sql,
};
use sqlx_postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use tokio::time::timeout;

use crate::{
    error::{Cause, ConnectError, failed},
    lease::Lease,
    schema,
    settings::{Place, PostgresSettings},
    turns::{Turn, Turns},
};

/// How long a connection may take to be made, and a call may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a call may take altogether; beyond [`PATIENCE`] there is the
/// server's own bound on each statement (see [`SESSION`]).
const CALL: Duration = Duration::from_secs(10);
/// How long bringing the schema up to date may take, with the waiting for
/// another node that is at it.
const MIGRATION: Duration = Duration::from_secs(300);
/// After lying idle for so long a connection is tried before it is used: its
/// server may have gone. One that was just in use would have told.
const IDLE: Duration = Duration::from_secs(1);
/// How long that trial may take; then another connection is made.
const TRIAL: Duration = Duration::from_secs(2);

/// Rows that one step of a purge removes at most, so that no statement takes
/// long, however many there are.
const PURGE_STEP: u32 = 2000;

/// What every connection is set to.
///
/// - A statement is given up after 5 seconds, the wait for a lock included.
/// - A transaction whose node has gone in silence holds its locks no longer
///   than 10 seconds.
/// - The isolation is the one that the statements are written for.
/// - A commit is on the disk before it is confirmed, whatever the server's
///   default; a stronger promise (`remote_apply`) stays as it is.
/// - A `ROLLBACK` where nothing is to be rolled back is no warning.
const SESSION: &str = "SELECT
    set_config('statement_timeout', '5s', false),
    set_config('idle_in_transaction_session_timeout', '10s', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('synchronous_commit',
        coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), false),
    set_config('client_min_messages', 'error', false)";

/// Accounts, sessions and rooms in PostgreSQL.
///
/// Clones share the connections. Any number of nodes may use one database.
#[derive(Clone)]
pub struct PostgresStore {
    place: Place,
    pool: PgPool,
    turns: Turns,
}

impl PostgresStore {
    /// Connects and brings the schema up to date: of several nodes that start
    /// at once, one does it and the others find it done. A role that may not
    /// change the schema is enough where it is up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server can't be reached within 5
    /// seconds, or takes nobody now; [`StoreError::Failed`] if the settings
    /// make no sense, the server refuses (the password, the database's name,
    /// the certificate), the database is not in UTF8, is of a newer version, or
    /// can't be migrated.
    pub async fn connect(settings: &PostgresSettings) -> Result<Self, StoreError> {
        let options = settings.options()?;
        let place = Place::of(&options);
        // Not through the pool, which keeps why it was refused to itself.
        let mut first = first(&options, &place).await?;
        require_utf8(&mut first, &place).await?;
        let migrated = timeout(MIGRATION, schema::migrate(&mut first)).await;
        let migrated = migrated.map_err(|_| ConnectError::Migrate {
            place: place.clone(),
            source: Cause::Silent(MIGRATION),
        })?;
        migrated.map_err(|error| ConnectError::migrate(&place, error))?;
        let _ = timeout(PATIENCE, first.close()).await;

        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                Box::pin(async move {
                    if metadata.idle_for < IDLE {
                        return Ok(true);
                    }
                    let silent = |_| Err(sqlx_core::error::Error::PoolTimedOut);
                    let answer = timeout(TRIAL, connection.ping()).await;
                    answer.unwrap_or_else(silent).map(|()| true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self {
            place,
            pool,
            turns: Turns::new(),
        })
    }

    /// Waits for calls under way, then closes the connections. It takes no
    /// longer than they may.
    pub(crate) async fn close_pool(&self) {
        let _ = timeout(CALL, self.pool.close()).await;
    }

    /// For one statement, which is a transaction by itself.
    pub(crate) async fn lease(&self) -> Result<Lease, StoreError> {
        self.lease_in(None).await
    }

    /// For one statement that rotates that session.
    pub(crate) async fn lease_for(&self, session: SessionId) -> Result<Lease, StoreError> {
        let turn = self.turns.of(session).await;
        self.lease_in(Some(turn)).await
    }

    /// Begins a write of several statements that changes an account.
    pub(crate) async fn begin(&self) -> Result<Lease, StoreError> {
        let turn = self.turns.of_accounts().await;
        self.begin_in(turn).await
    }

    /// Begins a write of several statements that changes that room, or who is
    /// in it.
    pub(crate) async fn begin_for(&self, room: &RoomName) -> Result<Lease, StoreError> {
        let turn = self.turns.of_room(room).await;
        self.begin_in(turn).await
    }

    async fn begin_in(&self, turn: Turn) -> Result<Lease, StoreError> {
        let mut lease = self.lease_in(Some(turn)).await?;
        lease.begin().await?;
        Ok(lease)
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
            let step = bounded(async {
                query(statement)
                    .bind(before.as_millisecond())
                    .bind(i64::from(PURGE_STEP))
                    .execute(&mut *self.lease().await?)
                    .await
                    .map_err(failed)
            });
            let step = step.await?.rows_affected();
            deleted += step;
            if step < u64::from(PURGE_STEP) {
                return Ok(deleted);
            }
        }
    }

    pub(crate) fn pool(&self) -> Connections {
        let open = self.pool.size();
        // A pool may count a connection as taken before it has counted it as
        // given back, and so have fewer than none for a moment.
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(0).min(open);
        Connections {
            used: open - idle,
            idle,
            max: self.pool.options().get_max_connections(),
        }
    }

    async fn lease_in(&self, turn: Option<Turn>) -> Result<Lease, StoreError> {
        let connection = self.pool.acquire().await.map_err(failed)?;
        Ok(Lease::new(connection, turn))
    }
}

/// What `call` comes to, or that nobody answers.
pub(crate) async fn bounded<T>(
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(CALL, call)
        .await
        .unwrap_or_else(|_| Err(failed(Cause::Silent(CALL))))
}

impl fmt::Debug for PostgresStore {
    /// Without the URL, in which a password may stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("place", &self.place.to_string())
            .finish_non_exhaustive()
    }
}

async fn prepare(connection: &mut PgConnection) -> Result<(), sqlx_core::error::Error> {
    raw_sql(SESSION).execute(connection).await.map(drop)
}

/// The first connection, with which it shows whether there can be any.
async fn first(options: &PgConnectOptions, place: &Place) -> Result<PgConnection, ConnectError> {
    let connecting = async {
        let mut connection = PgConnection::connect_with(options).await?;
        prepare(&mut connection).await?;
        Ok(connection)
    };
    let connected = timeout(PATIENCE, connecting).await;
    connected
        .unwrap_or(Err(Cause::Silent(PATIENCE)))
        .map_err(|source| {
            let place = place.clone();
            // A socket's file is the server's, and comes with it.
            if source.is_not_found() && !place.is_socket() {
                ConnectError::Certificate { place, source }
            } else {
                ConnectError::Connect { place, source }
            }
        })
}

async fn require_utf8(connection: &mut PgConnection, place: &Place) -> Result<(), ConnectError> {
    let asking = query_scalar("SHOW server_encoding").fetch_one(connection);
    let answer: Result<String, Cause> = match timeout(PATIENCE, asking).await {
        Ok(answer) => answer.map_err(Cause::from),
        Err(_) => Err(Cause::Silent(PATIENCE)),
    };
    match answer {
        Ok(encoding) if encoding == "UTF8" => Ok(()),
        Ok(encoding) => Err(ConnectError::Encoding {
            place: place.clone(),
            encoding,
        }),
        Err(source) => Err(ConnectError::Connect {
            place: place.clone(),
            source,
        }),
    }
}
