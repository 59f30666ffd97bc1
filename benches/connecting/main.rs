//! What it costs to connect, and to be many.
//!
//! Handshakes with a token beside a program that only accepts and upgrades
//! ([`harness::bare`]), interleaved round by round, and beside them what the check
//! of a token takes by itself; then as many sockets as the limit on open files
//! allows, on one node and on several, joined, pinged and drained.
//! `BENCH_QUICK=1` for few sockets.
//!
//! | file | what it holds |
//! |---|---|
//! | [`subject`] | the servers |
//! | [`plan`] | what a client is asked to do, and what it says on its way |
//! | [`client`] | the client itself |
//! | [`handshakes`] | CPU per handshake, and handshakes a second |
//! | [`verification`] | CPU of the check of a token |
//! | [`growth`] | what a socket costs as their number grows |
//! | [`nodes`] | several nodes at once |

mod client;
mod growth;
mod handshakes;
#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod nodes;
mod plan;
mod subject;
mod verification;

use std::process::ExitCode;

use harness::roles::{Invocation, invocation};
use harness::table::{Table, machine};
use harness::{Outcome, bare, conclude, process};

/// The role of the limit.
const BARE: &str = "bare";
/// Files that a process opens beside its sockets, with room to spare.
const OTHER_FILES: u64 = 500;

fn main() -> ExitCode {
    conclude(invocation().and_then(run))
}

fn run(invocation: Invocation) -> Outcome<()> {
    match invocation {
        Invocation::Measure => measure(),
        Invocation::Role(role, argument) => match role.as_str() {
            BARE => bare::serve(&argument),
            plan::ROLE => client::run(&argument),
            verification::ROLE => verification::run(&argument),
            other => Err(format!("there is no role {other}").into()),
        },
        Invocation::Other => Ok(()),
    }
}

fn measure() -> Outcome<()> {
    let files = process::raise_open_files()?;
    println!("connecting: {}, {files} open files", machine());
    let most = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    let mut results = Table::of_results();
    handshakes::measure(&mut results)?;
    growth::measure(most, &mut results)?;
    nodes::measure(most, &mut results)?;
    results.print("connecting");
    Ok(())
}
