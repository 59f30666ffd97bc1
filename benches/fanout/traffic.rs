//! CPU per delivery and latency under load.

use std::time::Duration;

use crate::harness::load::{Pace, Plan, Report, run};
use crate::harness::statistics::{median, paired_ratio, range};
use crate::harness::table::{Table, figure, with_unit};
use crate::harness::{Outcome, pace};
use crate::peers::Peers;
use crate::subject::{Running, Subject};

struct Scenario {
    name: &'static str,
    rooms: usize,
    members_per_room: usize,
    publishers_per_room: usize,
    pace: Pace,
    /// Whether [`Subject::TutorialNagle`] takes part.
    nagle: bool,
}

const ONE_AT_A_TIME: Scenario = Scenario {
    name: "1,000 in a room, one at a time",
    rooms: 1,
    members_per_room: 1000,
    publishers_per_room: 1,
    pace: Pace::InFlight(1),
    nagle: false,
};
const BUSY: Scenario = Scenario {
    name: "1,000 in a room, 32 in flight",
    pace: Pace::InFlight(32),
    nagle: true,
    ..ONE_AT_A_TIME
};
const MANY_PUBLISHERS: Scenario = Scenario {
    name: "1,000 in a room, 16 publishers with 2 in flight",
    publishers_per_room: 16,
    pace: Pace::InFlight(2),
    ..ONE_AT_A_TIME
};
const ROOMS_OF_TWO: Scenario = Scenario {
    name: "1,000 rooms of two, saturated",
    rooms: 1000,
    members_per_room: 2,
    ..ONE_AT_A_TIME
};

/// The reports of one scenario: a round each for every subject.
pub(crate) struct Rounds<'a> {
    pub(crate) subjects: Vec<&'a (Subject, Running)>,
    reports: Vec<Vec<Report>>,
}

/// Measures all scenarios, and adds what has a goal to `results`.
pub(crate) fn measure(subjects: &[Subject], results: &mut Table, peers: &mut Peers) -> Outcome<()> {
    let servers = subjects
        .iter()
        .map(|&subject| Ok((subject, subject.start()?)))
        .collect::<Outcome<Vec<_>>>()?;
    let mut details = Table::new(&[
        "scenario",
        "server",
        "CPU/delivery",
        "range",
        "deliveries/s",
        "p50",
        "p99",
        "client CPU",
        "sockets lost",
        "overdue",
    ]);

    let one = interleave(&servers, &ONE_AT_A_TIME, &mut details)?;
    results.row(one.cpu("CPU per delivery, one at a time", "<= 1.12"));
    results.rows(one.rooms_v1());
    results.rows_of(one.against_peers());
    peers.cpu(&one, "CPU, one at a time");
    let busy = interleave(&servers, &BUSY, &mut details)?;
    results.row(busy.cpu("CPU per delivery, 32 in flight", "<= 1.3"));
    results.rows(busy.rooms_v1());
    results.row(busy.against(Subject::Tutorial, ">= 20"));
    results.row(busy.against(Subject::TutorialNagle, ""));
    results.rows_of(busy.against_peers());
    peers.cpu(&busy, "CPU, 32 in flight");
    let many = interleave(&servers, &MANY_PUBLISHERS, &mut details)?;
    results.row(many.cpu("CPU per delivery, 16 publishers", "<= 1.2"));
    results.rows(many.rooms_v1());
    peers.cpu(&many, "CPU, 16 publishers");
    let two = interleave(&servers, &ROOMS_OF_TWO, &mut details)?;
    results.row(two.cpu("CPU per delivery, 1,000 rooms of two", "<= 1.33"));
    results.row(two.p99("p99 latency, 1,000 rooms of two", "<= 2"));
    peers.cpu(&two, "CPU, rooms of two");

    // Half of what the limit can carry one message at a time.
    let capacity = one.median_of(Subject::Bare, Report::rate) / 1000.0;
    if capacity.is_finite() {
        let steady = Scenario {
            name: "1,000 in a room, half the limit's rate",
            pace: Pace::PerSecond(capacity / 2.0),
            ..ONE_AT_A_TIME
        };
        let steady = interleave(&servers, &steady, &mut details)?;
        results.row(steady.p99("p99 latency, half the limit's rate", "<= 1.3"));
        peers.steady(&steady, capacity / 2.0 * 1000.0);
    }

    details.print("fanout, every server (CPU in µs, medians over the rounds)");
    for (_, server) in servers {
        server.stop();
    }
    Ok(())
}

fn interleave<'a>(
    subjects: &'a [(Subject, Running)],
    scenario: &Scenario,
    details: &mut Table,
) -> Outcome<Rounds<'a>> {
    let subjects: Vec<_> = subjects
        .iter()
        .filter(|(subject, _)| scenario.nagle || *subject != Subject::TutorialNagle)
        .collect();
    let mut reports = vec![Vec::new(); subjects.len()];
    for round in 0..pace(5, 2) {
        for ((subject, server), reports) in subjects.iter().zip(&mut reports) {
            // What differs that much needs fewer rounds.
            if subject.is_peer() && round >= pace(3, 1) {
                continue;
            }
            reports.push(run(&Plan {
                crowd: server.crowd(scenario.rooms, scenario.members_per_room),
                publishers_per_room: scenario.publishers_per_room,
                pace: scenario.pace,
                warm_up: Duration::from_millis(pace(500, 200)),
                measured: Duration::from_millis(pace(1500, 500)),
            })?);
        }
    }
    let rounds = Rounds { subjects, reports };
    for (&&(subject, _), reports) in rounds.subjects.iter().zip(&rounds.reports) {
        let of = |what: fn(&Report) -> f64| reports.iter().map(what).collect::<Vec<_>>();
        let (low, high) = range(&of(Report::cpu_per_delivery));
        details.row([
            scenario.name.to_owned(),
            subject.name().to_owned(),
            figure(median(&of(Report::cpu_per_delivery))),
            format!("{}-{}", figure(low), figure(high)),
            format!("{:.0}", median(&of(Report::rate))),
            with_unit(median(&of(|r| r.p50)) / 1000.0, "ms"),
            with_unit(median(&of(|r| r.p99)) / 1000.0, "ms"),
            figure(median(&of(Report::client_cpu_per_delivery))),
            reports
                .iter()
                .map(|r| r.lost_sockets)
                .sum::<usize>()
                .to_string(),
            reports.iter().map(|r| r.overdue).sum::<u64>().to_string(),
        ]);
    }
    Ok(rounds)
}

impl Rounds<'_> {
    fn of(&self, subject: Subject, what: fn(&Report) -> f64) -> Vec<f64> {
        let found = self.subjects.iter().position(|(s, _)| *s == subject);
        found.map_or_else(Vec::new, |at| self.reports[at].iter().map(what).collect())
    }

    pub(crate) fn median_of(&self, subject: Subject, what: fn(&Report) -> f64) -> f64 {
        median(&self.of(subject, what))
    }

    fn row(
        &self,
        name: &str,
        what: fn(&Report) -> f64,
        show: fn(f64) -> String,
        goal: &str,
    ) -> [String; 5] {
        let (service, limit) = (
            self.of(Subject::Service, what),
            self.of(Subject::Bare, what),
        );
        [
            name.to_owned(),
            show(median(&service)),
            show(median(&limit)),
            figure(paired_ratio(&service, &limit)),
            goal.to_owned(),
        ]
    }

    fn cpu(&self, name: &str, goal: &str) -> [String; 5] {
        self.row(name, Report::cpu_per_delivery, |v| with_unit(v, "µs"), goal)
    }

    fn p99(&self, name: &str, goal: &str) -> [String; 5] {
        self.row(name, |r| r.p99, |v| with_unit(v / 1000.0, "ms"), goal)
    }

    /// What `rooms.v1` costs beside raw mode: as it is used, and where raw
    /// messages are as long on the wire.
    fn rooms_v1(&self) -> [[String; 5]; 2] {
        let what = Report::cpu_per_delivery;
        let rooms = self.of(Subject::RoomsV1, what);
        [
            ("  rooms.v1 over raw", Subject::Service),
            ("  rooms.v1 over raw of its length", Subject::Long),
        ]
        .map(|(name, subject)| {
            let raw = self.of(subject, what);
            [
                name.to_owned(),
                with_unit(median(&rooms), "µs"),
                with_unit(median(&raw), "µs"),
                figure(paired_ratio(&rooms, &raw)),
                "<= 1.15".to_owned(),
            ]
        })
    }

    /// [`Self::against`] each peer.
    fn against_peers(&self) -> Vec<[String; 5]> {
        let subjects = self.subjects.iter().map(|(subject, _)| *subject);
        let peers = subjects.filter(|subject| subject.is_peer());
        peers.map(|peer| self.against(peer, "")).collect()
    }

    /// How many times as much a rival costs.
    fn against(&self, rival: Subject, goal: &str) -> [String; 5] {
        let what = Report::cpu_per_delivery;
        let (service, other) = (self.of(Subject::Service, what), self.of(rival, what));
        [
            format!("  {} over service", rival.name()),
            with_unit(median(&service), "µs"),
            with_unit(median(&other), "µs"),
            figure(paired_ratio(&other, &service)),
            goal.to_owned(),
        ]
    }
}
