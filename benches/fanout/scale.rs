//! CPU per delivery as rooms and their members become more.

use std::time::Duration;

use crate::OTHER_FILES;
use crate::harness::load::{Pace, Plan, Report, run};
use crate::harness::statistics::{median, paired_ratio};
use crate::harness::table::{Table, figure};
use crate::harness::{Outcome, pace};
use crate::subject::{Running, Subject};

/// Members of the one room.
const MEMBERS: [usize; 4] = [10, 100, 1_000, 10_000];
/// Rooms of two.
const ROOMS: [usize; 5] = [1, 10, 100, 1_000, 5_000];
/// The most sockets in quick mode.
const QUICK_MOST: usize = 1_000;

/// Measures the service beside the limit, each at every size that the limit on
/// open files allows.
pub(crate) fn measure(subjects: &[Subject], files: u64) -> Outcome<()> {
    let chosen = [Subject::Bare, Subject::Service];
    if !chosen.iter().all(|subject| subjects.contains(subject)) {
        return Ok(());
    }
    let available = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    let most = pace(available, available.min(QUICK_MOST));
    let [bare, service] = chosen.map(Subject::start);
    let (bare, service) = (bare?, service?);

    let sizes = MEMBERS.map(|members| (1, members));
    let title = "fanout, CPU per delivery in µs against the members of one room";
    compare(&bare, &service, "members", &sizes, most)?.print(title);
    let sizes = ROOMS.map(|rooms| (rooms, 2));
    let title = "fanout, CPU per delivery in µs against rooms of two";
    compare(&bare, &service, "rooms", &sizes, most)?.print(title);
    bare.stop();
    service.stop();
    Ok(())
}

/// A row for each size, which is rooms and members of each.
fn compare(
    bare: &Running,
    service: &Running,
    what: &str,
    sizes: &[(usize, usize)],
    most: usize,
) -> Outcome<Table> {
    let mut table = Table::new(&[what, "service", "bare", "ratio"]);
    for &(rooms, members) in sizes.iter().filter(|(r, m)| r * m <= most) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..pace(3, 1) {
            for (server, found) in [(bare, &mut theirs), (service, &mut ours)] {
                let report = run(&Plan {
                    crowd: server.crowd(rooms, members),
                    publishers_per_room: 1,
                    pace: Pace::InFlight(1),
                    warm_up: Duration::from_millis(pace(300, 100)),
                    measured: Duration::from_millis(pace(1000, 300)),
                })?;
                found.push(Report::cpu_per_delivery(&report));
            }
        }
        let size = if rooms == 1 && what == "members" {
            members
        } else {
            rooms
        };
        table.row([
            size.to_string(),
            figure(median(&ours)),
            figure(median(&theirs)),
            figure(paired_ratio(&ours, &theirs)),
        ]);
    }
    Ok(table)
}
