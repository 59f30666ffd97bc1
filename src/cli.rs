//! The arguments of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
    /// Print the OpenAPI document, of the HTTP API
    Openapi,
    /// Print the AsyncAPI document, of the WebSocket
    Asyncapi,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum UserCommand {
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a signing key in `tokens.key_dir`; the newest signs, older ones still verify
    New,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say `ok`, or everything that is wrong (exit code 1)
    Check,
    /// Print every key with its value and where it came from
    Show,
}
