//! The `AuditLog`.

use std::net::IpAddr;

use async_trait::async_trait;
use contract::{
    Actor, AuditEntry, AuditEvent, AuditLog, AuditOutcome, AuditQuery, AuditReason, AuditRecord,
    Role, RoomName, SessionId, StoreError, Timestamp, UserId,
};
use sqlx_core::query::query;
use sqlx_sqlite::SqliteRow;
use uuid::Uuid;

use crate::{
    SqliteStore,
    error::failed,
    rows::{column, corrupt, id, optional_username, role, time},
};

/// What is read of a record, with the names of those whom it is about.
macro_rules! entries {
    () => {
        "SELECT at, log.id, event, outcome, reason, actor_id, operator, user_id, session_id,
            room, role, key, count, address, request_id,
            actors.username AS actor_name, accounts.username AS username
         FROM audit_log AS log
         LEFT JOIN accounts AS actors ON actors.id = actor_id
         LEFT JOIN accounts ON accounts.id = user_id
         WHERE at >= ?1 AND at < ?2 AND (at, log.id) < (?3, ?4)
           AND coalesce(event = ?5, TRUE) AND coalesce(outcome = ?6, TRUE)"
    };
}

macro_rules! latest_first {
    () => {
        " ORDER BY at DESC, log.id DESC LIMIT ?7"
    };
}

const OF_ALL: &str = concat!(entries!(), latest_first!());

/// Each side of the `OR` is what one of the indexes is for.
const OF_USER: &str = concat!(
    entries!(),
    " AND (user_id = ?8 OR (actor_id = ?8 AND actor_id IS NOT user_id))",
    latest_first!()
);

#[async_trait]
impl AuditLog for SqliteStore {
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for record in records {
            let (actor, operator) = match &record.actor {
                Actor::Anonymous => (None, None),
                Actor::User(user) => (Some(user), None),
                Actor::Operator(name) => (None, Some(name.as_str())),
            };
            query(
                "INSERT INTO audit_log (at, id, event, outcome, reason, actor_id, operator,
                    user_id, session_id, room, role, key, count, address, request_id)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (at, id) DO NOTHING",
            )
            .bind(record.at.as_millisecond())
            .bind(record.id.as_bytes().as_slice())
            .bind(record.event.as_str())
            .bind(record.outcome.as_str())
            .bind(record.reason.as_ref().map(AuditReason::as_str))
            .bind(actor.map(|user| user.0.as_bytes().as_slice()))
            .bind(operator)
            .bind(
                record
                    .user
                    .as_ref()
                    .map(|user| user.0.as_bytes().as_slice()),
            )
            .bind(
                record
                    .session
                    .as_ref()
                    .map(|session| session.0.as_bytes().as_slice()),
            )
            .bind(record.room.as_ref().map(RoomName::as_str))
            .bind(record.role.map(Role::as_str))
            .bind(record.key.as_deref())
            .bind(
                record
                    .count
                    .map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
            )
            .bind(record.address.map(|address| address.to_string()))
            .bind(record.request_id.as_deref())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn audit(&self, asked: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let (after, after_id) = position(asked);
        let sql = if asked.user.is_some() {
            OF_USER
        } else {
            OF_ALL
        };
        let mut entries = query(sql)
            .bind(asked.since.map_or(i64::MIN, Timestamp::as_millisecond))
            .bind(asked.until.map_or(i64::MAX, Timestamp::as_millisecond))
            .bind(after)
            .bind(after_id.as_bytes().as_slice())
            .bind(asked.event.as_ref().map(AuditEvent::as_str))
            .bind(asked.outcome.map(AuditOutcome::as_str))
            .bind(i64::from(asked.limit));
        if let Some(user) = &asked.user {
            entries = entries.bind(user.0.as_bytes().as_slice());
        }
        entries
            .fetch_all(self.readers())
            .await
            .map_err(failed)?
            .iter()
            .map(entry)
            .collect()
    }

    async fn purge_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete_by_and_by(
            "DELETE FROM audit_log WHERE (at, id) IN (
                SELECT at, id FROM audit_log WHERE at <= ? LIMIT ?
            )",
            before,
        )
        .await
    }
}

/// The place in the list after which the query begins; without one, before all.
fn position(asked: &AuditQuery) -> (i64, Uuid) {
    match asked.after {
        Some((at, id)) => (at.as_millisecond(), id),
        None => (i64::MAX, Uuid::max()),
    }
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    let outcome: &str = column(row, "audit_log.outcome")?;
    let operator = column::<Option<String>>(row, "audit_log.operator")?;
    let actor = match (optional_id(row, "audit_log.actor_id")?, operator) {
        (Some(user), _) => Actor::User(UserId(user)),
        (None, Some(operator)) => Actor::Operator(operator),
        (None, None) => Actor::Anonymous,
    };
    Ok(AuditEntry {
        record: AuditRecord {
            id: id(row, "audit_log.id")?,
            at: time(row, "audit_log.at")?,
            event: AuditEvent::parse(column(row, "audit_log.event")?),
            outcome: AuditOutcome::parse(outcome)
                .ok_or_else(|| corrupt("audit_log.outcome", NotAnOutcome))?,
            reason: column::<Option<&str>>(row, "audit_log.reason")?.map(AuditReason::parse),
            actor,
            user: optional_id(row, "audit_log.user_id")?.map(UserId),
            session: optional_id(row, "audit_log.session_id")?.map(SessionId),
            room: column::<Option<&str>>(row, "audit_log.room")?
                .map(RoomName::parse)
                .transpose()
                .map_err(|source| corrupt("audit_log.room", source))?,
            role: column::<Option<&str>>(row, "audit_log.role")?
                .map(role)
                .transpose()?,
            key: column(row, "audit_log.key")?,
            count: column::<Option<i64>>(row, "audit_log.count")?.map(i64::unsigned_abs),
            address: column::<Option<&str>>(row, "audit_log.address")?
                .map(str::parse::<IpAddr>)
                .transpose()
                .map_err(|source| corrupt("audit_log.address", source))?,
            request_id: column(row, "audit_log.request_id")?,
        },
        actor_name: optional_username(row, "actor_name")?,
        username: optional_username(row, "username")?,
    })
}

/// The constraint of the column is another one than this version's.
#[derive(Debug, thiserror::Error)]
#[error("not an outcome that this version knows")]
struct NotAnOutcome;

fn optional_id(row: &SqliteRow, field: &'static str) -> Result<Option<Uuid>, StoreError> {
    column::<Option<&[u8]>>(row, field)?
        .map(Uuid::from_slice)
        .transpose()
        .map_err(|source| corrupt(field, source))
}
