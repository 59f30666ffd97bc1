//! The bench binary, run again as a rival or as a client.

use std::process::{Command, Stdio};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::Outcome;

/// The hidden first argument that asks for a role.
const ROLE: &str = "role";

/// What this run of the binary is for.
pub(crate) enum Invocation {
    /// `cargo bench`: measure.
    Measure,
    /// A role that the measuring run started: its name and its one argument.
    Role(String, String),
    /// Anything else, such as `cargo test --all-targets`, which runs bench
    /// binaries as well: nothing to do.
    Other,
}

/// Reads the command line. A role dies with the process that started it.
pub(crate) fn invocation() -> Outcome<Invocation> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(ROLE) {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let name = arguments.next().ok_or("a role has a name")?;
        return Ok(Invocation::Role(name, arguments.next().unwrap_or_default()));
    }
    if first.into_iter().chain(arguments).any(|a| a == "--bench") {
        return Ok(Invocation::Measure);
    }
    println!("This is a benchmark: run it with `cargo bench`.");
    Ok(Invocation::Other)
}

/// This binary in a role, with an empty environment and nothing on stdin.
pub(crate) fn command(role: &str, argument: &str) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([ROLE, role, argument])
        .env_clear()
        .stdin(Stdio::null());
    Ok(command)
}
