//! What sockets cost one node as their number grows: opened, idle, pinged,
//! drained. Each number on a fresh server.

use std::time::{Duration, Instant};

use crate::harness::process::coarse_cpu;
use crate::harness::statistics::median;
use crate::harness::table::{Table, figure, kib, with_unit};
use crate::harness::{Outcome, pace};
use crate::plan::{After, Client, Drained, Held, Opened};
use crate::subject::{Running, Subject};

/// Numbers of sockets before the most that there can be.
const STEPS: ([usize; 4], [usize; 4]) = ([1_000, 2_000, 5_000, 10_000], [200, 400, 600, 800]);
/// The most in quick mode.
const QUICK_MOST: usize = 1_000;
/// Longer than opening them takes, so that a ping is no part of that.
const HEARTBEAT: (&str, &str) = ("12s", "8s");
/// Nobody is pinged while only openings are measured.
const LONG: &str = "60s";
/// How long a drain may take.
const DRAIN: Duration = Duration::from_secs(25);

/// One number of sockets, for each socket.
struct Found {
    sockets: usize,
    /// Bytes.
    memory: f64,
    /// Microseconds of the server's CPU.
    open_cpu: f64,
    ping_cpu: f64,
    drain_cpu: f64,
    /// Microseconds.
    open_time: f64,
    /// Seconds from SIGTERM to the end, all together.
    drain_time: f64,
}

/// Measures the service and the limit, and adds the rows to `results`.
pub(crate) fn measure(most: usize, results: &mut Table) -> Outcome<()> {
    let most = pace(most, most.min(QUICK_MOST));
    let mut steps: Vec<usize> = pace(STEPS.0, STEPS.1).into();
    steps.retain(|&step| step < most);
    steps.push(most);
    let (mut service, mut bare) = (Vec::new(), Vec::new());
    for &sockets in &steps {
        bare.push(visit(Subject::Bare, sockets)?);
        service.push(visit(Subject::Hs256, sockets)?);
    }
    print(&service, &bare);
    let (Some(first), Some(last), Some(limit)) = (service.first(), service.last(), bare.last())
    else {
        return Err("there are no numbers of sockets".into());
    };
    let row = |what: &str, of: fn(&Found) -> f64, show: fn(f64) -> String, goal: &str| {
        [
            format!("{what}, {} sockets beside {}", last.sockets, first.sockets),
            show(of(last)),
            show(of(first)),
            figure(of(last) / of(first)),
            goal.to_owned(),
        ]
    };
    let microseconds = |value| with_unit(value, "µs");
    results.rows([
        row("memory per socket", |f| f.memory, kib, "<= 1.1"),
        row("CPU to open one", |f| f.open_cpu, microseconds, "<= 1.1"),
        row("CPU to ping one", |f| f.ping_cpu, microseconds, ""),
        row("CPU to drain one", |f| f.drain_cpu, microseconds, ""),
    ]);
    results.row([
        format!("{} sockets opened in", last.sockets),
        with_unit(last.seconds_to_open(), "s"),
        with_unit(limit.seconds_to_open(), "s"),
        figure(last.seconds_to_open() / limit.seconds_to_open()),
        String::new(),
    ]);
    results.row([
        format!("{} sockets drained in", last.sockets),
        with_unit(last.drain_time, "s"),
        "jitter 2 s".to_owned(),
        figure(last.drain_time / 2.0),
        String::new(),
    ]);
    Ok(())
}

/// Opens them on a server that is then thrown away.
fn open(subject: Subject, sockets: usize) -> Outcome<Opened> {
    let server = subject.start(LONG)?;
    let mut client = Client::start(&server.plan(sockets, After::End))?;
    let opened = client.next()?;
    client.end()?;
    Ok(opened)
}

fn visit(subject: Subject, sockets: usize) -> Outcome<Found> {
    let mut openings = Vec::new();
    for _ in 0..pace(2, 0) {
        openings.push(open(subject, sockets)?);
    }
    let server = subject.start(pace(HEARTBEAT.0, HEARTBEAT.1))?;
    let after = match subject {
        Subject::Bare => After::Speak,
        _ => After::Drain,
    };
    let mut client = Client::start(&server.plan(sockets, after))?;
    openings.push(client.next()?);
    let held: Held = client.next()?;
    let (drain_time, drain_cpu) = match after {
        After::Drain => drain(server, &mut client, sockets)?,
        _ => {
            server.process.stop();
            (f64::NAN, f64::NAN)
        }
    };
    client.end()?;
    // Far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let (count, bytes) = (sockets as f64, held.open.saturating_sub(held.before) as f64);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count;
    let opening = |what: fn(&Opened) -> Duration| {
        median(&openings.iter().map(|o| each(what(o))).collect::<Vec<_>>())
    };
    Ok(Found {
        sockets,
        memory: bytes / count,
        open_cpu: opening(|o| o.server_cpu),
        ping_cpu: match after {
            After::Drain => each(held.ping_cpu),
            _ => f64::NAN,
        },
        drain_cpu: drain_cpu * 1e6 / count,
        open_time: opening(|o| o.elapsed),
        drain_time,
    })
}

/// Ends the service; returns the seconds and the seconds of CPU that it took.
fn drain(server: Running, client: &mut Client, sockets: usize) -> Outcome<(f64, f64)> {
    let before = coarse_cpu(server.process.pid())?;
    let start = Instant::now();
    server.process.terminate();
    let after = server.process.lifetime_cpu(DRAIN)?;
    let time = start.elapsed();
    let drained: Drained = client.next()?;
    if drained.restarting != sockets {
        println!(
            "connecting: {} of {sockets} sockets were not told that the service restarts",
            drained.otherwise
        );
    }
    let cpu = after.saturating_sub(before);
    Ok((time.as_secs_f64(), cpu.as_secs_f64()))
}

impl Found {
    #[allow(clippy::cast_precision_loss)]
    fn seconds_to_open(&self) -> f64 {
        self.open_time * self.sockets as f64 / 1e6
    }
}

fn print(service: &[Found], bare: &[Found]) {
    let mut details = Table::new(&[
        "server",
        "sockets",
        "memory each",
        "CPU to open",
        "time to open",
        "CPU to ping",
        "CPU to drain",
        "drained in",
    ]);
    for (name, found) in [("service", service), ("bare", bare)] {
        for at in found {
            details.row([
                name.to_owned(),
                at.sockets.to_string(),
                kib(at.memory),
                figure(at.open_cpu),
                figure(at.open_time),
                figure(at.ping_cpu),
                figure(at.drain_cpu),
                with_unit(at.drain_time, "s"),
            ]);
        }
    }
    details.print("connecting, what each socket costs as they become more (in µs)");
}
