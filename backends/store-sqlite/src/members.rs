//! A change of who is in a room, and the end of the room: what is read and
//! written within the caller's transaction.

use contract::{
    ChangeMember, MembershipChange, Role, RoomName, Standing, StoreError, Timestamp, UserId,
};
use sqlx_core::{query::query, query_scalar::query_scalar, row::Row};
use sqlx_sqlite::SqliteConnection;

use crate::{error::failed, rows};

/// What there is on the membership that `change` is about.
pub(crate) async fn standing(
    writer: &mut SqliteConnection,
    change: &ChangeMember,
) -> Result<Standing, StoreError> {
    let counts = query(
        "SELECT count(*) FILTER (WHERE role = 'owner') AS owners, count(role) AS members
         FROM memberships WHERE room = ?",
    )
    .bind(change.room.as_str())
    .fetch_one(&mut *writer)
    .await
    .map_err(failed)?;
    let count = |column| counts.try_get::<i64, _>(column).map_err(failed);
    Ok(Standing {
        by: role(&mut *writer, &change.room, change.by).await?,
        user: role(writer, &change.room, change.user).await?,
        owners: count("owners")?.unsigned_abs(),
        members: count("members")?.unsigned_abs(),
    })
}

/// What a user is in a room.
pub(crate) async fn role(
    writer: &mut SqliteConnection,
    room: &RoomName,
    user: UserId,
) -> Result<Option<Role>, StoreError> {
    let role: Option<Option<String>> =
        query_scalar("SELECT role FROM memberships WHERE room = ? AND user_id = ?")
            .bind(room.as_str())
            .bind(user.0.as_bytes().as_slice())
            .fetch_optional(writer)
            .await
            .map_err(failed)?;
    role.flatten().as_deref().map(rows::role).transpose()
}

/// Makes a change that is due.
pub(crate) async fn write(
    writer: &mut SqliteConnection,
    change: &ChangeMember,
) -> Result<MembershipChange, StoreError> {
    query("UPDATE rooms SET revision = revision + 1 WHERE name = ?")
        .bind(change.room.as_str())
        .execute(&mut *writer)
        .await
        .map_err(failed)?;
    let row = query(
        "INSERT INTO memberships (room, user_id, role, revision, changed_at)
         SELECT name, ?, ?, revision, ? FROM rooms WHERE name = ?
         ON CONFLICT (room, user_id) DO UPDATE SET
            role = excluded.role, revision = excluded.revision, changed_at = excluded.changed_at
         RETURNING room, user_id, role, revision, changed_at",
    )
    .bind(change.user.0.as_bytes().as_slice())
    .bind(change.role.map(Role::as_str))
    .bind(change.now.as_millisecond())
    .bind(change.room.as_str())
    .fetch_one(writer)
    .await
    .map_err(failed)?;
    rows::membership_change(&row)
}

/// Deletes a room: nobody is in it any more. Returns who was.
pub(crate) async fn end_all(
    writer: &mut SqliteConnection,
    room: &RoomName,
    now: Timestamp,
) -> Result<Vec<MembershipChange>, StoreError> {
    query("UPDATE rooms SET revision = revision + 1, deleted_at = ? WHERE name = ?")
        .bind(now.as_millisecond())
        .bind(room.as_str())
        .execute(&mut *writer)
        .await
        .map_err(failed)?;
    query(
        "UPDATE memberships SET role = NULL, changed_at = ?1,
            revision = (SELECT revision FROM rooms WHERE name = ?2)
         WHERE room = ?2 AND role IS NOT NULL
         RETURNING room, user_id, role, revision, changed_at",
    )
    .bind(now.as_millisecond())
    .bind(room.as_str())
    .fetch_all(writer)
    .await
    .map_err(failed)?
    .iter()
    .map(rows::membership_change)
    .collect()
}
