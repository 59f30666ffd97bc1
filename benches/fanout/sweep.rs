//! What other rooms notice of a very large one.
//!
//! Small rooms talk at a fixed rate: with nothing beside them, beside a large
//! room of the same node, and beside the same room on another node. The last
//! one takes as much of the machine, so the difference is what the large room
//! holds up in its own node.

use std::time::Duration;

use crate::OTHER_FILES;
use crate::harness::load::{self, Pace, Plan, Report};
use crate::harness::statistics::median;
use crate::harness::table::{Table, figure, with_unit};
use crate::harness::{Outcome, pace};
use crate::subject::{Running, Subject};

/// Rooms of two, and what is said in each of them in a second.
const SMALL_ROOMS: usize = 100;
const SMALL_RATE: f64 = 20.0;
/// Messages a second in the large room.
const LARGE_RATE: f64 = 4.0;
/// The most members of the large room in quick mode.
const QUICK_MOST: usize = 2_000;

/// Measures the service, and adds the rows to `results`.
pub(crate) fn measure(subjects: &[Subject], files: u64, results: &mut Table) -> Outcome<()> {
    if !subjects.contains(&Subject::Service) {
        return Ok(());
    }
    let available = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    let available = available.saturating_sub(2 * SMALL_ROOMS);
    let members = pace(available, available.min(QUICK_MOST));
    let (node, other) = (Subject::Service.start()?, Subject::Service.start()?);
    let (mut quiet, mut here, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pace(3, 1) {
        quiet.push(load::run(&small(&node))?);
        elsewhere.push(beside(&node, &other, members)?);
        here.push(beside(&node, &node, members)?);
    }
    node.stop();
    other.stop();

    let mut details = Table::new(&["rooms of two", "p50", "p99", "slowest"]);
    for (name, reports) in [
        ("alone", &quiet),
        ("the large room in another node", &elsewhere),
        ("the large room in the same node", &here),
    ] {
        let of = |what: fn(&Report) -> f64| with_unit(milliseconds(reports, what), "ms");
        details.row([name.to_owned(), of(|r| r.p50), of(|r| r.p99), of(|r| r.max)]);
    }
    details.print(&format!(
        "fanout, rooms of two while one of {members} hears {LARGE_RATE} messages a second"
    ));
    let p99 = |reports: &[Report]| milliseconds(reports, |r| r.p99);
    results.rows([
        [
            format!("p99 latency in rooms of two beside one of {members}, and in another node"),
            with_unit(p99(&here), "ms"),
            with_unit(p99(&elsewhere), "ms"),
            figure(p99(&here) / p99(&elsewhere)),
            String::new(),
        ],
        [
            "  what they wait because of it".to_owned(),
            with_unit((p99(&here) - p99(&elsewhere)).max(0.0), "ms"),
            String::new(),
            String::new(),
            "<= 5 ms".to_owned(),
        ],
    ]);
    Ok(())
}

fn milliseconds(reports: &[Report], what: fn(&Report) -> f64) -> f64 {
    median(&reports.iter().map(what).collect::<Vec<_>>()) / 1000.0
}

fn small(node: &Running) -> Plan {
    Plan {
        crowd: node.crowd(SMALL_ROOMS, 2),
        publishers_per_room: 1,
        pace: Pace::PerSecond(SMALL_RATE),
        warm_up: Duration::from_millis(pace(500, 200)),
        measured: Duration::from_millis(pace(4000, 1000)),
    }
}

/// The small rooms of `node` while the large one in `at` talks.
fn beside(node: &Running, at: &Running, members: usize) -> Outcome<Report> {
    let small = small(node);
    let mut crowd = at.crowd(1, members);
    crowd.first_room = SMALL_ROOMS;
    let mut large = load::start(&Plan {
        crowd,
        publishers_per_room: 1,
        pace: Pace::PerSecond(LARGE_RATE),
        warm_up: Duration::ZERO,
        // It goes on until the small ones are done.
        measured: small.warm_up + small.measured + Duration::from_secs(2),
    })?;
    large.until_ready()?;
    let report = load::run(&small)?;
    let _its_own_latency: Report = large.finish()?;
    Ok(report)
}
