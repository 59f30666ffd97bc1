//! What a delivery costs, and what an idle socket.
//!
//! The service beside the cheapest program that can do the same ([`bare`]) and
//! the one that most people would write ([`tutorial`]), interleaved round by
//! round. `BENCH_QUICK=1` for short rounds, `BENCH_SUBJECTS=bare,service` for
//! some of them.

mod bare;
#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod memory;
mod subject;
mod traffic;
mod tutorial;

use std::process::ExitCode;

use harness::load::{IDLE_ROLE, ROLE};
use harness::roles::{Invocation, invocation};
use harness::table::{Table, machine};
use harness::{Outcome, conclude, load_client, process};
use subject::Subject;

fn main() -> ExitCode {
    conclude(invocation().and_then(run))
}

fn run(invocation: Invocation) -> Outcome<()> {
    match invocation {
        Invocation::Measure => measure(),
        Invocation::Role(role, argument) => match role.as_str() {
            "bare" => bare::serve(&argument),
            "tutorial" => tutorial::serve(&argument, false),
            "tutorial-nagle" => tutorial::serve(&argument, true),
            ROLE => load_client::run(&argument),
            IDLE_ROLE => load_client::idle(&argument),
            other => Err(format!("there is no role {other}").into()),
        },
        Invocation::Other => Ok(()),
    }
}

fn measure() -> Outcome<()> {
    let files = process::raise_open_files()?;
    println!("fanout: {}, {files} open files", machine());
    let subjects = Subject::chosen();
    let mut results = Table::of_results();
    traffic::measure(&subjects, &mut results)?;
    let subjects: Vec<_> = subjects
        .into_iter()
        .filter(|&subject| !matches!(subject, Subject::TutorialNagle | Subject::Long))
        .collect();
    memory::measure(&subjects, files, &mut results)?;
    results.print("fanout");
    Ok(())
}
