//! `user …`: accounts and their sessions.

use contract::{AccountSummary, AccountsQuery, Session, SessionId, Timestamp, Username};
use serde_json::json;
use service::{
    accounts::administration::Administration, assembly, clock::now, config::Loaded,
    news::EndReason, wiring::Stores,
};

use super::{
    Outcome, account_stores, announce, legacy, operator, password,
    print::{Lines, seconds},
    run, with,
};
use crate::{
    cli::{ListAccounts, UserCommand},
    write,
};

/// Accounts that are read at once.
const PAGE: u32 = 500;

/// Does what is asked of the accounts.
pub(crate) fn user(loaded: &Loaded, command: UserCommand) -> Outcome {
    run(loaded, async {
        let stores = account_stores(loaded).await?;
        with(&stores, act(loaded, &stores, command)).await
    })
}

async fn act(loaded: &Loaded, stores: &Stores, command: UserCommand) -> Outcome {
    let administration = assembly::administration(&loaded.config, stores, operator());
    match command {
        UserCommand::Add { username } => add(loaded, &administration, &username).await,
        UserCommand::SetPassword { username } => {
            set_password(loaded, &administration, &username).await
        }
        UserCommand::Disable { username } => {
            let now = now();
            let ended = administration.disable(&username, now).await?;
            announce(loaded, &ended, EndReason::Disabled, now).await;
            say(format_args!("disabled; {} sessions ended", ended.len()));
            Ok(())
        }
        UserCommand::Enable { username } => {
            administration.enable(&username, now()).await?;
            say("enabled");
            Ok(())
        }
        UserCommand::ForgetFactor { username } => {
            let forgotten = administration.forget_factor(&username, now()).await?;
            say(if forgotten {
                "forgotten"
            } else {
                "there was none"
            });
            Ok(())
        }
        UserCommand::Revoke { username, session } => {
            let now = now();
            let session = session.map(SessionId);
            let ended = administration.revoke(&username, session, now).await?;
            announce(loaded, &ended, EndReason::Revoked, now).await;
            say(format_args!("{} sessions ended", ended.len()));
            Ok(())
        }
        UserCommand::Migrate(asked) => {
            let passwords = assembly::passwords(&loaded.config)?;
            let taken = legacy::migrate(stores, &passwords, &asked).await;
            administration.imported(taken.accounts, now()).await;
            taken.end
        }
        UserCommand::Import(asked) => {
            let passwords = assembly::passwords(&loaded.config)?;
            let imported = legacy::import(stores, &passwords, &asked).await;
            administration.imported(imported.accounts, now()).await;
            imported.end
        }
        UserCommand::List(asked) => list(&administration, asked).await,
        UserCommand::Sessions { username, json } => {
            sessions(&administration, &username, json).await
        }
    }
}

async fn add(loaded: &Loaded, administration: &Administration, username: &str) -> Outcome {
    // Before anybody types a password for nothing.
    Username::parse(username)?;
    let password = password::read()?;
    let passwords = assembly::operators_passwords(&loaded.config)?;
    let account = administration
        .add(username, &password, &passwords, now())
        .await?;
    say(format_args!("added {}", account.id));
    Ok(())
}

async fn set_password(loaded: &Loaded, administration: &Administration, username: &str) -> Outcome {
    administration.account(username).await?;
    let password = password::read()?;
    let passwords = assembly::operators_passwords(&loaded.config)?;
    let now = now();
    let ended = administration
        .set_password(username, &password, &passwords, now)
        .await?;
    announce(loaded, &ended, EndReason::PasswordChanged, now).await;
    say(format_args!("password set; {} sessions ended", ended.len()));
    Ok(())
}

/// Prints accounts page by page, however many there are.
async fn list(administration: &Administration, asked: ListAccounts) -> Outcome {
    let mut left = asked.limit.unwrap_or(u32::MAX);
    let mut query = AccountsQuery {
        after: asked.after.as_deref().map(Username::parse).transpose()?,
        disabled: match (asked.disabled, asked.enabled) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        limit: PAGE,
    };
    let mut lines = Lines::new();
    if !asked.json {
        lines.print(format_args!(
            "{:<36}  {:<20}  {:<20}  USERNAME",
            "ID", "CREATED", "DISABLED"
        ))?;
    }
    while left > 0 {
        query.limit = PAGE.min(left);
        let page = administration.list(&query).await?;
        for account in &page {
            let read_on = if asked.json {
                lines.print(account_json(account))
            } else {
                lines.print(account_row(account))
            };
            if !read_on? {
                return Ok(());
            }
        }
        let Some(last) = page.last() else { break };
        query.after = Some(last.username.clone());
        left -= u32::try_from(page.len()).unwrap_or(left).min(left);
    }
    lines.end()?;
    Ok(())
}

fn account_json(account: &AccountSummary) -> serde_json::Value {
    json!({
        "id": account.id,
        "username": account.username.as_str(),
        "created_at": account.created_at,
        "disabled_at": account.disabled_at,
    })
}

fn account_row(account: &AccountSummary) -> String {
    format!(
        "{:<36}  {:<20}  {:<20}  {}",
        account.id.to_string(),
        seconds(account.created_at).to_string(),
        since(account.disabled_at),
        account.username
    )
}

fn since(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| seconds(time).to_string())
}

/// Prints the live sessions of an account.
async fn sessions(administration: &Administration, username: &str, json: bool) -> Outcome {
    let sessions = administration.sessions(username, now()).await?;
    let mut lines = Lines::new();
    if !json {
        lines.print(format_args!(
            "{:<36}  {:<20}  {:<20}  {:<20}  USER AGENT",
            "ID", "SIGNED IN", "REFRESHED", "EXPIRES"
        ))?;
    }
    for session in &sessions {
        if json {
            lines.print(session_json(session))?;
        } else {
            lines.print(session_row(session))?;
        }
    }
    lines.end()?;
    Ok(())
}

fn session_json(session: &Session) -> serde_json::Value {
    json!({
        "id": session.id,
        "user_agent": session.user_agent,
        "created_at": session.created_at,
        "refreshed_at": session.rotated_at,
        "expires_at": session.idle_expires_at,
    })
}

fn session_row(session: &Session) -> String {
    // What a client says of itself must not steer the terminal.
    let agent = session.user_agent.as_deref().unwrap_or("-");
    let agent: String = agent.chars().filter(|c| !c.is_control()).collect();
    format!(
        "{:<36}  {:<20}  {:<20}  {:<20}  {agent}",
        session.id.to_string(),
        seconds(session.created_at).to_string(),
        seconds(session.rotated_at).to_string(),
        seconds(session.idle_expires_at).to_string(),
    )
}

fn say(line: impl std::fmt::Display) {
    write(std::io::stdout(), line);
}
