//! Refreshes a second: `SessionStore::rotate` on SQLite and on PostgreSQL, with
//! every commit on the disk before it counts.
//!
//! The rival of each ([`naive`]) is a pool of eight connections on the same
//! kind of database that reads, decides and writes in one transaction,
//! interleaved round by round. `BENCH_QUICK=1` for short rounds.

#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod naive;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use contract::{
    Account, CreateOutcome, CredentialStore, NewSession, OpenOutcome, Rotate, Rotation, Seed,
    Session, SessionId, SessionStore, StoredHash, Timestamp, UserId, Username,
};
use harness::roles::{Invocation, invocation};
use harness::statistics::{median, paired_ratio};
use harness::table::{Table, figure, machine, with_unit};
use harness::{Outcome, conclude, pace};
use naive::{NaivePostgres, NaiveSqlite};
use store_postgres::{PostgresSettings, PostgresStore};
use store_sqlite::SqliteStore;
use test_servers::Postgres;

/// Sessions that refresh, one request of each under way at any time.
const SESSIONS: usize = 64;
/// Connections of each pool; SQLite's store has one that writes.
const CONNECTIONS: u32 = 8;

fn main() -> ExitCode {
    conclude(invocation().and_then(run))
}

fn run(invocation: Invocation) -> Outcome<()> {
    match invocation {
        Invocation::Measure => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(measure()),
        Invocation::Role(role, _) => Err(format!("there is no role {role}").into()),
        Invocation::Other => Ok(()),
    }
}

async fn measure() -> Outcome<()> {
    println!("refreshes: {}", machine());
    let mut results = Table::of_results();

    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("store.db")).await?;
    let path = folder.path().join("naive.db");
    let sessions = SqliteStore::open(&path).await?;
    let rival = NaiveSqlite::open(&path, CONNECTIONS).await?;
    let ours = Contender::new(&store, Arc::new(store.clone())).await?;
    let theirs = Contender::new(&sessions, Arc::new(rival)).await?;
    compare("SQLite", &ours, &theirs, ">= 2,000 /s", &mut results).await?;

    let server = Postgres::start_durable();
    let database = server.database();
    let store = PostgresStore::connect(&PostgresSettings {
        url: database.url.clone(),
        max_connections: CONNECTIONS,
    })
    .await?;
    let rival = NaivePostgres::connect(&database.url, CONNECTIONS).await?;
    let ours = Contender::new(&store, Arc::new(store.clone())).await?;
    let theirs = Contender::new(&store, Arc::new(rival)).await?;
    compare("PostgreSQL", &ours, &theirs, "> 1x", &mut results).await?;

    results.print("refreshes (the limit is a pool of eight: BEGIN, SELECT, UPDATE, COMMIT)");
    Ok(())
}

/// Whatever moves a session on to its next refresh token.
#[async_trait::async_trait]
trait Refresh: Send + Sync {
    /// Whether the token was current and the session has moved on, durably.
    async fn refresh(&self, request: Rotate) -> Outcome<bool>;
}

#[async_trait::async_trait]
impl<S: SessionStore> Refresh for S {
    async fn refresh(&self, request: Rotate) -> Outcome<bool> {
        Ok(matches!(self.rotate(request).await?, Rotation::Rotated(_)))
    }
}

/// One side, and where its sessions come from.
struct Contender {
    sessions: Arc<dyn SessionStore>,
    owner: Account,
    refresh: Arc<dyn Refresh>,
}

impl Contender {
    async fn new<S>(store: &S, refresh: Arc<dyn Refresh>) -> Outcome<Self>
    where
        S: CredentialStore + SessionStore + Clone,
    {
        let id = UserId::random();
        let owner = Account {
            id,
            username: Username::parse(&id.to_string())?,
            hash: StoredHash::new("$argon2id$none".to_owned()),
            created_at: Timestamp::now(),
            disabled_at: None,
        };
        if store.create(&owner).await? != CreateOutcome::Created {
            return Err("the owner of the sessions is there already".into());
        }
        Ok(Self {
            sessions: Arc::new(store.clone()),
            owner,
            refresh,
        })
    }

    async fn sign_in(&self) -> Outcome<SessionId> {
        let now = Timestamp::now();
        let later = now + Duration::from_secs(24 * 3600);
        let session = Session {
            id: SessionId::random(),
            user: self.owner.id,
            seed: Seed::new([7; 32]),
            counter: 0,
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
            created_at: now,
            rotated_at: now,
            idle_expires_at: later,
            expires_at: later,
        };
        let id = session.id;
        let verified = self.owner.hash.clone();
        let new = NewSession { session, verified };
        match self.sessions.open(&new).await? {
            OpenOutcome::Opened => Ok(id),
            OpenOutcome::AccountChanged => Err("the account of the sessions has changed".into()),
        }
    }
}

/// What the callers of a round have come to.
#[derive(Default)]
struct Count {
    refreshed: AtomicU64,
    failed: AtomicU64,
    over: AtomicBool,
}

async fn compare(
    database: &str,
    ours: &Contender,
    theirs: &Contender,
    goal: &str,
    results: &mut Table,
) -> Outcome<()> {
    let (mut our_rates, mut their_rates) = (Vec::new(), Vec::new());
    let (mut our_failures, mut their_failures) = (0, 0);
    for _ in 0..pace(5, 2) {
        our_failures += round(ours, &mut our_rates).await?;
        their_failures += round(theirs, &mut their_rates).await?;
    }
    results.row([
        format!("{database} ({our_failures} failed, the pool's {their_failures})"),
        with_unit(median(&our_rates), "/s"),
        with_unit(median(&their_rates), "/s"),
        figure(paired_ratio(&our_rates, &their_rates)),
        goal.to_owned(),
    ]);
    Ok(())
}

/// Refreshes with fresh sessions for a while; adds the rate, returns how many
/// calls failed.
// Counts here are far below 2^52.
#[allow(clippy::cast_precision_loss)]
async fn round(contender: &Contender, rates: &mut Vec<f64>) -> Outcome<u64> {
    let count = Arc::new(Count::default());
    let mut callers = Vec::new();
    for _ in 0..SESSIONS {
        let session = contender.sign_in().await?;
        let refresh = Arc::clone(&contender.refresh);
        callers.push(tokio::spawn(refreshing(
            refresh,
            session,
            Arc::clone(&count),
        )));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (start, before) = (Instant::now(), count.refreshed.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_millis(pace(3000, 1000))).await;
    let refreshed = count.refreshed.load(Ordering::Relaxed) - before;
    rates.push(refreshed as f64 / start.elapsed().as_secs_f64());
    count.over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await?;
    }
    Ok(count.failed.load(Ordering::Relaxed))
}

/// One client: each refresh with the token that the last one gave.
async fn refreshing(refresh: Arc<dyn Refresh>, session: SessionId, count: Arc<Count>) {
    let mut presented = 0;
    while !count.over.load(Ordering::Relaxed) {
        let request = Rotate {
            session,
            presented,
            grace: Duration::from_secs(10),
            idle_ttl: Duration::from_secs(3600),
            now: Timestamp::now(),
        };
        if let Ok(true) = refresh.refresh(request).await {
            presented += 1;
            count.refreshed.fetch_add(1, Ordering::Relaxed);
        } else {
            count.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
