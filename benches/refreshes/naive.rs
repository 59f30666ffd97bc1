//! The rivals: a pool of connections, and a transaction that reads the row,
//! decides, and writes it back.

use std::path::Path;
use std::time::Duration;

use contract::Rotate;
use sqlx_core::{query::query, query_as::query_as};
use sqlx_postgres::{PgPool, PgPoolOptions};
use sqlx_sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::Refresh;
use crate::harness::Outcome;

/// On SQLite: as durable as the store, with a patience of five seconds.
pub(crate) struct NaiveSqlite(SqlitePool);

impl NaiveSqlite {
    pub(crate) async fn open(path: &Path, connections: u32) -> Outcome<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(connections);
        Ok(Self(pool.connect_with(options).await?))
    }
}

#[async_trait::async_trait]
impl Refresh for NaiveSqlite {
    async fn refresh(&self, request: Rotate) -> Outcome<bool> {
        let id = request.session.0.as_bytes().as_slice();
        let mut transaction = self.0.begin().await?;
        let row: Option<Row> = query_as(
            "SELECT counter, idle_expires_at, expires_at, ended_at FROM sessions WHERE id = ?",
        )
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(next) = row.and_then(|row| next(row, &request)) else {
            return Ok(false);
        };
        query("UPDATE sessions SET counter = ?, rotated_at = ?, idle_expires_at = ? WHERE id = ?")
            .bind(next.counter)
            .bind(request.now.as_millisecond())
            .bind(next.idle_expires_at)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// On PostgreSQL, with the defaults of the pool and the server.
pub(crate) struct NaivePostgres(PgPool);

impl NaivePostgres {
    pub(crate) async fn connect(url: &str, connections: u32) -> Outcome<Self> {
        let pool = PgPoolOptions::new().max_connections(connections);
        Ok(Self(pool.connect(url).await?))
    }
}

#[async_trait::async_trait]
impl Refresh for NaivePostgres {
    async fn refresh(&self, request: Rotate) -> Outcome<bool> {
        let mut transaction = self.0.begin().await?;
        let row: Option<Row> = query_as(
            "SELECT counter, idle_expires_at, expires_at, ended_at FROM sessions WHERE id = $1",
        )
        .bind(request.session.0)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(next) = row.and_then(|row| next(row, &request)) else {
            return Ok(false);
        };
        query(
            "UPDATE sessions SET counter = $1, rotated_at = $2, idle_expires_at = $3 WHERE id = $4",
        )
        .bind(next.counter)
        .bind(request.now.as_millisecond())
        .bind(next.idle_expires_at)
        .bind(request.session.0)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Counter, idle expiry, expiry, end.
type Row = (i64, i64, i64, Option<i64>);

struct Next {
    counter: i64,
    idle_expires_at: i64,
}

/// What the row becomes, if the token is current and the session live.
fn next((counter, idle, expires, ended): Row, request: &Rotate) -> Option<Next> {
    let now = request.now.as_millisecond();
    let live = idle > now && expires > now && ended.is_none();
    let idle_ttl = i64::try_from(request.idle_ttl.as_millis()).unwrap_or(i64::MAX);
    (live && counter == i64::from(request.presented)).then_some(Next {
        counter: counter + 1,
        idle_expires_at: now.saturating_add(idle_ttl).min(expires),
    })
}
