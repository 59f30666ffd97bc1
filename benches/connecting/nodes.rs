//! Several nodes at once, each as full as its limit on open files allows, so
//! that the machine has more sockets than one process may.

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::table::{Table, kib, with_unit};
use crate::harness::{Outcome, pace};
use crate::plan::{After, Client, Drained, Held, Opened};
use crate::subject::Subject;

const NODES: (usize, usize) = (6, 2);
/// The most sockets of a node in quick mode.
const QUICK_MOST: usize = 500;
/// The service's own.
const HEARTBEAT: (&str, &str) = ("25s", "8s");
/// How long they may take to drain, all at once.
const DRAIN: Duration = Duration::from_secs(30);

/// Opens them all, and adds the rows to `results`.
pub(crate) fn measure(most: usize, results: &mut Table) -> Outcome<()> {
    let each = pace(most, most.min(QUICK_MOST));
    let nodes = (0..pace(NODES.0, NODES.1))
        .map(|_| Subject::Hs256.start(pace(HEARTBEAT.0, HEARTBEAT.1)))
        .collect::<Outcome<Vec<_>>>()?;
    let available = available_memory()?;
    let start = Instant::now();
    let mut clients = Vec::new();
    for (block, node) in (1..).zip(&nodes) {
        let mut plan = node.plan(each, After::Drain);
        plan.block = block;
        clients.push(Client::start(&plan)?);
    }
    let mut cpu = Duration::ZERO;
    for client in &mut clients {
        cpu += client.next::<Opened>()?.server_cpu;
    }
    let opening = start.elapsed();
    let taken = available.saturating_sub(available_memory()?);
    let (mut resident, mut pinged, mut heard) = (0, 0, 0);
    for client in &mut clients {
        let held: Held = client.next()?;
        resident += held.open.saturating_sub(held.before);
        pinged += held.pinged;
        heard += held.heard;
    }

    let start = Instant::now();
    for node in &nodes {
        node.process.terminate();
    }
    for node in nodes {
        node.process.lifetime_cpu(DRAIN)?;
    }
    let draining = start.elapsed();
    let mut restarting = 0;
    for mut client in clients {
        restarting += client.next::<Drained>()?.restarting;
        client.end()?;
    }

    // Far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let per_socket = |bytes: u64| kib(bytes as f64 / heard as f64);
    #[allow(clippy::cast_precision_loss)]
    let cpu = cpu.as_secs_f64() * 1e6 / heard as f64;
    let mut row = |what: &str, figure: String, beside: &str, goal: &str| {
        let ratio = String::new();
        let what = what.to_owned();
        results.row([what, figure, beside.to_owned(), ratio, goal.to_owned()]);
    };
    row(
        "sockets open at once, over several nodes",
        heard.to_string(),
        &format!("{} nodes of {each}", pace(NODES.0, NODES.1)),
        pace(">= 100,000 sockets", ""),
    );
    row(
        "  of them pinged, and told to come back",
        format!("{pinged}, {restarting}"),
        "",
        "",
    );
    row(
        "  opened and drained in",
        format!(
            "{}, {}",
            with_unit(opening.as_secs_f64(), "s"),
            with_unit(draining.as_secs_f64(), "s")
        ),
        "",
        "",
    );
    row("  CPU to open one", with_unit(cpu, "µs"), "", "");
    row(
        "  memory of the nodes per socket",
        per_socket(resident),
        "",
        "",
    );
    row(
        "  memory of the machine per socket, both ends",
        per_socket(taken),
        "",
        "",
    );
    Ok(())
}

/// Bytes that the kernel could still give.
fn available_memory() -> Outcome<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or("meminfo has no MemAvailable")?;
    Ok(value.parse::<u64>()? * 1024)
}
