//! From exec to the first answer, and memory when nothing happens.
//!
//! The service on a database that exists, beside the smallest axum and sqlx
//! program ([`bare`]), interleaved round by round. `BENCH_QUICK=1` for few
//! rounds.

mod bare;
#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use harness::process::{Guarded, resident};
use harness::roles::{self, Invocation, invocation};
use harness::service::Premises;
use harness::statistics::{median, paired_ratio, range};
use harness::table::{Table, figure, machine, mib, with_unit};
use harness::{Outcome, conclude, http, pace};

/// The role of the limit.
const BARE: &str = "bare";
/// What both answer as soon as they listen.
const LIVE: &str = "/livez";

/// Milliseconds to the first answer and bytes at rest, round by round.
#[derive(Default)]
struct Found {
    start: Vec<f64>,
    idle: Vec<f64>,
}

fn main() -> ExitCode {
    conclude(invocation().and_then(run))
}

fn run(invocation: Invocation) -> Outcome<()> {
    match invocation {
        Invocation::Measure => measure(),
        Invocation::Role(role, argument) if role == BARE => bare::serve(&argument),
        Invocation::Role(role, _) => Err(format!("there is no role {role}").into()),
        Invocation::Other => Ok(()),
    }
}

fn measure() -> Outcome<()> {
    println!("startup: {}", machine());
    let premises = Premises::new()?;
    let folder = tempfile::tempdir()?;
    let start_service = || {
        let (service, time) = premises.start_until(LIVE)?;
        Ok((service.process, time))
    };
    let start_bare = || start_bare(folder.path());
    let (mut service, mut bare) = (Found::default(), Found::default());
    // The first start makes the databases.
    visit(&start_bare, &mut Found::default(), Duration::ZERO)?;
    visit(&start_service, &mut Found::default(), Duration::ZERO)?;
    for _ in 0..pace(30, 5) {
        visit(&start_bare, &mut bare, Duration::ZERO)?;
        visit(&start_service, &mut service, Duration::ZERO)?;
    }
    // At rest: long enough after the start.
    let (mut rested_service, mut rested_bare) = (Found::default(), Found::default());
    for _ in 0..pace(3, 1) {
        visit(&start_bare, &mut rested_bare, Duration::from_secs(1))?;
        visit(&start_service, &mut rested_service, Duration::from_secs(1))?;
    }

    let mut results = Table::of_results();
    let milliseconds = |found: &Found| {
        let (low, high) = range(&found.start);
        let middle = with_unit(median(&found.start), "ms");
        format!("{middle} ({}-{})", figure(low), figure(high))
    };
    results.row([
        "exec to the first 200, existing database".to_owned(),
        milliseconds(&service),
        milliseconds(&bare),
        figure(paired_ratio(&service.start, &bare.start)),
        "<= 1.5".to_owned(),
    ]);
    results.row([
        "idle memory".to_owned(),
        mib(median(&rested_service.idle)),
        mib(median(&rested_bare.idle)),
        figure(paired_ratio(&rested_service.idle, &rested_bare.idle)),
        "<= 16 MiB".to_owned(),
    ]);
    results.print("startup");
    Ok(())
}

/// Starts a server, lets it rest, looks at its memory, and stops it.
fn visit(
    start: &dyn Fn() -> Outcome<(Guarded, Duration)>,
    found: &mut Found,
    rest: Duration,
) -> Outcome<()> {
    let (process, time) = start()?;
    std::thread::sleep(rest);
    found.start.push(time.as_secs_f64() * 1000.0);
    // Far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    found.idle.push(resident(process.pid())? as f64);
    process.stop();
    Ok(())
}

fn start_bare(folder: &Path) -> Outcome<(Guarded, Duration)> {
    let address = http::free_address()?;
    let mut command = roles::command(BARE, &address.to_string())?;
    command.current_dir(folder).stdout(Stdio::null());
    let start = Instant::now();
    let mut process = Guarded::spawn(&mut command)?;
    http::until_ok(&mut process, address, LIVE)?;
    Ok((process, start.elapsed()))
}
