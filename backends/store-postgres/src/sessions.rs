//! The `SessionStore`.

use std::borrow::Cow;

use async_trait::async_trait;
use contract::{
    EndedSession, NewSession, OpenOutcome, Rotate, Rotation, Session, SessionId, SessionStore,
    StoreError, Timestamp, UserId, session::LIST_LIMIT,
};
use sqlx_core::{query::query, query_as::query_as, row::Row};
use sqlx_postgres::PgConnection;
use uuid::Uuid;

use crate::{
    PostgresStore,
    error::failed,
    rows::{self, session_columns},
    store::bounded,
};

/// Rows that one step of a purge looks at, so that no statement takes long,
/// however many sessions there are.
const PURGE_STEP: usize = 2000;

/// A session that has not ended at `$2`.
macro_rules! is_live {
    () => {
        "idle_expires_at > $2 AND expires_at > $2 AND ended_at IS NULL"
    };
}

/// A row that nobody needs any more: ended by time at or before `$1`, or by
/// somebody at or before `$2`.
macro_rules! is_over {
    () => {
        "coalesce(ended_at <= $2, idle_expires_at <= $1)"
    };
}

/// A rotation, decided and made by one statement.
///
/// `found` waits for whoever has the row and sees it as it is then; until the
/// end of the statement nobody else changes it. Who reads the row without the
/// lock could judge by a counter that has just moved.
const ROTATE: &str = concat!(
    "WITH found AS MATERIALIZED (
        SELECT ",
    session_columns!(),
    ",
            counter = $3 AS is_current,
            counter = $3 + 1 AND rotated_at > $5 AS is_repeat
        FROM sessions WHERE id = $1 AND ",
    is_live!(),
    " FOR UPDATE
    ), changed AS (
        UPDATE sessions SET
            counter = CASE WHEN is_current THEN found.counter + 1 ELSE found.counter END,
            rotated_at = CASE WHEN is_current THEN $2 ELSE found.rotated_at END,
            idle_expires_at = CASE WHEN is_current
                THEN least(found.expires_at, $4) ELSE found.idle_expires_at END,
            ended_at = CASE WHEN NOT is_current THEN $2 END
        FROM found WHERE sessions.id = found.id AND NOT is_repeat
        RETURNING sessions.*, is_current, is_repeat
    )
    SELECT ",
    session_columns!(),
    ", is_current, is_repeat FROM changed
    UNION ALL
    SELECT ",
    session_columns!(),
    ", is_current, is_repeat FROM found WHERE is_repeat"
);

#[async_trait]
impl SessionStore for PostgresStore {
    async fn open(&self, new: &NewSession) -> Result<OpenOutcome, StoreError> {
        let session = &new.session;
        let opened = bounded(async {
            // The lock on the account makes this wait for a change of it that is
            // under way, and look again; and a change wait for this, and end it.
            query(concat!(
                "INSERT INTO sessions (",
                session_columns!(),
                ") SELECT $1, id, $2, $3, $4, $5, $6, $7, $8
                   FROM accounts WHERE id = $9 AND hash = $10 AND disabled_at IS NULL
                   FOR SHARE"
            ))
            .bind(session.id.0)
            .bind(session.seed.as_bytes().as_slice())
            .bind(i64::from(session.counter))
            .bind(session.user_agent.as_deref().map(storable))
            .bind(session.created_at.as_millisecond())
            .bind(session.rotated_at.as_millisecond())
            .bind(session.idle_expires_at.as_millisecond())
            .bind(session.expires_at.as_millisecond())
            .bind(session.user.0)
            .bind(new.verified.as_str())
            .execute(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        Ok(match opened.await?.rows_affected() {
            0 => OpenOutcome::AccountChanged,
            _ => OpenOutcome::Opened,
        })
    }

    async fn find(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let found = bounded(async {
            query(concat!(
                "SELECT ",
                session_columns!(),
                " FROM sessions WHERE id = $1 AND ",
                is_live!()
            ))
            .bind(id.0)
            .bind(now.as_millisecond())
            .fetch_optional(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        found.await?.as_ref().map(rows::session).transpose()
    }

    async fn rotate(&self, rotate: Rotate) -> Result<Rotation, StoreError> {
        let now = rotate.now.as_millisecond();
        // The clock of the node that rotated may have been ahead of this one's.
        let repeats_after = if rotate.grace.is_zero() {
            i64::MAX
        } else {
            now.saturating_sub(rows::millis(rotate.grace))
        };
        let rows = bounded(async {
            query(ROTATE)
                .bind(rotate.session.0)
                .bind(now)
                .bind(i64::from(rotate.presented))
                .bind(now.saturating_add(rows::millis(rotate.idle_ttl)))
                .bind(repeats_after)
                .fetch_all(&mut *self.lease_for(rotate.session).await?)
                .await
                .map_err(failed)
        });
        let rows = rows.await?;
        let Some(row) = rows.first() else {
            return Ok(Rotation::Ended);
        };
        let session = rows::session(row)?;
        let is = |column| row.try_get::<bool, _>(column).map_err(failed);
        Ok(if is("is_current")? {
            Rotation::Rotated(session)
        } else if is("is_repeat")? {
            Rotation::Repeated(session)
        } else {
            Rotation::Reused(session)
        })
    }

    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked = bounded(async {
            query(
                "UPDATE sessions SET ended_at = $1
                 WHERE id = $2 AND user_id = $3 AND ended_at IS NULL",
            )
            .bind(now.as_millisecond())
            .bind(id.0)
            .bind(user.0)
            .execute(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        Ok(revoked.await?.rows_affected() > 0)
    }

    async fn revoke_all(
        &self,
        user: UserId,
        except: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        bounded(async { end_all(&mut *self.lease().await?, user, except, now).await }).await
    }

    async fn ended_since(&self, since: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let ended = bounded(async {
            query("SELECT id, ended_at FROM sessions WHERE ended_at >= $1")
                .bind(since.as_millisecond())
                .fetch_all(&mut *self.lease().await?)
                .await
                .map_err(failed)
        });
        ended.await?.iter().map(rows::ended_session).collect()
    }

    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let listed = bounded(async {
            query(concat!(
                "SELECT ",
                session_columns!(),
                " FROM sessions WHERE user_id = $1 AND ",
                is_live!(),
                " ORDER BY rotated_at DESC, id LIMIT $3"
            ))
            .bind(user.0)
            .bind(now.as_millisecond())
            .bind(i64::try_from(LIST_LIMIT).unwrap_or(i64::MAX))
            .fetch_all(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        listed.await?.iter().map(rows::session).collect()
    }

    async fn purge(&self, now: Timestamp, ended_before: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        // No session has this id: it is not a random one.
        let mut after = Uuid::nil();
        loop {
            let step: Vec<(Uuid, bool)> = bounded(async {
                query_as(concat!(
                    "SELECT id, ",
                    is_over!(),
                    " FROM sessions WHERE id > $3 ORDER BY id LIMIT $4"
                ))
                .bind(now.as_millisecond())
                .bind(ended_before.as_millisecond())
                .bind(after)
                .bind(i64::try_from(PURGE_STEP).unwrap_or(i64::MAX))
                .fetch_all(&mut *self.lease().await?)
                .await
                .map_err(failed)
            })
            .await?;
            let last = step.last().map(|(id, _)| *id);
            let more = step.len() == PURGE_STEP;
            let over: Vec<Uuid> = step
                .into_iter()
                .filter_map(|(id, over)| over.then_some(id))
                .collect();

            if !over.is_empty() {
                purged += self.remove(&over, now, ended_before).await?;
            }
            match last {
                Some(last) if more => after = last,
                _ => return Ok(purged),
            }
        }
    }
}

impl PostgresStore {
    /// Removes those of the sessions that are over still, and that nobody is
    /// changing: another node that purges has them, or a late revocation.
    async fn remove(
        &self,
        sessions: &[Uuid],
        now: Timestamp,
        ended_before: Timestamp,
    ) -> Result<u64, StoreError> {
        let removed = bounded(async {
            query(concat!(
                "WITH over AS MATERIALIZED (
                    SELECT id FROM sessions WHERE id = ANY($3) AND ",
                is_over!(),
                " FOR UPDATE SKIP LOCKED
                )
                DELETE FROM sessions USING over WHERE sessions.id = over.id"
            ))
            .bind(now.as_millisecond())
            .bind(ended_before.as_millisecond())
            .bind(sessions)
            .execute(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        Ok(removed.await?.rows_affected())
    }
}

/// Ends all sessions of a user but for `except`; returns which. Read to its
/// end, so that it may be a transaction by itself.
pub(crate) async fn end_all(
    connection: &mut PgConnection,
    user: UserId,
    except: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    // Locked in the order of their ids: two such calls would else wait for
    // each other's rows.
    query(
        "WITH live AS MATERIALIZED (
            SELECT id FROM sessions
            WHERE user_id = $2 AND id IS DISTINCT FROM $3 AND ended_at IS NULL
            ORDER BY id FOR UPDATE
        )
        UPDATE sessions SET ended_at = $1 FROM live WHERE sessions.id = live.id
        RETURNING sessions.id",
    )
    .bind(now.as_millisecond())
    .bind(user.0)
    .bind(except.map(|id| id.0))
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .iter()
    .map(rows::session_id)
    .collect()
}

/// PostgreSQL's text has every character but NUL, which no client's header can
/// have either.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}
