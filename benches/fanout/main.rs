//! What a delivery costs, and what an idle socket.
//!
//! The service beside the cheapest program that can do the same ([`harness::bare`]),
//! the one that most people would write ([`tutorial`]), and what others use
//! ([`socketioxide`], and those of `benches/peers` on Node), interleaved round
//! by round. `BENCH_QUICK=1` for short rounds, `BENCH_SUBJECTS=bare,service` for
//! some of them, `BENCH_PARTS=traffic,memory` for some of what is measured.
//!
//! | file | what it holds |
//! |---|---|
//! | [`subject`] | the servers that are compared |
//! | [`tutorial`], [`socketioxide`] | those that are a role of this binary |
//! | [`traffic`] | CPU per delivery and latency under load |
//! | [`scale`] | the same as rooms and their members become more |
//! | [`sweep`] | what other rooms notice of a very large one |
//! | [`memory`] | memory of sockets that do nothing |
//! | [`peers`] | all servers in one table |

#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod memory;
mod peers;
mod scale;
mod socketioxide;
mod subject;
mod sweep;
mod traffic;
mod tutorial;

use std::process::ExitCode;

use harness::load::{IDLE_ROLE, ROLE};
use harness::roles::{Invocation, invocation};
use harness::table::{Table, machine};
use harness::{Outcome, bare, conclude, load_client, process};
use peers::Peers;
use subject::Subject;

/// Files that a server opens beside its sockets, with room to spare.
const OTHER_FILES: u64 = 500;

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
            "socketioxide" => socketioxide::serve(&argument),
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
    let mut peers = Peers::new(&subjects);
    if wanted("traffic") {
        traffic::measure(&subjects, &mut results, &mut peers)?;
    }
    if wanted("scale") {
        scale::measure(&subjects, files)?;
    }
    if wanted("sweep") {
        sweep::measure(&subjects, files, &mut results)?;
    }
    let subjects: Vec<_> = subjects
        .into_iter()
        .filter(|&subject| !matches!(subject, Subject::TutorialNagle | Subject::Long))
        .collect();
    if wanted("memory") {
        memory::measure(&subjects, files, &mut results, &mut peers)?;
    }
    peers.print();
    results.print("fanout");
    Ok(())
}

/// Whether a part is among those of `BENCH_PARTS`; all are if it is not set.
fn wanted(part: &str) -> bool {
    let parts = std::env::var("BENCH_PARTS");
    parts.map_or(true, |parts| parts.split(',').any(|name| name == part))
}
