//! `audit …`: what happened.

use std::fmt::Write;

use contract::{Actor, AuditEntry, AuditQuery, AuditReason, Role, UserId, Username};
use serde_json::json;
use service::{config::Loaded, wiring::Stores};
use uuid::Uuid;

use super::{
    Outcome,
    print::{Lines, seconds},
    run, stores, with,
};
use crate::cli::{AuditCommand, ListRecords};

/// Records that are read at once.
const PAGE: u32 = 500;

/// Shows what happened.
pub(crate) fn audit(loaded: &Loaded, command: AuditCommand) -> Outcome {
    let AuditCommand::List(asked) = command;
    run(loaded, async {
        let stores = stores(loaded).await?.ok_or(
            "roles: auth is not among them, so there is no audit log here; use the configuration \
             of an auth node",
        )?;
        with(&stores, list(&stores, asked)).await
    })
}

async fn list(stores: &Stores, asked: ListRecords) -> Outcome {
    let user = match &asked.user {
        None => None,
        Some(user) => Some(match Uuid::try_parse(user) {
            Ok(id) => UserId(id),
            Err(_) => {
                let username = Username::parse(user)?;
                let account = stores.credentials.find_by_name(&username).await?;
                let nobody = || format!("there is no account `{username}`");
                account.ok_or_else(nobody)?.id
            }
        }),
    };
    let mut query = AuditQuery {
        user,
        event: asked.event,
        outcome: asked.outcome,
        since: asked.since,
        until: asked.until,
        ..AuditQuery::latest(PAGE)
    };
    let mut left = asked.limit;
    let mut lines = Lines::new();
    while left > 0 {
        query.limit = PAGE.min(left);
        let page = stores.audit.audit(&query).await?;
        for entry in &page {
            let read_on = if asked.json {
                lines.print(entry_json(entry))
            } else {
                lines.print(entry_row(entry))
            };
            if !read_on? {
                return Ok(());
            }
        }
        let Some(last) = page.last() else { break };
        query.after = Some((last.record.at, last.record.id));
        left -= u32::try_from(page.len()).unwrap_or(left).min(left);
    }
    lines.end()?;
    Ok(())
}

fn entry_json(entry: &AuditEntry) -> serde_json::Value {
    let record = &entry.record;
    let actor = match &record.actor {
        Actor::Anonymous => json!(null),
        Actor::User(user) => json!({"user": user, "username": name(&entry.actor_name)}),
        Actor::Operator(operator) => json!({"operator": operator}),
    };
    json!({
        "id": record.id,
        "at": record.at,
        "event": record.event.as_str(),
        "outcome": record.outcome.as_str(),
        "reason": record.reason.as_ref().map(AuditReason::as_str),
        "actor": actor,
        "user": record.user,
        "username": name(&entry.username),
        "session": record.session,
        "room": record.room,
        "role": record.role.map(Role::as_str),
        "key": record.key,
        "count": record.count,
        "address": record.address,
        "request_id": record.request_id,
    })
}

fn name(username: &Option<Username>) -> Option<&str> {
    username.as_ref().map(Username::as_str)
}

/// When, what, how it ended, and what else is known of it.
fn entry_row(entry: &AuditEntry) -> String {
    let record = &entry.record;
    let mut row = format!(
        "{}  {:<18}  {:<7}",
        seconds(record.at),
        record.event,
        record.outcome.as_str()
    );
    let actor = match &record.actor {
        Actor::Anonymous => None,
        // Most of what users do they do to their own account.
        Actor::User(user) if record.user == Some(*user) => None,
        Actor::User(user) => {
            Some(name(&entry.actor_name).map_or_else(|| user.to_string(), str::to_owned))
        }
        Actor::Operator(operator) => Some(format!("operator {operator}")),
    };
    let user = record
        .user
        .map(|user| name(&entry.username).map_or_else(|| user.to_string(), str::to_owned));
    let role = record.role.map(|role| role.as_str().to_owned());
    for (what, value) in [
        ("reason", record.reason.as_ref().map(ToString::to_string)),
        ("user", user),
        ("by", actor),
        ("session", record.session.map(|session| session.to_string())),
        ("room", record.room.as_ref().map(ToString::to_string)),
        ("role", role),
        ("key", record.key.clone()),
        ("count", record.count.map(|count| count.to_string())),
        ("address", record.address.map(|address| address.to_string())),
        ("request", record.request_id.clone()),
    ] {
        if let Some(value) = value {
            // Writing to a string can't fail.
            let _ = write!(row, "  {what}={value}");
        }
    }
    row
}
