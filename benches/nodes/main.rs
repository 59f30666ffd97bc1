//! From one node to another over NATS, beside two bare clients of it.
//!
//! One private server. The bare clients publish and subscribe and do nothing
//! else; two handles on the bus do what two nodes of the service do. Rounds
//! are interleaved, in one process. `BENCH_QUICK=1` for few rounds.

#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod rivals;

use std::{process::ExitCode, time::Duration};

use bus_nats::{History, Storage};
use harness::{
    Outcome, conclude, pace,
    roles::{Invocation, invocation},
    statistics::{median, paired_ratio},
    table::{Table, figure, machine, with_unit},
};
use rivals::{Bare, Line, Nodes};
use test_servers::Nats;

/// Bytes of a message.
const PAYLOAD: usize = 128;

/// Messages one at a time, in a round.
const SINGLY: (usize, usize) = (5_000, 500);

/// Messages as fast as they go, in a round; fewer than the bare client's
/// subscription holds, so that nobody drops any.
const AT_ONCE: (usize, usize) = (50_000, 5_000);

const ROUNDS: (usize, usize) = (9, 3);

/// What JetStream keeps in the history's rounds.
const HISTORY: History = History {
    messages: 100,
    age: Duration::from_secs(3600),
    storage: Storage::File,
    replicas: 1,
};

/// Messages at once with history: each is confirmed before the next.
const AT_ONCE_CONFIRMED: (usize, usize) = (5_000, 1_000);

fn main() -> ExitCode {
    conclude(invocation().and_then(|invocation| match invocation {
        Invocation::Measure => measure(),
        _ => Ok(()),
    }))
}

/// Microseconds from publish to heard, and messages a second, round by round.
#[derive(Default)]
struct Found {
    median: Vec<f64>,
    p99: Vec<f64>,
    rate: Vec<f64>,
}

fn measure() -> Outcome<()> {
    println!("nodes: {}", machine());
    let server = Nats::start();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        // In a task, as everything in the service is, not on the thread that waits.
        .block_on(async { tokio::spawn(rounds(server.url().to_owned())).await? })
}

async fn rounds(url: String) -> Outcome<()> {
    let mut bare = (Bare::connect(&url).await?, Found::default());
    let mut nodes = (Nodes::connect(&url, None).await?, Found::default());
    let mut history = (Nodes::connect(&url, Some(HISTORY)).await?, Found::default());
    for round in 0..=pace(ROUNDS.0, ROUNDS.1) {
        // The first warms up, and counts for nothing.
        let keep = round > 0;
        visit(&mut bare, AT_ONCE, keep).await?;
        visit(&mut nodes, AT_ONCE, keep).await?;
        visit(&mut history, AT_ONCE_CONFIRMED, keep).await?;
    }
    report(&bare.1, &nodes.1, &history.1);
    Ok(())
}

async fn visit(
    (line, found): &mut (impl Line, Found),
    at_once: (usize, usize),
    keep: bool,
) -> Outcome<()> {
    let mut micros = Vec::new();
    for _ in 0..pace(SINGLY.0, SINGLY.1) {
        micros.push(line.once().await?.as_secs_f64() * 1e6);
    }
    let count = pace(at_once.0, at_once.1);
    let rate = count as f64 / line.burst(count).await?.as_secs_f64();
    if keep {
        micros.sort_by(f64::total_cmp);
        found.median.push(median(&micros));
        found.p99.push(micros[micros.len() * 99 / 100]);
        found.rate.push(rate);
    }
    Ok(())
}

fn report(bare: &Found, nodes: &Found, history: &Found) {
    let mut table = Table::of_results();
    let mut row = |name: &str, ours: &[f64], theirs: &[f64], unit: &str, goal: &str| {
        table.row([
            name.to_owned(),
            with_unit(median(ours), unit),
            with_unit(median(theirs), unit),
            figure(paired_ratio(ours, theirs)),
            goal.to_owned(),
        ]);
    };
    row(
        "latency, median",
        &nodes.median,
        &bare.median,
        "µs",
        "<= 1.5",
    );
    row("latency, p99", &nodes.p99, &bare.p99, "µs", "<= 1.5");
    row("throughput", &nodes.rate, &bare.rate, "msg/s", ">= 0.8");
    row(
        "with history: latency, median",
        &history.median,
        &bare.median,
        "µs",
        "-",
    );
    row(
        "with history: latency, p99",
        &history.p99,
        &bare.p99,
        "µs",
        "-",
    );
    row(
        "with history: one publisher",
        &history.rate,
        &bare.rate,
        "msg/s",
        "-",
    );
    table.print("node to node over NATS, 128 B; the limit is two bare clients");
}
