//! The `SessionStore`.

use async_trait::async_trait;
use contract::{
    EndedSession, NewSession, OpenOutcome, Rotate, Rotation, Session, SessionId, SessionStore,
    StoreError, Timestamp, UserId, session::LIST_LIMIT,
};
use sqlx_core::{query::query, query_scalar::query_scalar};
use sqlx_sqlite::{SqliteConnection, SqliteExecutor};

use crate::{
    SqliteStore,
    error::failed,
    rows::{self, session_columns},
};

/// Rows that one purging transaction removes at most, so that sign-ins and
/// refreshes get their turn in between.
const PURGE_BATCH: usize = 500;

/// A row that nobody needs any more: ended by time at or before `?1`, or by
/// somebody at or before `?2`.
macro_rules! is_over {
    () => {
        "coalesce(ended_at <= ?2, idle_expires_at <= ?1)"
    };
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn open(&self, new: &NewSession) -> Result<OpenOutcome, StoreError> {
        let session = &new.session;
        let opened = query(concat!(
            "INSERT INTO sessions (",
            session_columns!(),
            ") SELECT ?, id, ?, ?, ?, ?, ?, ?, ?
               FROM accounts WHERE id = ? AND hash = ? AND disabled_at IS NULL"
        ))
        .bind(session.id.0.as_bytes().as_slice())
        .bind(session.seed.as_bytes().as_slice())
        .bind(i64::from(session.counter))
        .bind(session.user_agent.as_deref())
        .bind(session.created_at.as_millisecond())
        .bind(session.rotated_at.as_millisecond())
        .bind(session.idle_expires_at.as_millisecond())
        .bind(session.expires_at.as_millisecond())
        .bind(session.user.0.as_bytes().as_slice())
        .bind(new.verified.as_str())
        .execute(self.writer())
        .await
        .map_err(failed)?;
        Ok(match opened.rows_affected() {
            0 => OpenOutcome::AccountChanged,
            _ => OpenOutcome::Opened,
        })
    }

    async fn find(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        query(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE id = ?1 AND idle_expires_at > ?2 AND expires_at > ?2 AND ended_at IS NULL"
        ))
        .bind(id.0.as_bytes().as_slice())
        .bind(now.as_millisecond())
        .fetch_optional(self.readers())
        .await
        .map_err(failed)?
        .as_ref()
        .map(rows::session)
        .transpose()
    }

    async fn rotate(&self, rotate: Rotate) -> Result<Rotation, StoreError> {
        // Nearly always the token is current, and this one statement is all.
        if let Some(session) = move_on(self.writer(), &rotate).await? {
            return Ok(Rotation::Rotated(session));
        }
        // Looked at afresh: the row may have changed in between.
        let mut transaction = self.begin().await?;
        let rotation = match move_on(&mut *transaction, &rotate).await? {
            Some(session) => Rotation::Rotated(session),
            None => refuse(&mut transaction, &rotate).await?,
        };
        transaction.commit().await.map_err(failed)?;
        Ok(rotation)
    }

    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked = query(
            "UPDATE sessions SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at IS NULL",
        )
        .bind(now.as_millisecond())
        .bind(id.0.as_bytes().as_slice())
        .bind(user.0.as_bytes().as_slice())
        .execute(self.writer())
        .await
        .map_err(failed)?;
        Ok(revoked.rows_affected() > 0)
    }

    async fn revoke_all(
        &self,
        user: UserId,
        except: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        end_all(self.writer(), user, except, now).await
    }

    async fn ended_since(&self, since: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        query("SELECT id, ended_at FROM sessions WHERE ended_at >= ?")
            .bind(since.as_millisecond())
            .fetch_all(self.open_connection())
            .await
            .map_err(failed)?
            .iter()
            .map(rows::ended_session)
            .collect()
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        query(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions
              WHERE user_id = ?1 AND idle_expires_at > ?2 AND expires_at > ?2
                AND ended_at IS NULL
              ORDER BY rotated_at DESC, id LIMIT ?3"
        ))
        .bind(user.0.as_bytes().as_slice())
        .bind(now.as_millisecond())
        .bind(i64::try_from(LIST_LIMIT).unwrap_or(i64::MAX))
        .fetch_all(self.readers())
        .await
        .map_err(failed)?
        .iter()
        .map(rows::session)
        .collect()
    }

    async fn purge(&self, now: Timestamp, ended_before: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        let mut after = Vec::new();
        loop {
            // The table is read through by a reader, beside the writer.
            let batch: Vec<Vec<u8>> = query_scalar(concat!(
                "SELECT id FROM sessions WHERE ",
                is_over!(),
                " AND id > ?3 ORDER BY id LIMIT ?4"
            ))
            .bind(now.as_millisecond())
            .bind(ended_before.as_millisecond())
            .bind(after)
            .bind(i64::try_from(PURGE_BATCH).unwrap_or(i64::MAX))
            .fetch_all(self.readers())
            .await
            .map_err(failed)?;
            let last = batch.last().cloned();
            let more = batch.len() == PURGE_BATCH;

            let mut transaction = self.begin().await?;
            for id in batch {
                purged += query(concat!(
                    "DELETE FROM sessions WHERE ",
                    is_over!(),
                    " AND id = ?3"
                ))
                .bind(now.as_millisecond())
                .bind(ended_before.as_millisecond())
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?
                .rows_affected();
            }
            transaction.commit().await.map_err(failed)?;
            match last {
                Some(last) if more => after = last,
                _ => return Ok(purged),
            }
        }
    }
}

/// Ends all sessions of a user but for `except`; returns which. Read to its
/// end, so that it may be a transaction by itself.
pub(crate) async fn end_all<'c>(
    writer: impl SqliteExecutor<'c>,
    user: UserId,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    query(
        "UPDATE sessions SET ended_at = ?
         WHERE user_id = ? AND id IS NOT ? AND ended_at IS NULL RETURNING id",
    )
    .bind(now.as_millisecond())
    .bind(user.0.as_bytes().as_slice())
    .bind(except.as_ref().map(|id| id.0.as_bytes().as_slice()))
    .fetch_all(writer)
    .await
    .map_err(failed)?
    .iter()
    .map(rows::session_id)
    .collect()
}

/// The ordinary rotation: the row as it is now, if the token is current and
/// the session live. Read to its end, so that it may be a transaction by itself.
async fn move_on<'c>(
    writer: impl SqliteExecutor<'c>,
    rotate: &Rotate,
) -> Result<Option<Session>, StoreError> {
    let now = rotate.now.as_millisecond();
    query(concat!(
        "UPDATE sessions
         SET counter = counter + 1, rotated_at = ?1, idle_expires_at = min(expires_at, ?2)
         WHERE id = ?3 AND counter = ?4 AND idle_expires_at > ?1 AND expires_at > ?1
           AND ended_at IS NULL
         RETURNING ",
        session_columns!()
    ))
    .bind(now)
    .bind(now.saturating_add(rows::millis(rotate.idle_ttl)))
    .bind(rotate.session.0.as_bytes().as_slice())
    .bind(i64::from(rotate.presented))
    .fetch_all(writer)
    .await
    .map_err(failed)?
    .first()
    .map(rows::session)
    .transpose()
}

/// What a token that isn't current comes to.
async fn refuse(writer: &mut SqliteConnection, rotate: &Rotate) -> Result<Rotation, StoreError> {
    let id = rotate.session.0.as_bytes().as_slice();
    let row = query(concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE id = ?1 AND idle_expires_at > ?2 AND expires_at > ?2 AND ended_at IS NULL"
    ))
    .bind(id)
    .bind(rotate.now.as_millisecond())
    .fetch_optional(&mut *writer)
    .await
    .map_err(failed)?;
    let Some(row) = row else {
        return Ok(Rotation::Ended);
    };
    let session = rows::session(&row)?;
    if repeats(&session, rotate) {
        return Ok(Rotation::Repeated(session));
    }
    query("UPDATE sessions SET ended_at = ? WHERE id = ?")
        .bind(rotate.now.as_millisecond())
        .bind(id)
        .execute(writer)
        .await
        .map_err(failed)?;
    Ok(Rotation::Reused(session))
}

/// Whether the previous token is presented within the grace. The clock of the
/// node that rotated may have been ahead of this one's.
fn repeats(session: &Session, rotate: &Rotate) -> bool {
    let since = rotate.now.as_millisecond() - session.rotated_at.as_millisecond();
    session.counter.checked_sub(1) == Some(rotate.presented)
        && !rotate.grace.is_zero()
        && since < rows::millis(rotate.grace)
}
