//! Runs a command beside private servers: `TEST_POSTGRES_URL` is an empty
//! database, `TEST_NATS_URL` a NATS server with JetStream. Ends as the command
//! does.
//!
//! `cargo run -p test-servers --example with_servers -- COMMAND ARGUMENT…`

#![allow(clippy::expect_used)]

use std::{
    env,
    process::{Command, ExitCode},
};

use test_servers::{Nats, Postgres};

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let Some(command) = words.next() else {
        eprintln!("usage: with_servers COMMAND ARGUMENT…");
        return ExitCode::from(2);
    };
    let (postgres, nats) = (Postgres::start(), Nats::start());
    let database = postgres.database();
    let status = Command::new(&command)
        .args(words)
        .env("TEST_POSTGRES_URL", &database.url)
        .env("TEST_NATS_URL", nats.url())
        .status()
        .expect("a command that can be run");
    if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
