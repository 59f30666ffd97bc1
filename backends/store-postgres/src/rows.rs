//! Columns to domain types and back.

use std::time::Duration;

use contract::{
    Account, AccountSummary, Attempts, BoxError, EndedSession, Member, Membership,
    MembershipChange, Role, Room, RoomName, Seed, Session, SessionId, StoreError, StoredHash,
    Timestamp, UserId, Username,
};
use sqlx_core::{decode::Decode, row::Row, types::Type};
use sqlx_postgres::{PgRow, Postgres};

/// A time as the store keeps it. Its error is our own, because jiff's quotes the value.
#[derive(Debug, thiserror::Error)]
#[error("not a time in milliseconds")]
struct NotATime;

/// The columns that [`session`] reads, in one place for every statement.
macro_rules! session_columns {
    () => {
        "id, user_id, seed, counter, user_agent, created_at, rotated_at, idle_expires_at, expires_at"
    };
}
pub(crate) use session_columns;

pub(crate) fn account(row: &PgRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: UserId(column(row, "accounts.id")?),
        username: username(row)?,
        hash: StoredHash::new(column(row, "accounts.hash")?),
        created_at: time(row, "accounts.created_at")?,
        disabled_at: optional_time(row, "accounts.disabled_at")?,
    })
}

/// Columns `id, username, created_at, disabled_at`.
pub(crate) fn account_summary(row: &PgRow) -> Result<AccountSummary, StoreError> {
    Ok(AccountSummary {
        id: UserId(column(row, "accounts.id")?),
        username: username(row)?,
        created_at: time(row, "accounts.created_at")?,
        disabled_at: optional_time(row, "accounts.disabled_at")?,
    })
}

pub(crate) fn session(row: &PgRow) -> Result<Session, StoreError> {
    let seed: &[u8] = column(row, "sessions.seed")?;
    Ok(Session {
        id: SessionId(column(row, "sessions.id")?),
        user: UserId(column(row, "sessions.user_id")?),
        seed: Seed::new(
            seed.try_into()
                .map_err(|source: std::array::TryFromSliceError| {
                    corrupt("sessions.seed", source)
                })?,
        ),
        counter: column::<i64>(row, "sessions.counter")?
            .try_into()
            .map_err(|source: std::num::TryFromIntError| corrupt("sessions.counter", source))?,
        user_agent: column(row, "sessions.user_agent")?,
        created_at: time(row, "sessions.created_at")?,
        rotated_at: time(row, "sessions.rotated_at")?,
        idle_expires_at: time(row, "sessions.idle_expires_at")?,
        expires_at: time(row, "sessions.expires_at")?,
    })
}

pub(crate) fn session_id(row: &PgRow) -> Result<SessionId, StoreError> {
    Ok(SessionId(column(row, "sessions.id")?))
}

pub(crate) fn ended_session(row: &PgRow) -> Result<EndedSession, StoreError> {
    Ok(EndedSession {
        session: session_id(row)?,
        at: time(row, "sessions.ended_at")?,
    })
}

/// Columns `name, title, presence, created_at, role`.
pub(crate) fn membership(row: &PgRow) -> Result<Membership, StoreError> {
    Ok(Membership {
        room: Room {
            name: room_name(row, "rooms.name")?,
            title: column(row, "rooms.title")?,
            presence: column(row, "rooms.presence")?,
            created_at: time(row, "rooms.created_at")?,
        },
        role: role(column(row, "memberships.role")?)?,
    })
}

/// Columns `user_id, username, role`.
pub(crate) fn member(row: &PgRow) -> Result<Member, StoreError> {
    Ok(Member {
        user: UserId(column(row, "memberships.user_id")?),
        username: username(row)?,
        role: role(column(row, "memberships.role")?)?,
    })
}

/// Columns `room, user_id, role, revision, changed_at`.
pub(crate) fn membership_change(row: &PgRow) -> Result<MembershipChange, StoreError> {
    Ok(MembershipChange {
        room: room_name(row, "memberships.room")?,
        user: UserId(column(row, "memberships.user_id")?),
        role: column::<Option<&str>>(row, "memberships.role")?
            .map(role)
            .transpose()?,
        revision: column::<i64>(row, "memberships.revision")?
            .try_into()
            .map_err(|source: std::num::TryFromIntError| corrupt("memberships.revision", source))?,
        at: time(row, "memberships.changed_at")?,
    })
}

/// Columns `known, failures, attempted_at, next_at`, all but the first of a row
/// that may not be there.
pub(crate) fn attempts(row: &PgRow) -> Result<(bool, Option<Attempts>), StoreError> {
    let known = column(row, "login_sources.known")?;
    let Some(failures) = column::<Option<i64>>(row, "login_attempts.failures")? else {
        return Ok((known, None));
    };
    let kept = Attempts {
        failures: failures
            .try_into()
            .map_err(|source: std::num::TryFromIntError| {
                corrupt("login_attempts.failures", source)
            })?,
        last: time(row, "login_attempts.attempted_at")?,
        next: time(row, "login_attempts.next_at")?,
    };
    Ok((known, Some(kept)))
}

/// The role of that name.
pub(crate) fn role(name: &str) -> Result<Role, StoreError> {
    /// A later version's, perhaps.
    #[derive(Debug, thiserror::Error)]
    #[error("not a role that this version knows")]
    struct NotARole;

    Role::parse(name).ok_or_else(|| corrupt("memberships.role", NotARole))
}

/// A duration as the store counts it; longer ones than it can count are the
/// longest that it can.
pub(crate) fn millis(duration: Duration) -> i64 {
    duration.as_millis().try_into().unwrap_or(i64::MAX)
}

fn room_name(row: &PgRow, field: &'static str) -> Result<RoomName, StoreError> {
    RoomName::parse(column(row, field)?).map_err(|source| corrupt(field, source))
}

fn username(row: &PgRow) -> Result<Username, StoreError> {
    parsed(column(row, "accounts.username")?)
}

/// The name of an account that need not be there.
pub(crate) fn optional_username(
    row: &PgRow,
    column_name: &'static str,
) -> Result<Option<Username>, StoreError> {
    column::<Option<&str>>(row, column_name)?
        .map(parsed)
        .transpose()
}

fn parsed(username: &str) -> Result<Username, StoreError> {
    Username::parse(username)
        .map_err(|source| corrupt("accounts.username", source))
        .and_then(|parsed| canonical(parsed, username))
}

fn canonical(parsed: Username, stored: &str) -> Result<Username, StoreError> {
    /// Such a name would never be found again.
    #[derive(Debug, thiserror::Error)]
    #[error("not the canonical form of a name")]
    struct NotCanonical;

    if parsed.as_str() == stored {
        Ok(parsed)
    } else {
        Err(corrupt("accounts.username", NotCanonical))
    }
}

pub(crate) fn time(row: &PgRow, field: &'static str) -> Result<Timestamp, StoreError> {
    timestamp(column(row, field)?, field)
}

fn optional_time(row: &PgRow, field: &'static str) -> Result<Option<Timestamp>, StoreError> {
    column::<Option<i64>>(row, field)?
        .map(|ms| timestamp(ms, field))
        .transpose()
}

fn timestamp(ms: i64, field: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(ms).map_err(|_| corrupt(field, NotATime))
}

/// The column of the field `table.column`.
pub(crate) fn column<'r, T>(row: &'r PgRow, field: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    let name = field.rsplit('.').next().unwrap_or(field);
    row.try_get(name).map_err(|source| corrupt(field, source))
}

pub(crate) fn corrupt(field: &'static str, source: impl Into<BoxError>) -> StoreError {
    StoreError::Corrupt {
        field,
        source: source.into(),
    }
}
