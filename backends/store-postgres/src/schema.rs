//! The migrations, compiled in.

use sqlx_core::{
    connection::Connection, migrate::Migrate, migrate::MigrateError, migrate::Migration,
    migrate::MigrationType, migrate::Migrator, query::query, query_scalar::query_scalar,
    raw_sql::raw_sql, sql_str::SqlSafeStr,
};
use sqlx_postgres::PgConnection;

/// The advisory lock that a node holds while it migrates: "accounts" in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"accounts");

/// Brings the schema up to date, all of it or nothing: of several nodes that
/// start at once, one migrates and the others find it done.
pub(crate) async fn migrate(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let migrations = [
        (
            1,
            "accounts",
            include_str!("../../../migrations/postgres/0001_accounts.sql"),
        ),
        (
            2,
            "sessions",
            include_str!("../../../migrations/postgres/0002_sessions.sql"),
        ),
        (
            3,
            "rooms",
            include_str!("../../../migrations/postgres/0003_rooms.sql"),
        ),
        (
            4,
            "idempotent requests",
            include_str!("../../../migrations/postgres/0004_idempotent_requests.sql"),
        ),
        (
            6,
            "audit log",
            include_str!("../../../migrations/postgres/0006_audit_log.sql"),
        ),
        (
            7,
            "login attempts",
            include_str!("../../../migrations/postgres/0007_login_attempts.sql"),
        ),
        (
            8,
            "second factors",
            include_str!("../../../migrations/postgres/0008_second_factors.sql"),
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
    let mut migrator = Migrator::with_migrations(migrations.into());
    if is_applied(&migrator, connection).await? {
        return Ok(());
    }

    // sqlx's own lock is of the session and would outlive a failed migration
    // behind a pooler; this one ends with the transaction.
    migrator.set_locking(false);
    raw_sql("SET statement_timeout = 0; SET lock_timeout = '120s'")
        .execute(&mut *connection)
        .await?;
    let mut transaction = connection.begin().await?;
    query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    migrator.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether there is nothing to do. Only then it is enough to be allowed to
/// read: even `CREATE TABLE IF NOT EXISTS` needs the right to create.
async fn is_applied(
    migrator: &Migrator,
    connection: &mut PgConnection,
) -> Result<bool, MigrateError> {
    let table = "_sqlx_migrations";
    let there: bool = query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(table)
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(false);
    }
    let applied = connection.list_applied_migrations(table).await?;
    let applied = applied.iter().map(|one| (one.version, &one.checksum));
    Ok(applied.eq(migrator.iter().map(|one| (one.version, &one.checksum))))
}
