//! The limit: axum, one route, and a SQLite database with one migration.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use sqlx_core::{
    migrate::Migration, migrate::MigrationType, migrate::Migrator, sql_str::AssertSqlSafe,
    sql_str::SqlSafeStr,
};
use sqlx_sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::harness::Outcome;

/// Serves until SIGTERM, with `bare.db` in the working folder.
pub(crate) fn serve(address: &str) -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let options = SqliteConnectOptions::new()
                .filename("bare.db")
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal);
            let pool = SqlitePoolOptions::new().connect_with(options).await?;
            migrator().run(&pool).await?;
            let app = Router::new()
                .route("/livez", get(live))
                .with_state(pool.clone());
            let listener = TcpListener::bind(address).await?;
            let mut terminate = signal(SignalKind::terminate())?;
            axum::serve(listener, app)
                .with_graceful_shutdown(async move {
                    terminate.recv().await;
                })
                .await?;
            pool.close().await;
            Ok(())
        })
}

async fn live(State(_): State<SqlitePool>) -> StatusCode {
    StatusCode::OK
}

fn migrator() -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        "notes".into(),
        MigrationType::Simple,
        AssertSqlSafe("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
            .into_sql_str(),
        false,
    )])
}
