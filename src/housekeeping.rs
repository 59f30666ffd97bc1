//! Removes what no longer matters, soon after a start and every hour.

use std::{sync::Arc, time::Duration};

use contract::{AuditLog, StoreError, Timestamp};
use jiff::SignedDuration;
use tokio::time::{Instant, interval_at};

use crate::{accounts::tokens::EndedSessions, app::App, limits::Limits, rooms::MembershipChanges};

/// When first: not at once, because requests wait at a start.
const FIRST: Duration = Duration::from_secs(1);

/// How often.
const INTERVAL: Duration = Duration::from_secs(3600);

/// How often counts of requests are looked through: they are of minutes.
const SWEEP: Duration = Duration::from_secs(60);

/// How long the answer of a request is kept that may be repeated.
const ANSWERS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Removes what no longer matters: memories of ended sessions and changed
/// memberships, and, with a store, the rows of both, answers of requests that
/// nobody repeats any more, counts of attempts to give a password, and what the
/// audit log has kept for long enough.
pub(crate) async fn housekeeping(
    app: Option<Arc<App>>,
    ended: Arc<EndedSessions>,
    memberships: Arc<MembershipChanges>,
    audit: Option<(Arc<dyn AuditLog>, Duration)>,
) {
    let mut ticks = interval_at(Instant::now() + FIRST, INTERVAL);
    loop {
        ticks.tick().await;
        let now = Timestamp::now();
        ended.sweep(now);
        memberships.sweep(now);
        if let Some(app) = &app {
            // Not before the last access token has expired that it is about:
            // whoever signs out with that needs the session's row, and a
            // restart would forget the end of either.
            let over = ended.horizon(now);
            let purged = app.accounts.sessions.purge(over, over).await;
            report("expired sessions", purged);
            let over = memberships.horizon(now);
            let purged = app.rooms.store.purge_membership_changes(over).await;
            report("membership changes", purged);
            let over = now.saturating_sub(ANSWERS_KEPT).unwrap_or(Timestamp::MIN);
            let purged = app.rooms.requests.purge_requests(over).await;
            report("answers of requests", purged);
            let purged = app.accounts.guesses.purge(now).await;
            report("attempts to give a password", purged);
        }
        if let Some((audit, retention)) = &audit {
            // Also what there is from when more was kept.
            let retention = SignedDuration::try_from(*retention).unwrap_or(SignedDuration::MAX);
            let over = now.saturating_sub(retention).unwrap_or(Timestamp::MIN);
            report("audit records", audit.purge_audit(over).await);
        }
    }
}

/// Forgets who has asked for nothing lately.
pub(crate) async fn sweeping(limits: Arc<Limits>) {
    let mut ticks = interval_at(Instant::now() + SWEEP, SWEEP);
    loop {
        ticks.tick().await;
        limits.sweep();
    }
}

fn report(what: &str, purged: Result<u64, StoreError>) {
    match purged {
        Ok(0) => {}
        Ok(purged) => tracing::info!(what, purged, "what is over was removed"),
        Err(error) => tracing::warn!(
            what,
            error = &error as &dyn std::error::Error,
            "what is over was not removed"
        ),
    }
}
