//! Memory of sockets that do nothing.

use crate::OTHER_FILES;
use crate::harness::load::footprint;
use crate::harness::statistics::median;
use crate::harness::table::{Table, kib};
use crate::harness::{Outcome, pace};
use crate::peers::Peers;
use crate::subject::Subject;

struct Scenario {
    name: &'static str,
    rooms: usize,
    members_per_room: usize,
    goal: &'static str,
}

/// Measures each server afresh, and adds the rows to `results`.
pub(crate) fn measure(
    subjects: &[Subject],
    files: u64,
    results: &mut Table,
    peers: &mut Peers,
) -> Outcome<()> {
    let available = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    let most = pace(10_000, 2_000).min(available);
    if most < 10_000 {
        println!("fanout: {most} idle sockets instead of 10,000");
    }
    let scenarios = [
        Scenario {
            name: "100 rooms",
            rooms: 100,
            members_per_room: most / 100,
            goal: "<= 1.3 KiB",
        },
        Scenario {
            name: "two per room",
            rooms: pace(2_000, 500).min(most / 2),
            members_per_room: 2,
            goal: "<= 4 KiB",
        },
    ];
    let mut details = Table::new(&["sockets", "server", "open", "after a message each"]);
    for scenario in &scenarios {
        let found = interleave(subjects, scenario)?;
        let sockets = scenario.rooms * scenario.members_per_room;
        for (subject, bytes) in subjects.iter().zip(&found) {
            details.row([
                format!("{sockets} in {} rooms", scenario.rooms),
                subject.name().to_owned(),
                kib(bytes.open()),
                kib(bytes.used()),
            ]);
            let column = format!("memory per socket, {}", scenario.name);
            peers.cell(*subject, &column, kib(bytes.open()));
        }
        let of = |subject, what: fn(&PerSocket) -> f64| {
            let at = subjects.iter().position(|&s| s == subject);
            at.map_or(f64::NAN, |at| what(&found[at]))
        };
        for (state, what, goal) in [
            (
                "open",
                PerSocket::open as fn(&PerSocket) -> f64,
                scenario.goal,
            ),
            ("after a message", PerSocket::used, ""),
        ] {
            results.row([
                format!("memory per idle socket, {}, {state}", scenario.name),
                kib(of(Subject::Service, what)),
                kib(of(Subject::Bare, what)),
                String::new(),
                goal.to_owned(),
            ]);
        }
    }
    details.print("fanout, memory of every server per idle socket");
    Ok(())
}

/// Bytes per socket, round by round.
#[derive(Default)]
struct PerSocket {
    open: Vec<f64>,
    used: Vec<f64>,
}

impl PerSocket {
    fn open(&self) -> f64 {
        median(&self.open)
    }

    fn used(&self) -> f64 {
        median(&self.used)
    }
}

fn interleave(subjects: &[Subject], scenario: &Scenario) -> Outcome<Vec<PerSocket>> {
    let mut found: Vec<PerSocket> = subjects.iter().map(|_| PerSocket::default()).collect();
    for _ in 0..pace(2, 1) {
        for (subject, found) in subjects.iter().zip(&mut found) {
            let server = subject.start()?;
            let crowd = server.crowd(scenario.rooms, scenario.members_per_room);
            let bytes = footprint(&crowd)?;
            server.stop();
            // Far below 2^52.
            #[allow(clippy::cast_precision_loss)]
            let each = |after: u64| {
                let sockets = scenario.rooms * scenario.members_per_room;
                after.saturating_sub(bytes.before) as f64 / sockets as f64
            };
            found.open.push(each(bytes.open));
            found.used.push(each(bytes.used));
        }
    }
    Ok(found)
}
