//! `keys …`: the keys that sign access tokens.

use std::io;

use contract::{AuditEvent, AuditRecord};
use serde_json::json;
use service::{
    accounts::tokens::{KeyFile, KeyRing, key_files},
    assembly,
    clock::now,
    config::{Config, Loaded, Role},
};

use super::{
    Outcome, operator,
    print::{Lines, seconds},
    run, stores, with,
};
use crate::{cli::KeysCommand, write};

/// Does what is asked of the keys.
pub(crate) fn keys(loaded: &Loaded, command: KeysCommand) -> Outcome {
    match command {
        KeysCommand::New => new(loaded),
        KeysCommand::List { json } => list(&loaded.config, json),
        KeysCommand::Retire { kid, now } => retire(loaded, &kid, now),
    }
}

fn new(loaded: &Loaded) -> Outcome {
    let dir = &loaded.config.tokens.key_dir;
    let path = KeyRing::make_in_dir(dir, now())?;
    let made = key_files::list(dir)?
        .into_iter()
        .find(|file| file.path == path)
        .and_then(|file| file.kid.ok());
    write(io::stdout(), path.display());
    run(loaded, record(loaded, AuditEvent::KeyMade, made))
}

fn retire(loaded: &Loaded, kid: &str, at_once: bool) -> Outcome {
    let config = &loaded.config;
    let dir = &config.tokens.key_dir;
    let path = key_files::retire(dir, kid, assembly::longest_token(config), at_once, now())?;
    write(
        io::stdout(),
        format_args!(
            "removed {}; nodes verify with it until they are started again",
            path.display()
        ),
    );
    let kid = Some(kid.to_owned());
    run(loaded, record(loaded, AuditEvent::KeyRetired, kid))
}

/// Records what was done to a key. It has been done in any case.
async fn record(loaded: &Loaded, event: AuditEvent, key: Option<String>) -> Outcome {
    // Where no accounts are, there is no audit log either.
    if !loaded.config.runs(Role::Auth) {
        return Ok(());
    }
    match stores(loaded).await {
        Ok(Some(stores)) => {
            let administration = assembly::administration(&loaded.config, &stores, operator());
            let done = AuditRecord {
                key,
                ..administration.did(event, now())
            };
            with(&stores, administration.audit.done(done)).await;
        }
        Ok(None) => {}
        Err(error) => write(
            io::stderr(),
            format_args!("warning: the audit log was not told: {error}"),
        ),
    }
    Ok(())
}

fn list(config: &Config, json: bool) -> Outcome {
    let files = key_files::list(&config.tokens.key_dir)?;
    let secret = config.tokens.secret.is_some();
    if secret {
        write(
            io::stderr(),
            "note: tokens.secret (JWT_SECRET) signs and verifies; these keys are not used",
        );
    }
    let mut lines = Lines::new();
    if !json {
        lines.print(format_args!("{:<43}  {:<20}  USE", "KID", "CREATED"))?;
    }
    for file in &files {
        let usage = match (secret, file.signs) {
            (true, _) => "unused",
            (false, true) => "signs",
            (false, false) => "verifies",
        };
        if json {
            lines.print(json!({
                "kid": file.kid.as_ref().ok(),
                "created_at": file.made_at,
                "use": usage,
                "path": file.path,
                "problem": problem(file),
            }))?;
        } else {
            let created = file.made_at.map(|time| seconds(time).to_string());
            let problem = problem(file).map(|problem| format!("; {problem}"));
            lines.print(format_args!(
                "{:<43}  {:<20}  {usage}{}",
                file.kid.as_deref().unwrap_or("-"),
                created.as_deref().unwrap_or("-"),
                problem.unwrap_or_default()
            ))?;
        }
    }
    lines.end()?;
    Ok(())
}

/// What an operator should know of a file.
fn problem(file: &KeyFile) -> Option<String> {
    match (&file.kid, &file.exposure) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(_), exposure) => exposure.as_ref().map(ToString::to_string),
    }
}
