//! The log line of a record: the same names as in the table.

use contract::{Actor, AuditReason, AuditRecord, Role};

/// Logs a record. The request's own id stands in the span around it, too, but
/// not for what goes on when the answer has been given.
pub(super) fn log(record: &AuditRecord) {
    let (actor, operator) = match &record.actor {
        Actor::Anonymous => (None, None),
        Actor::User(user) => (Some(user), None),
        Actor::Operator(name) => (None, Some(name.as_str())),
    };
    tracing::info!(
        target: super::TARGET,
        event = record.event.as_str(),
        outcome = record.outcome.as_str(),
        reason = record.reason.as_ref().map(AuditReason::as_str),
        actor = actor.map(display),
        operator,
        user = record.user.as_ref().map(display),
        session = record.session.as_ref().map(display),
        room = record.room.as_ref().map(display),
        role = record.role.map(Role::as_str),
        key = record.key.as_deref(),
        count = record.count,
        address = record.address.as_ref().map(display),
        request_id = record.request_id.as_deref(),
        "audit"
    );
}
