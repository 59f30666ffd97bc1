//! How many instructions the hot paths take, and whether they take more than
//! they did when the figures were last committed.
//!
//! | file | what it holds |
//! |---|---|
//! | [`paths`] | the hot paths: what is made before, and what is counted |
//! | [`callgrind`] | one path, counted by valgrind |
//! | [`baseline`] | the committed figures, `baseline.txt` |
//!
//! Not part of `cargo bench`: `make instructions`, which fails if a path takes
//! 10 % more than it did. `INSTRUCTIONS=renew` writes the figures anew.
//!
//! Counts don't depend on what else the machine does, but they do on the
//! compiler, the profile (link-time optimisation alone takes a fifth off) and on
//! which instructions a library finds at run time: valgrind has neither AVX-512
//! nor SHA extensions, whatever the processor has. So figures of another
//! compiler are not compared, and none of them says what a path costs.

mod baseline;
mod callgrind;
#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod paths;

use std::process::ExitCode;

use baseline::{Baseline, TOLERANCE};
use harness::{
    Outcome, conclude,
    roles::{Invocation, invocation},
    table::{Table, figure},
};
use paths::PATHS;

fn main() -> ExitCode {
    conclude(invocation().and_then(|invocation| match invocation {
        Invocation::Measure => measure(),
        Invocation::Role(name, repeats) => paths::run(&name, repeats.parse()?),
        Invocation::Other => Ok(()),
    }))
}

fn measure() -> Outcome<()> {
    let mut counted = Vec::new();
    for (name, _) in PATHS {
        counted.push(((*name).to_owned(), callgrind::count(name)?));
    }
    let now = Baseline::of_this_compiler(counted)?;
    if std::env::var("INSTRUCTIONS").is_ok_and(|value| value == "renew") {
        now.print(None);
        return now.write();
    }
    let committed = Baseline::read()?;
    if committed.compiler != now.compiler {
        now.print(None);
        println!(
            "\nNot compared: the committed figures are of {}, and this is {}.\n\
             Renew them with INSTRUCTIONS=renew, from a state that is known to be good.",
            committed.compiler, now.compiler
        );
        return Ok(());
    }
    now.print(Some(&committed));
    let slower = now.slower_than(&committed)?;
    if slower.is_empty() {
        return Ok(());
    }
    let tolerance = figure((TOLERANCE - 1.0) * 100.0);
    Err(format!("more than {tolerance} % above the committed figures: {slower:?}").into())
}

impl Baseline {
    fn print(&self, committed: Option<&Self>) {
        let mut table = Table::new(&["path", "instructions", "committed", "ratio"]);
        for (name, count) in &self.counts {
            let before = committed.and_then(|committed| committed.count(name));
            table.row([
                name.clone(),
                count.to_string(),
                before.map_or("-".to_owned(), |before| before.to_string()),
                before.map_or("-".to_owned(), |before| {
                    figure(*count as f64 / before as f64)
                }),
            ]);
        }
        table.print("instructions of the hot paths, each done once");
    }
}
