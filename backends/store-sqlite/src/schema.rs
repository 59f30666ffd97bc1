//! The migrations, compiled in.

use sqlx_core::{
    migrate::MigrateError, migrate::Migration, migrate::MigrationType, migrate::Migrator,
    sql_str::SqlSafeStr,
};
use sqlx_sqlite::SqliteConnection;

/// Brings the schema up to date, all of it or nothing, while the caller holds
/// the write lock: of several processes that start at once, one migrates and
/// the others find it done.
pub(crate) async fn migrate(writer: &mut SqliteConnection) -> Result<(), MigrateError> {
    let migrations = [
        (
            1,
            "accounts",
            include_str!("../../../migrations/sqlite/0001_accounts.sql"),
        ),
        (
            2,
            "sessions",
            include_str!("../../../migrations/sqlite/0002_sessions.sql"),
        ),
        (
            3,
            "ended sessions",
            include_str!("../../../migrations/sqlite/0003_ended_sessions.sql"),
        ),
        (
            4,
            "rooms",
            include_str!("../../../migrations/sqlite/0004_rooms.sql"),
        ),
        (
            5,
            "idempotent requests",
            include_str!("../../../migrations/sqlite/0005_idempotent_requests.sql"),
        ),
        (
            6,
            "audit log",
            include_str!("../../../migrations/sqlite/0006_audit_log.sql"),
        ),
        (
            7,
            "login attempts",
            include_str!("../../../migrations/sqlite/0007_login_attempts.sql"),
        ),
        (
            8,
            "second factors",
            include_str!("../../../migrations/sqlite/0008_second_factors.sql"),
        ),
    ];
    let migrations = migrations.map(|(version, description, sql)| {
        Migration::new(
            version,
            description.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.into())
        .run_direct(None, writer, false)
        .await
}
