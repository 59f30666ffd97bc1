//! The `RoomStore`.

use async_trait::async_trait;
use contract::{
    ChangeMember, DeleteOutcome, Member, MemberOutcome, Membership, MembershipChange, Role, Room,
    RoomName, RoomOutcome, RoomStore, StoreError, Timestamp, UserId, Username,
};
use sqlx_core::{query::query, query_scalar::query_scalar};
use sqlx_postgres::PgConnection;

use crate::{
    PostgresStore,
    error::{NoSuchAccount, failed},
    members, rows,
    store::bounded,
};

#[async_trait]
impl RoomStore for PostgresStore {
    async fn create_room(
        &self,
        room: &Room,
        owner: UserId,
        max_owned: u32,
    ) -> Result<RoomOutcome, StoreError> {
        bounded(async {
            let mut transaction = self.begin_for(&room.name).await?;
            lock_account(&mut transaction, owner).await?;
            // A statement of its own, so that it sees the rooms of those that
            // the lock has waited for.
            if owned(&mut transaction, owner).await? >= i64::from(max_owned) {
                return Ok(RoomOutcome::TooMany);
            }
            let created = query(
                "WITH created AS (
                    INSERT INTO rooms (name, title, presence, created_at, revision)
                    VALUES ($1, $2, $3, $4, 0)
                    ON CONFLICT (name) DO NOTHING
                    RETURNING name, revision
                )
                INSERT INTO memberships (room, user_id, role, revision)
                SELECT name, $5, $6, revision FROM created",
            )
            .bind(room.name.as_str())
            .bind(room.title.as_str())
            .bind(room.presence)
            .bind(room.created_at.as_millisecond())
            .bind(owner.0)
            .bind(Role::Owner.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
            if created.rows_affected() == 0 {
                return Ok(RoomOutcome::NameTaken);
            }
            transaction.commit().await?;
            Ok(RoomOutcome::Created)
        })
        .await
    }

    async fn membership(
        &self,
        room: &RoomName,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        let found = bounded(async {
            query(
                "SELECT name, title, presence, created_at, role
                 FROM memberships JOIN rooms ON name = room
                 WHERE room = $1 AND user_id = $2 AND role IS NOT NULL",
            )
            .bind(room.as_str())
            .bind(user.0)
            .fetch_optional(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        found.await?.as_ref().map(rows::membership).transpose()
    }

    async fn memberships(
        &self,
        user: UserId,
        after: Option<&RoomName>,
        limit: u32,
    ) -> Result<Vec<Membership>, StoreError> {
        let listed = bounded(async {
            query(
                "SELECT name, title, presence, created_at, role
                 FROM memberships JOIN rooms ON name = room
                 WHERE user_id = $1 AND role IS NOT NULL AND room > $2
                 ORDER BY room LIMIT $3",
            )
            .bind(user.0)
            // No name is empty.
            .bind(after.map_or("", RoomName::as_str))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        listed.await?.iter().map(rows::membership).collect()
    }

    async fn members(
        &self,
        room: &RoomName,
        after: Option<&Username>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        let listed = bounded(async {
            // From the room's members to their names, and never through all
            // names in their order: there may be many more.
            query(
                "WITH present AS MATERIALIZED (
                    SELECT user_id, username, role
                    FROM memberships JOIN accounts ON id = user_id
                    WHERE room = $1 AND role IS NOT NULL
                )
                SELECT user_id, username, role FROM present
                WHERE username > $2 ORDER BY username LIMIT $3",
            )
            .bind(room.as_str())
            // No name is empty.
            .bind(after.map_or("", Username::as_str))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        listed.await?.iter().map(rows::member).collect()
    }

    async fn change_member(&self, change: &ChangeMember) -> Result<MemberOutcome, StoreError> {
        bounded(async {
            let mut transaction = self.begin_for(&change.room).await?;
            members::lock(&mut transaction, &change.room).await?;
            let standing = members::standing(&mut transaction, change).await?;
            if let Some(outcome) = standing.settles(change) {
                return Ok(outcome);
            }
            let made = members::write(&mut transaction, change).await?;
            transaction.commit().await?;
            Ok(MemberOutcome::Changed(made))
        })
        .await
    }

    async fn delete_room(
        &self,
        room: &RoomName,
        by: UserId,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError> {
        bounded(async {
            let mut transaction = self.begin_for(room).await?;
            members::lock(&mut transaction, room).await?;
            match members::role(&mut transaction, room, by).await? {
                Some(Role::Owner) => {}
                Some(_) => return Ok(DeleteOutcome::NotOwner),
                None => return Ok(DeleteOutcome::NoSuchRoom),
            }
            let ended = members::end_all(&mut transaction, room, now).await?;
            transaction.commit().await?;
            Ok(DeleteOutcome::Deleted(ended))
        })
        .await
    }

    async fn membership_changes_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<MembershipChange>, StoreError> {
        let changes = bounded(async {
            query(
                "SELECT room, user_id, role, revision, changed_at
                 FROM memberships WHERE changed_at >= $1",
            )
            .bind(since.as_millisecond())
            .fetch_all(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        changes.await?.iter().map(rows::membership_change).collect()
    }

    async fn purge_membership_changes(&self, before: Timestamp) -> Result<u64, StoreError> {
        let removals = "WITH over AS MATERIALIZED (
                SELECT room, user_id FROM memberships
                WHERE role IS NULL AND changed_at <= $1
                LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            DELETE FROM memberships USING over
            WHERE memberships.room = over.room AND memberships.user_id = over.user_id";
        // A room stays while a removal from it does that another node's clock
        // has dated later.
        let rooms = "WITH over AS MATERIALIZED (
                SELECT name FROM rooms
                WHERE deleted_at <= $1
                  AND NOT EXISTS (SELECT FROM memberships WHERE room = name)
                LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            DELETE FROM rooms USING over WHERE rooms.name = over.name";
        let purged = self.delete_by_and_by(removals, before).await?;
        Ok(purged + self.delete_by_and_by(rooms, before).await?)
    }
}

/// Keeps others from making a room for that account, until the end of the
/// transaction. An error if there is no such account.
async fn lock_account(connection: &mut PgConnection, user: UserId) -> Result<(), StoreError> {
    let locked = query("SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE")
        .bind(user.0)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(locked.map(drop).ok_or(NoSuchAccount)?)
}

/// How many rooms a user owns.
async fn owned(connection: &mut PgConnection, user: UserId) -> Result<i64, StoreError> {
    query_scalar("SELECT count(*) FROM memberships WHERE user_id = $1 AND role = 'owner'")
        .bind(user.0)
        .fetch_one(connection)
        .await
        .map_err(failed)
}
