//! A connection for one call, and what becomes of it afterwards.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use contract::StoreError;
use sqlx_core::{pool::PoolConnection, raw_sql::raw_sql};
use sqlx_postgres::{PgConnection, Postgres};
use tokio::{runtime::Handle, time::timeout};

use crate::{error::failed, turns::Turn};

/// How long a connection may take to be ready for the next call. What is still
/// under way on it when a caller goes away is bounded by the statement timeout.
const TIDYING: Duration = Duration::from_secs(6);

/// A connection of the pool, until it is dropped.
pub(crate) struct Lease {
    /// There until the lease is dropped.
    connection: Option<PoolConnection<Postgres>>,
    in_transaction: bool,
    /// Over once nothing is under way on the connection any more.
    turn: Option<Turn>,
}

impl Lease {
    pub(crate) fn new(connection: PoolConnection<Postgres>, turn: Option<Turn>) -> Self {
        Self {
            connection: Some(connection),
            in_transaction: false,
            turn,
        }
    }

    /// Begins a write of several statements. Without a [`commit`](Self::commit)
    /// it is rolled back.
    ///
    /// sqlx's own `Transaction` forgets about a `BEGIN` whose caller goes away
    /// before the server has answered it. The connection would go back to the
    /// pool inside a transaction, and what others write on it would never be
    /// committed.
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        self.in_transaction = true;
        let begun = raw_sql("BEGIN").execute(&mut **self).await;
        begun.map(drop).map_err(failed)
    }

    /// Commits; durable when it returns.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let committed = raw_sql("COMMIT").execute(&mut *self).await;
        committed.map_err(failed)?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    #[allow(clippy::expect_used)] // Only `drop` takes it.
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("a lease has a connection")
    }
}

impl DerefMut for Lease {
    #[allow(clippy::expect_used)] // Only `drop` takes it.
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("a lease has a connection")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(connection), Ok(runtime)) = (self.connection.take(), Handle::try_current()) {
            let (in_transaction, turn) = (self.in_transaction, self.turn.take());
            runtime.spawn(async move {
                give_back(connection, in_transaction).await;
                drop(turn);
            });
        }
    }
}

/// Gives the connection back to the pool once the server has said that it is
/// ready, and closes it if that takes too long. sqlx would wait for as long as
/// the operating system takes to give a silent connection up, a quarter of an
/// hour, and nobody could have another in its place.
async fn give_back(mut connection: PoolConnection<Postgres>, in_transaction: bool) {
    if in_transaction {
        let rollback = raw_sql("ROLLBACK").execute(&mut *connection);
        if !matches!(timeout(TIDYING, rollback).await, Ok(Ok(_))) {
            drop(connection.detach());
            return;
        }
    }
    // What sqlx does by itself when a connection is dropped, with a bound.
    let _ = timeout(TIDYING, connection.return_to_pool()).await;
}
