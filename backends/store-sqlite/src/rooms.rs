//! The `RoomStore`.

use async_trait::async_trait;
use contract::{
    ChangeMember, DeleteOutcome, Member, MemberOutcome, Membership, MembershipChange, Role, Room,
    RoomName, RoomOutcome, RoomStore, StoreError, Timestamp, UserId, Username,
};
use sqlx_core::{query::query, query_scalar::query_scalar};
use sqlx_sqlite::SqliteConnection;

use crate::{
    SqliteStore,
    error::{NoSuchAccount, failed},
    members, rows,
};

#[async_trait]
impl RoomStore for SqliteStore {
    async fn create_room(
        &self,
        room: &Room,
        owner: UserId,
        max_owned: u32,
    ) -> Result<RoomOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        if owned(&mut transaction, owner).await? >= i64::from(max_owned) {
            transaction.rollback().await.map_err(failed)?;
            return Ok(RoomOutcome::TooMany);
        }
        let created = query(
            "INSERT INTO rooms (name, title, presence, created_at, revision)
             VALUES (?, ?, ?, ?, 0)
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(room.name.as_str())
        .bind(room.title.as_str())
        .bind(room.presence)
        .bind(room.created_at.as_millisecond())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if created.rows_affected() == 0 {
            transaction.rollback().await.map_err(failed)?;
            return Ok(RoomOutcome::NameTaken);
        }
        query("INSERT INTO memberships (room, user_id, role, revision) VALUES (?, ?, ?, 0)")
            .bind(room.name.as_str())
            .bind(owner.0.as_bytes().as_slice())
            .bind(Role::Owner.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(RoomOutcome::Created)
    }

    async fn membership(
        &self,
        room: &RoomName,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        query(
            "SELECT name, title, presence, created_at, role
             FROM memberships JOIN rooms ON name = room
             WHERE room = ? AND user_id = ? AND role IS NOT NULL",
        )
        .bind(room.as_str())
        .bind(user.0.as_bytes().as_slice())
        .fetch_optional(self.readers())
        .await
        .map_err(failed)?
        .as_ref()
        .map(rows::membership)
        .transpose()
    }

    async fn memberships(
        &self,
        user: UserId,
        after: Option<&RoomName>,
        limit: u32,
    ) -> Result<Vec<Membership>, StoreError> {
        // `CROSS JOIN` is SQLite's word for "in this order".
        query(
            "SELECT name, title, presence, created_at, role
             FROM memberships CROSS JOIN rooms ON name = room
             WHERE user_id = ? AND role IS NOT NULL AND room > ?
             ORDER BY room LIMIT ?",
        )
        .bind(user.0.as_bytes().as_slice())
        // No name is empty.
        .bind(after.map_or("", RoomName::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(failed)?
        .iter()
        .map(rows::membership)
        .collect()
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        // From the room's members to their names: there may be many more names.
        query(
            "SELECT user_id, username, role
             FROM memberships CROSS JOIN accounts ON id = user_id
             WHERE room = ? AND role IS NOT NULL AND username > ?
             ORDER BY username LIMIT ?",
        )
        .bind(room.as_str())
        // No name is empty.
        .bind(after.map_or("", Username::as_str))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(failed)?
        .iter()
        .map(rows::member)
        .collect()
    }

    async fn change_member(&self, change: &ChangeMember) -> Result<MemberOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        let standing = members::standing(&mut transaction, change).await?;
        if let Some(outcome) = standing.settles(change) {
            transaction.rollback().await.map_err(failed)?;
            return Ok(outcome);
        }
        let made = members::write(&mut transaction, change).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(MemberOutcome::Changed(made))
    }

    async fn delete_room(
        &self,
        room: &RoomName,
        by: UserId,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        let refusal = match members::role(&mut transaction, room, by).await? {
            Some(Role::Owner) => None,
            Some(_) => Some(DeleteOutcome::NotOwner),
            None => Some(DeleteOutcome::NoSuchRoom),
        };
        if let Some(refusal) = refusal {
            transaction.rollback().await.map_err(failed)?;
            return Ok(refusal);
        }
        let ended = members::end_all(&mut transaction, room, now).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(DeleteOutcome::Deleted(ended))
    }

    async fn membership_changes_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<MembershipChange>, StoreError> {
        query(
            "SELECT room, user_id, role, revision, changed_at
             FROM memberships WHERE changed_at >= ?",
        )
        .bind(since.as_millisecond())
        .fetch_all(self.open_connection())
        .await
        .map_err(failed)?
        .iter()
        .map(rows::membership_change)
        .collect()
    }

    async fn purge_membership_changes(&self, before: Timestamp) -> Result<u64, StoreError> {
        let removals = "DELETE FROM memberships WHERE (room, user_id) IN (
                SELECT room, user_id FROM memberships
                WHERE role IS NULL AND changed_at <= ? LIMIT ?
            )";
        // A room stays while a removal from it does that another node's clock
        // has dated later.
        let rooms = "DELETE FROM rooms WHERE name IN (
                SELECT name FROM rooms
                WHERE deleted_at <= ?
                  AND NOT EXISTS (SELECT 1 FROM memberships WHERE room = name)
                LIMIT ?
            )";
        let purged = self.delete_by_and_by(removals, before).await?;
        Ok(purged + self.delete_by_and_by(rooms, before).await?)
    }
}

/// How many rooms a user owns; an error if there is no such user.
async fn owned(writer: &mut SqliteConnection, user: UserId) -> Result<i64, StoreError> {
    let owned: Option<i64> = query_scalar(
        "SELECT (SELECT count(*) FROM memberships WHERE user_id = id AND role = 'owner')
         FROM accounts WHERE id = ?",
    )
    .bind(user.0.as_bytes().as_slice())
    .fetch_optional(writer)
    .await
    .map_err(failed)?;
    Ok(owned.ok_or(NoSuchAccount)?)
}
