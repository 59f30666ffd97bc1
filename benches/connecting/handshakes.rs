//! CPU per handshake, and handshakes a second.

use std::time::Duration;

use crate::harness::statistics::{median, paired_ratio, range};
use crate::harness::table::{Table, figure, with_unit};
use crate::harness::{Outcome, pace};
use crate::plan::{After, Client, Opened};
use crate::subject::Subject;
use crate::verification;

/// Sockets of a round.
const SOCKETS: (usize, usize) = (4_000, 500);
const ROUNDS: (usize, usize) = (7, 2);
/// Long enough that nobody is pinged in a round.
const HEARTBEAT: &str = "60s";
/// In which a server is done with the sockets of the round before.
const PAUSE: Duration = Duration::from_millis(500);

/// What rounds have found, per handshake.
#[derive(Default)]
struct Found {
    /// Microseconds of CPU.
    server: Vec<f64>,
    client: Vec<f64>,
    /// Handshakes a second.
    rate: Vec<f64>,
    /// Microseconds of the check of one token by itself.
    verification: Vec<f64>,
}

/// Measures all subjects, and adds the rows to `results`.
pub(crate) fn measure(results: &mut Table) -> Outcome<()> {
    let servers = Subject::ALL
        .iter()
        .map(|subject| subject.start(HEARTBEAT))
        .collect::<Outcome<Vec<_>>>()?;
    let mut found: [Found; 3] = Default::default();
    let sockets = pace(SOCKETS.0, SOCKETS.1);
    for round in 0..=pace(ROUNDS.0, ROUNDS.1) {
        for (server, found) in servers.iter().zip(&mut found) {
            let plan = server.plan(sockets, After::End);
            let mut client = Client::start(&plan)?;
            let opened: Opened = client.next()?;
            client.end()?;
            std::thread::sleep(PAUSE);
            // The first one warms up.
            if round > 0 {
                found.add(&opened, sockets);
                if let Some(signer) = &plan.signer {
                    found.verification.push(verification::cost(signer)?);
                }
            }
        }
    }
    for server in servers {
        server.process.stop();
    }

    print(&found);
    let [bare, rest @ ..] = &found;
    for (subject, service) in Subject::ALL[1..].iter().zip(rest) {
        let row = |what: String, ours: &[f64], theirs: &[f64], unit| {
            [
                what,
                with_unit(median(ours), unit),
                with_unit(median(theirs), unit),
                figure(paired_ratio(ours, theirs)),
                String::new(),
            ]
        };
        let name = subject.name();
        results.rows([
            row(
                format!("CPU per handshake, {name}"),
                &service.server,
                &bare.server,
                "µs",
            ),
            row(
                "  of it the check of the token by itself".to_owned(),
                &service.verification,
                &service.server,
                "µs",
            ),
            row(
                format!("handshakes a second, {name}"),
                &service.rate,
                &bare.rate,
                "/s",
            ),
        ]);
    }
    Ok(())
}

fn print(found: &[Found]) {
    let mut details = Table::new(&[
        "server",
        "CPU/handshake",
        "range",
        "handshakes/s",
        "client CPU",
    ]);
    for (subject, found) in Subject::ALL.iter().zip(found) {
        let (low, high) = range(&found.server);
        details.row([
            subject.name().to_owned(),
            figure(median(&found.server)),
            format!("{}-{}", figure(low), figure(high)),
            format!("{:.0}", median(&found.rate)),
            figure(median(&found.client)),
        ]);
    }
    details.print("connecting, handshakes (CPU in µs, medians over the rounds)");
}

impl Found {
    fn add(&mut self, opened: &Opened, sockets: usize) {
        // Far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let sockets = sockets as f64;
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / sockets;
        self.server.push(each(opened.server_cpu));
        self.client.push(each(opened.client_cpu));
        self.rate.push(sockets / opened.elapsed.as_secs_f64());
    }
}
