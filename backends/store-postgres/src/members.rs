//! A change of who is in a room, and the end of the room: what is read and
//! written within the caller's transaction.

use contract::{
    ChangeMember, MembershipChange, Role, RoomName, Standing, StoreError, Timestamp, UserId,
};
use sqlx_core::{query::query, query_scalar::query_scalar, row::Row};
use sqlx_postgres::PgConnection;

use crate::{error::failed, rows};

/// Waits for whoever changes the room and keeps others from it, until the end
/// of the transaction. A statement of its own: the next one sees what was
/// waited for.
pub(crate) async fn lock(connection: &mut PgConnection, room: &RoomName) -> Result<(), StoreError> {
    query("SELECT FROM rooms WHERE name = $1 FOR NO KEY UPDATE")
        .bind(room.as_str())
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// What there is on the membership that `change` is about.
pub(crate) async fn standing(
    connection: &mut PgConnection,
    change: &ChangeMember,
) -> Result<Standing, StoreError> {
    let row = query(
        "SELECT max(role) FILTER (WHERE user_id = $2) AS by,
            max(role) FILTER (WHERE user_id = $3) AS user_is,
            count(*) FILTER (WHERE role = 'owner') AS owners,
            count(role) AS members
         FROM memberships WHERE room = $1",
    )
    .bind(change.room.as_str())
    .bind(change.by.0)
    .bind(change.user.0)
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    let role = |column| {
        let role: Option<&str> = row.try_get(column).map_err(failed)?;
        role.map(rows::role).transpose()
    };
    let count = |column| row.try_get::<i64, _>(column).map_err(failed);
    Ok(Standing {
        by: role("by")?,
        user: role("user_is")?,
        owners: count("owners")?.unsigned_abs(),
        members: count("members")?.unsigned_abs(),
    })
}

/// What a user is in a room.
pub(crate) async fn role(
    connection: &mut PgConnection,
    room: &RoomName,
    user: UserId,
) -> Result<Option<Role>, StoreError> {
    let role: Option<Option<String>> =
        query_scalar("SELECT role FROM memberships WHERE room = $1 AND user_id = $2")
            .bind(room.as_str())
            .bind(user.0)
            .fetch_optional(connection)
            .await
            .map_err(failed)?;
    role.flatten().as_deref().map(rows::role).transpose()
}

/// Makes a change that is due.
pub(crate) async fn write(
    connection: &mut PgConnection,
    change: &ChangeMember,
) -> Result<MembershipChange, StoreError> {
    let row = query(
        "WITH changed AS (
            UPDATE rooms SET revision = revision + 1 WHERE name = $1 RETURNING name, revision
        )
        INSERT INTO memberships (room, user_id, role, revision, changed_at)
        SELECT name, $2, $3, revision, $4 FROM changed
        ON CONFLICT (room, user_id) DO UPDATE SET
            role = excluded.role, revision = excluded.revision, changed_at = excluded.changed_at
        RETURNING room, user_id, role, revision, changed_at",
    )
    .bind(change.room.as_str())
    .bind(change.user.0)
    .bind(change.role.map(Role::as_str))
    .bind(change.now.as_millisecond())
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    rows::membership_change(&row)
}

/// Deletes a room: nobody is in it any more. Returns who was.
pub(crate) async fn end_all(
    connection: &mut PgConnection,
    room: &RoomName,
    now: Timestamp,
) -> Result<Vec<MembershipChange>, StoreError> {
    query(
        "WITH deleted AS (
            UPDATE rooms SET revision = revision + 1, deleted_at = $2
            WHERE name = $1 RETURNING name, revision
        )
        UPDATE memberships SET role = NULL, revision = deleted.revision, changed_at = $2
        FROM deleted WHERE room = name AND role IS NOT NULL
        RETURNING room, user_id, role, memberships.revision, changed_at",
    )
    .bind(room.as_str())
    .bind(now.as_millisecond())
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(rows::membership_change)
    .collect()
}
