//! Logins a second, and what a storm of them does to memory and to sockets.
//!
//! The limit is the hash alone ([`raw_hash`]) on the same cores, interleaved
//! round by round. `BENCH_QUICK=1` for short rounds.

mod clients;
#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod raw_hash;
mod raw_simd;

use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use clients::Clients;
use harness::dialect::Dialect;
use harness::load::{self, Crowd, Pace, Plan, Report};
use harness::process::{Guarded, forget_peak, peak_resident, resident};
use harness::publisher::PAYLOAD;
use harness::roles::{self, Invocation, invocation};
use harness::service::{Premises, Service};
use harness::statistics::{median, paired_ratio};
use harness::table::{Table, figure, machine, mib, with_unit};
use harness::{Outcome, conclude, cores, load_client, pace};

/// The role of the limit.
const RAW: &str = "raw-hash";
/// The role of the limit of the other kernel.
const RAW_SIMD: &str = "raw-simd";
/// Users who log in.
const USERS: usize = 32;
/// Clients for each core: enough that no hashing thread ever waits, and few
/// enough that nobody is sent away.
const CLIENTS_PER_CORE: usize = 8;
/// Logins at once when memory is looked at.
const AT_ONCE: usize = 200;
/// Bytes of the arena of each hashing thread.
const ARENA: u64 = 48 << 20;
/// Bytes that a storm may take beyond the arenas.
const ALLOWANCE: u64 = 16 << 20;

fn main() -> ExitCode {
    conclude(invocation().and_then(run))
}

fn run(invocation: Invocation) -> Outcome<()> {
    match invocation {
        Invocation::Measure => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(measure()),
        Invocation::Role(role, argument) => match role.as_str() {
            RAW => raw_hash::run(&argument),
            RAW_SIMD => raw_simd::run(&argument),
            load::ROLE => load_client::run(&argument),
            other => Err(format!("there is no role {other}").into()),
        },
        Invocation::Other => Ok(()),
    }
}

async fn measure() -> Outcome<()> {
    println!("logins: {}", machine());
    let premises = Premises::new()?;
    let service = premises.start()?;
    let clients = Clients::new(service.address, USERS)?;
    clients.register().await?;
    // Registering has filled the arenas. Idle is before that.
    service.process.stop();
    let service = premises.start()?;
    let clients = clients.at(service.address);

    let mut results = Table::of_results();
    memory(&service, &clients, &mut results).await?;
    rate(&clients, &mut results).await?;
    sockets(&premises, &service, &clients, &mut results).await?;
    kernels(&clients, &mut results).await?;
    service.process.stop();
    results.print("logins");
    Ok(())
}

// Bytes and counts here are far below 2^52.
#[allow(clippy::cast_precision_loss)]
async fn memory(service: &Service, clients: &Clients, results: &mut Table) -> Outcome<()> {
    let pid = service.process.pid();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = resident(pid)?;
    forget_peak(pid)?;
    let storm = clients.at_once(AT_ONCE).await?;
    let peak = peak_resident(pid)?;
    let limit = idle + u64::try_from(cores())? * ARENA + ALLOWANCE;
    results.row([
        format!(
            "memory, {} logins at once ({} shed)",
            storm.completed(),
            storm.shed()
        ),
        mib(peak as f64),
        format!("idle {}", mib(idle as f64)),
        figure(peak as f64 / limit as f64),
        format!("<= {}", mib(limit as f64)),
    ]);
    Ok(())
}

async fn rate(clients: &Clients, results: &mut Table) -> Outcome<()> {
    let time = Duration::from_millis(pace(5000, 2000));
    let (mut raw, mut service, mut shed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..pace(5, 2) {
        raw.push(raw_rate(RAW, &time.as_millis().to_string(), time)?);
        let (rate, away) = login_rate(clients, time).await?;
        service.push(rate);
        shed += away;
    }
    results.row([
        format!("logins a second ({shed} shed)"),
        with_unit(median(&service), "/s"),
        with_unit(median(&raw), "/s"),
        figure(paired_ratio(&service, &raw)),
        ">= 0.97".to_owned(),
    ]);
    Ok(())
}

/// Logins a second in a storm, and how many were sent away meanwhile.
async fn login_rate(clients: &Clients, time: Duration) -> Outcome<(f64, u64)> {
    let (storm, tasks) = clients.storm(CLIENTS_PER_CORE * cores());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (start, before) = (Instant::now(), storm.completed());
    tokio::time::sleep(time).await;
    let completed = storm.completed() - before;
    let rate = f64::from(u32::try_from(completed)?) / start.elapsed().as_secs_f64();
    Clients::end(&storm, tasks).await?;
    Ok((rate, storm.shed()))
}

/// Hashes a second of a limit.
fn raw_rate(role: &str, argument: &str, time: Duration) -> Outcome<f64> {
    let mut command = roles::command(role, argument)?;
    let mut process = Guarded::spawn(command.stdout(Stdio::piped()))?;
    if !process.wait(time + Duration::from_secs(30)) {
        return Err("the raw hashes did not end in time".into());
    }
    let out = process.child().stdout.take().ok_or("stdout is piped")?;
    Ok(std::io::read_to_string(out)?.trim().parse()?)
}

/// The kernel `simd` over `argon2`: raw, by how many are hashed at once on a
/// core, and in logins. `clients` are those of a service with `argon2`.
async fn kernels(clients: &Clients, results: &mut Table) -> Outcome<()> {
    let premises = Premises::new()?.with("APP__PASSWORDS__KERNEL", "simd");
    let service = premises.start()?;
    let simd_clients = Clients::new(service.address, USERS)?;
    simd_clients.register().await?;

    let time = Duration::from_millis(pace(3000, 1000));
    let (mut raw, mut argon2, mut simd) = (Vec::new(), Vec::new(), Vec::new());
    let mut raw_simd = [const { Vec::new() }; 4];
    for _ in 0..pace(3, 1) {
        raw.push(raw_rate(RAW, &time.as_millis().to_string(), time)?);
        for (width, rates) in (1..).zip(&mut raw_simd) {
            let argument = format!("{width}x{}", time.as_millis());
            rates.push(raw_rate(RAW_SIMD, &argument, time)?);
        }
        argon2.push(login_rate(clients, time).await?.0);
        simd.push(login_rate(&simd_clients, time).await?.0);
    }
    service.process.stop();
    for (width, rates) in (1..).zip(&raw_simd) {
        results.row([
            format!("raw hashes a second, simd, {width} at once, and argon2"),
            with_unit(median(rates), "/s"),
            with_unit(median(&raw), "/s"),
            figure(paired_ratio(rates, &raw)),
            "> 1".to_owned(),
        ]);
    }
    for (name, limit, goal) in [
        ("logins a second, simd, and argon2", &argon2, "> 1"),
        (
            "logins a second, simd, and raw",
            &raw_simd[hash_simd::Hasher::WIDTH - 1],
            ">= 0.95",
        ),
    ] {
        results.row([
            name.to_owned(),
            with_unit(median(&simd), "/s"),
            with_unit(median(limit), "/s"),
            figure(paired_ratio(&simd, limit)),
            goal.to_owned(),
        ]);
    }
    Ok(())
}

/// A room of 50 that hears 50 messages a second, quiet and in a storm.
async fn sockets(
    premises: &Premises,
    service: &Service,
    clients: &Clients,
    results: &mut Table,
) -> Outcome<()> {
    let plan = Plan {
        crowd: Crowd {
            address: service.address,
            server: service.process.pid(),
            dialect: Dialect::Raw,
            payload: PAYLOAD,
            secret: premises.secret.clone(),
            rooms: 1,
            first_room: 0,
            members_per_room: 50,
        },
        publishers_per_room: 1,
        pace: Pace::PerSecond(50.0),
        warm_up: Duration::from_millis(500),
        measured: Duration::from_millis(pace(4000, 2000)),
    };
    let (mut quiet, mut stormy, mut missing) = (Vec::new(), Vec::new(), 0);
    for _ in 0..pace(4, 1) {
        let report = load::run(&plan)?;
        missing += report.overdue;
        quiet.push(report.p99);

        // More than the queue holds: some are sent away and come back.
        let (storm, tasks) = clients.storm(4 * CLIENTS_PER_CORE * cores());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let running = load::start(&plan)?;
        // On a thread of its own, or the clients of the storm would wait.
        let report: Report = tokio::task::spawn_blocking(move || running.finish()).await??;
        missing += report.overdue;
        stormy.push(report.p99);
        Clients::end(&storm, tasks).await?;
    }
    let milliseconds = |values: &[f64]| with_unit(median(values) / 1000.0, "ms");
    results.row([
        format!("p99 of a delivery in a login storm, and quiet ({missing} overdue)"),
        milliseconds(&stormy),
        milliseconds(&quiet),
        figure(paired_ratio(&stormy, &quiet)),
        "<= 2".to_owned(),
    ]);
    Ok(())
}
