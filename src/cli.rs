//! The arguments of the command line.

use std::path::PathBuf;

use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use contract::{AuditEvent, AuditOutcome, Timestamp};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::commands::legacy::{ImportArguments, MigrateArguments};

/// Signs people in, and lets people in a room hear each other.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Configuration file, in place of the one in the working folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

impl Arguments {
    /// What to do; `serve` if nothing is said.
    pub(crate) fn command(&self) -> Command {
        self.command.clone().unwrap_or(Command::Serve)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Serve, until SIGTERM or SIGINT; the default
    Serve,
    /// Ask the service of this configuration, on this machine, whether requests
    /// should come to it; exit code 1 if not
    Healthcheck {
        /// Ask only whether it is alive, not whether it is ready
        #[arg(long)]
        live: bool,
    },
    /// Look at the configuration, without starting anything
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The keys that sign access tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The accounts in the store
    #[command(subcommand)]
    User(UserCommand),
    /// What happened that matters to security
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the OpenAPI document, of the HTTP API
    Openapi,
    /// Print the AsyncAPI document, of the WebSocket
    Asyncapi,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum UserCommand {
    /// Make an account. The password is asked for, or read from standard input,
    /// and has to be as good as one at registration
    Add {
        /// The account's name
        username: String,
    },
    /// Take over a table of another application, with salted SHA-2 digests, that
    /// is in the store's database
    Migrate(MigrateArguments),
    /// Import accounts from JSON Lines, with hashes or digests of another application
    Import(ImportArguments),
    /// Let nobody sign in to an account any more, and sign everybody out of it
    Disable {
        /// The account's name
        username: String,
    },
    /// Let a disabled account sign in again
    Enable {
        /// The account's name
        username: String,
    },
    /// Forget the second factor of somebody who has lost it: the password alone
    /// signs in again
    ForgetFactor {
        /// The account's name
        username: String,
    },
    /// List the accounts, in the order of their names
    List(ListAccounts),
    /// List where somebody is signed in, the latest refreshed first, 100 at most
    Sessions {
        /// The account's name
        username: String,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Sign somebody out, everywhere or of one session
    Revoke {
        /// The account's name
        username: String,
        /// Only this session, as `user sessions` names it
        #[arg(long, value_name = "ID")]
        session: Option<Uuid>,
    },
    /// Give an account another password, and sign everybody out of it. The
    /// password is asked for, or read from standard input
    SetPassword {
        /// The account's name
        username: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct ListAccounts {
    /// Only those that are disabled
    #[arg(long, conflicts_with = "enabled")]
    pub(crate) disabled: bool,
    /// Only those that are not disabled
    #[arg(long)]
    pub(crate) enabled: bool,
    /// Only those after this name
    #[arg(long, value_name = "USERNAME")]
    pub(crate) after: Option<String>,
    /// So many at most; all, if nothing is said
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u32>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a signing key in `tokens.key_dir`; the newest signs, older ones still verify
    New,
    /// List the keys of `tokens.key_dir`, the oldest first, and what is wrong with them
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Remove a key that doesn't sign any more, once its tokens have expired
    Retire {
        /// Which key, as `keys list` names it
        // Some begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// At once, though tokens that it has signed may still be valid
        #[arg(long)]
        now: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum AuditCommand {
    /// List records, the latest first
    List(ListRecords),
}

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct ListRecords {
    /// Only what this user did, or what was done to the account: a name or an id
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Only what is of this kind
    #[arg(
        long,
        value_name = "EVENT",
        value_parser = PossibleValuesParser::new(AuditEvent::ALL.iter().map(|event| event.as_str()))
            .map(|event| AuditEvent::parse(&event))
    )]
    pub(crate) event: Option<AuditEvent>,
    /// Only what was done, or what was refused
    #[arg(
        long,
        value_name = "OUTCOME",
        value_parser = PossibleValuesParser::new(["success", "failure"])
            .try_map(|outcome| AuditOutcome::parse(&outcome).ok_or("no outcome"))
    )]
    pub(crate) outcome: Option<AuditOutcome>,
    /// Only from this time on: as in 2026-01-31T17:00:00Z, or 24h (ago)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) until: Option<Timestamp>,
    /// So many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub(crate) limit: u32,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A time, or how long ago it was.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|ago| Timestamp::now().checked_sub(ago).ok())
        .ok_or_else(|| "expected a time like 2026-01-31T17:00:00Z, or like 24h or 30m".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say `ok`, or everything that is wrong (exit code 1)
    Check,
    /// Print every key with its value and where it came from
    Show,
}
