//! The `AuditLog`.

use std::net::IpAddr;

use async_trait::async_trait;
use contract::{
    Actor, AuditEntry, AuditEvent, AuditLog, AuditOutcome, AuditQuery, AuditReason, AuditRecord,
    Role, RoomName, SessionId, StoreError, Timestamp, UserId,
};
use sqlx_core::query::query;
use sqlx_postgres::PgRow;
use uuid::Uuid;

use crate::{
    PostgresStore,
    error::failed,
    rows::{column, corrupt, optional_username, role, time},
    store::bounded,
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
         WHERE at >= $1 AND at < $2 AND (at, log.id) < ($3, $4)
           AND coalesce(event = $5, TRUE) AND coalesce(outcome = $6, TRUE)"
    };
}

macro_rules! latest_first {
    () => {
        " ORDER BY at DESC, log.id DESC LIMIT $7"
    };
}

const OF_ALL: &str = concat!(entries!(), latest_first!());

/// Each side of the `OR` is what one of the indexes is for.
const OF_USER: &str = concat!(
    entries!(),
    " AND (user_id = $8 OR (actor_id = $8 AND actor_id IS DISTINCT FROM user_id))",
    latest_first!()
);

#[async_trait]
impl AuditLog for PostgresStore {
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut columns = Columns::default();
        for record in records {
            columns.push(record);
        }
        bounded(async {
            query(
                "INSERT INTO audit_log (at, id, event, outcome, reason, actor_id, operator,
                    user_id, session_id, room, role, key, count, address, request_id)
                 SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[],
                    $5::text[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::text[],
                    $11::text[], $12::text[], $13::bigint[], $14::text[], $15::text[])
                 ON CONFLICT (at, id) DO NOTHING",
            )
            .bind(columns.at)
            .bind(columns.id)
            .bind(columns.event)
            .bind(columns.outcome)
            .bind(columns.reason)
            .bind(columns.actor)
            .bind(columns.operator)
            .bind(columns.user)
            .bind(columns.session)
            .bind(columns.room)
            .bind(columns.role)
            .bind(columns.key)
            .bind(columns.count)
            .bind(columns.address)
            .bind(columns.request_id)
            .execute(&mut *self.lease().await?)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
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
            .bind(after_id)
            .bind(asked.event.as_ref().map(AuditEvent::as_str))
            .bind(asked.outcome.map(AuditOutcome::as_str))
            .bind(i64::from(asked.limit));
        if let Some(user) = asked.user {
            entries = entries.bind(user.0);
        }
        let found = bounded(async {
            entries
                .fetch_all(&mut *self.lease().await?)
                .await
                .map_err(failed)
        });
        found.await?.iter().map(entry).collect()
    }

    async fn purge_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete_by_and_by(
            "DELETE FROM audit_log WHERE (at, id) IN (
                SELECT at, id FROM audit_log WHERE at <= $1 LIMIT $2
            )",
            before,
        )
        .await
    }
}

/// Records, column by column: one statement, however many there are.
#[derive(Default)]
struct Columns<'a> {
    at: Vec<i64>,
    id: Vec<Uuid>,
    event: Vec<&'a str>,
    outcome: Vec<&'a str>,
    reason: Vec<Option<&'a str>>,
    actor: Vec<Option<Uuid>>,
    operator: Vec<Option<&'a str>>,
    user: Vec<Option<Uuid>>,
    session: Vec<Option<Uuid>>,
    room: Vec<Option<&'a str>>,
    role: Vec<Option<&'a str>>,
    key: Vec<Option<&'a str>>,
    count: Vec<Option<i64>>,
    address: Vec<Option<String>>,
    request_id: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, record: &'a AuditRecord) {
        let (actor, operator) = match &record.actor {
            Actor::Anonymous => (None, None),
            Actor::User(user) => (Some(user.0), None),
            Actor::Operator(name) => (None, Some(name.as_str())),
        };
        self.at.push(record.at.as_millisecond());
        self.id.push(record.id);
        self.event.push(record.event.as_str());
        self.outcome.push(record.outcome.as_str());
        self.reason
            .push(record.reason.as_ref().map(AuditReason::as_str));
        self.actor.push(actor);
        self.operator.push(operator);
        self.user.push(record.user.map(|user| user.0));
        self.session.push(record.session.map(|session| session.0));
        self.room.push(record.room.as_ref().map(RoomName::as_str));
        self.role.push(record.role.map(Role::as_str));
        self.key.push(record.key.as_deref());
        self.count.push(
            record
                .count
                .map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
        );
        self.address
            .push(record.address.map(|address| address.to_string()));
        self.request_id.push(record.request_id.as_deref());
    }
}

/// The place in the list after which the query begins; without one, before all.
fn position(asked: &AuditQuery) -> (i64, Uuid) {
    match asked.after {
        Some((at, id)) => (at.as_millisecond(), id),
        None => (i64::MAX, Uuid::max()),
    }
}

fn entry(row: &PgRow) -> Result<AuditEntry, StoreError> {
    let outcome: &str = column(row, "audit_log.outcome")?;
    let operator = column::<Option<String>>(row, "audit_log.operator")?;
    let actor = match (optional_id(row, "audit_log.actor_id")?, operator) {
        (Some(user), _) => Actor::User(UserId(user)),
        (None, Some(operator)) => Actor::Operator(operator),
        (None, None) => Actor::Anonymous,
    };
    Ok(AuditEntry {
        record: AuditRecord {
            id: column(row, "audit_log.id")?,
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

fn optional_id(row: &PgRow, field: &'static str) -> Result<Option<Uuid>, StoreError> {
    column(row, field)
}
