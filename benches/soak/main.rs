//! Two nodes at half of what they can carry, for half an hour, as in
//! production: PostgreSQL, and NATS that keeps a history and is cut off from
//! one node or the other every minute.
//!
//! | file | what it holds |
//! |---|---|
//! | [`settings`] | how long, how many, how fast |
//! | [`cluster`] | the servers and the nodes; what can be seen of a node from outside |
//! | [`socket`] | a client's end of a `rooms.v1` socket |
//! | [`ledger`] | what was confirmed, what was heard, and what should not have been |
//! | [`speaker`] | says things, and again until they are confirmed |
//! | [`reader`] | hears everything, once and in order, or says that it didn't |
//! | [`passers_by`] | who comes and goes, reads slowly, or signs in |
//! | [`memory`] | resident memory over time, and whether it grows |
//! | [`series`] | which series the nodes' metrics have |
//! | [`report`] | the end of it, in words and as JSON |
//!
//! Not part of `cargo bench`: `make soak`. `SOAK_MINUTES` says for how long,
//! `SOAK_RATE` how many messages a second are said; without it half of what a
//! few seconds at full speed confirm. It fails if a promise is broken.

mod cluster;
#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod ledger;
mod memory;
mod passers_by;
mod reader;
mod report;
mod series;
mod settings;
mod socket;
mod speaker;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use cluster::Cluster;
use harness::{
    Outcome, conclude,
    roles::{Invocation, invocation},
    table::machine,
};
use ledger::Ledger;
use memory::Curve;
use report::Report;
use series::Series;
use settings::Settings;
use tokio::{sync::watch, task::JoinSet, time::sleep};

/// How long everybody may take to hear what was confirmed, once nothing more
/// is said and the network is well.
const CATCH_UP: Duration = Duration::from_secs(60);

/// How long nodes may take to let go of what clients had who went.
const LET_GO: Duration = Duration::from_secs(60);

/// What everybody in a soak shares.
struct Soak {
    settings: Settings,
    cluster: Cluster,
    ledger: Ledger,
    /// Messages a second that are said in each room; 0 for as many as go.
    pace: watch::Sender<Pace>,
    /// Whether readers go home.
    over: watch::Sender<bool>,
}

/// How fast speakers speak.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    /// As fast as they are confirmed.
    Full,
    /// So many messages a second in each room.
    Steady(f64),
    /// No more.
    Silent,
}

fn main() -> ExitCode {
    conclude(invocation().and_then(|invocation| match invocation {
        Invocation::Measure => soak(),
        _ => Ok(()),
    }))
}

fn soak() -> Outcome<()> {
    println!("soak: {}", machine());
    harness::process::raise_open_files()?;
    let report = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(Settings::read()?))?;
    report.write()
}

async fn run(settings: Settings) -> Outcome<Report> {
    let cluster = Cluster::start(&settings).await?;
    let before = cluster.look()?;
    let soak = Arc::new(Soak {
        ledger: Ledger::new(settings.rooms),
        cluster,
        settings,
        pace: watch::Sender::new(Pace::Silent),
        over: watch::Sender::new(false),
    });
    let mut readers = JoinSet::new();
    for i in 0..soak.settings.readers() {
        readers.spawn(reader::read(soak.clone(), i));
    }
    soak.until("the readers are seated", CATCH_UP, |soak| {
        soak.ledger.seated() == soak.settings.readers()
    })
    .await?;
    let mut speakers = JoinSet::new();
    for room in 0..soak.settings.rooms {
        speakers.spawn(speaker::speak(soak.clone(), room));
    }
    let rate = match soak.settings.rate {
        Some(rate) => rate,
        None => soak.calibrate().await / 2.0,
    };
    println!(
        "{rate:.0} messages a second, each to {} readers",
        soak.settings.hearers()
    );
    soak.pace
        .send_replace(Pace::Steady(rate / soak.settings.rooms as f64));

    let mut others = passers_by::come(&soak);
    others.spawn(cluster::flap(soak.clone()));
    let mut curve = Curve::new(soak.settings.duration);
    // Once, for what asking adds to them.
    Series::of(&soak.cluster)?;
    let mut series = None;
    while !curve.is_over() {
        if series.is_none() && curve.is_half() {
            series = Some(Series::of(&soak.cluster)?);
        }
        curve.sample(&soak.cluster)?;
        if let Some(ended) = others.try_join_next() {
            // Only by a panic, which is a mistake in here.
            ended?;
        }
        sleep(memory::INTERVAL).await;
    }
    if let Some(before) = series {
        let now = Series::of(&soak.cluster)?;
        println!(
            "series of each node: {:?}, then {:?}",
            before.count(),
            now.count()
        );
        for complaint in now.complaints(&before) {
            soak.ledger.broken(complaint);
        }
    }
    others.shutdown().await;
    soak.cluster.heal();
    soak.pace.send_replace(Pace::Silent);
    let confirmed = soak.until("everything that was said is confirmed", CATCH_UP, |soak| {
        soak.ledger.unconfirmed() == 0
    });
    if let Err(error) = confirmed.await {
        soak.ledger.broken(error.to_string());
        speakers.abort_all();
    }
    while let Some(ended) = speakers.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            return Err(error.into());
        }
    }
    let heard = soak.until("everybody has heard it", CATCH_UP, |soak| {
        soak.ledger.all_heard(soak.settings.hearers())
    });
    if let Err(error) = heard.await {
        soak.ledger.broken(error.to_string());
    }
    soak.ledger.close();
    let _ = soak.over.send(true);
    while let Some(ended) = readers.join_next().await {
        ended?;
    }
    let after = soak.cluster.until_let_go(&before, LET_GO).await?;
    Ok(Report::new(&soak, rate, curve, &before, &after))
}

impl Soak {
    /// Messages a second that are confirmed at full speed.
    async fn calibrate(&self) -> f64 {
        self.pace.send_replace(Pace::Full);
        sleep(self.settings.calibration / 4).await;
        let (confirmed, start) = (self.ledger.confirmed(), Instant::now());
        sleep(self.settings.calibration).await;
        (self.ledger.confirmed() - confirmed) as f64 / start.elapsed().as_secs_f64()
    }

    async fn until(
        &self,
        what: &str,
        limit: Duration,
        holds: impl Fn(&Self) -> bool,
    ) -> Outcome<()> {
        let deadline = Instant::now() + limit;
        while !holds(self) {
            if Instant::now() > deadline {
                return Err(format!("after {limit:?} it is not so that {what}").into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
