//! 100,000 guesses from 1,000 addresses, at one account and then at 1,000, as
//! fast as they can be sent, at a node with the limits that it has by default.
//!
//! | file | what it holds |
//! |---|---|
//! | [`attack`] | who guesses, and what they are answered |
//! | [`bounds`] | how many guesses the limits let through at most |
//! | [`owner`] | who has the account, and goes on with it meanwhile |
//!
//! Not part of `cargo bench`: `make guesses`. It fails if more guesses reach the
//! hash than may, or if the owner is kept from anything. Hashes are cheap ones
//! here, so that it is the limits that are seen and not the queue before the
//! hashing threads. The node is in this process, so that its hashes can be counted.

mod attack;
mod bounds;
#[path = "../harness/mod.rs"]
// Each bench uses a part of it.
#[allow(dead_code)]
mod harness;
mod owner;

use std::{
    net::SocketAddr,
    process::ExitCode,
    time::{Duration, Instant},
};

use attack::Attack;
use harness::{
    Outcome, conclude,
    roles::{Invocation, invocation},
    table::{Table, machine},
    tokens,
};
use owner::Owner;
use service::{
    accounts::passwords::PasswordService,
    config::{Config, Limits, Sources},
    server::Server,
};
use tokio::{sync::oneshot, task::JoinHandle};

/// How many guess, and how often all together.
const ADDRESSES: u32 = 1_000;
const GUESSES: u32 = 100_000;
/// Accounts that the second attack is at.
const ACCOUNTS: u32 = 1_000;

fn main() -> ExitCode {
    conclude(invocation().and_then(|invocation| {
        match invocation {
            Invocation::Measure => tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?
                .block_on(measure()),
            Invocation::Role(role, _) => Err(format!("there is no role {role}").into()),
            Invocation::Other => Ok(()),
        }
    }))
}

async fn measure() -> Outcome<()> {
    println!("guesses: {}", machine());
    let mut results = Table::new(&["", "one account", "1,000 accounts"]);
    let one = run(1).await?;
    let many = run(ACCOUNTS).await?;
    let mut row = |what: &str, of: fn(&Run) -> String| {
        results.row([what.to_owned(), of(&one), of(&many)]);
    };
    row("guesses", |_| GUESSES.to_string());
    row("  answered in", |run| {
        format!("{:.1} s", run.time.as_secs_f64())
    });
    row("  that were hashed", |run| run.hashed.to_string());
    row("  that may be hashed in that time", |run| {
        run.bound.to_string()
    });
    row("  refused for their address", |run| {
        run.attack.of_address.to_string()
    });
    row("  refused for their account", |run| {
        run.attack.of_account.to_string()
    });
    row("  refused because too many wait", |run| {
        run.attack.busy.to_string()
    });
    row("the owner signed in", |run| run.owner.sign_ins.to_string());
    row("  refreshed the session", |run| {
        run.owner.refreshes.to_string()
    });
    row("  heard on the socket", |run| run.owner.heard.to_string());
    row("  was refused", |run| run.owner.refused.to_string());
    results.print("guesses");

    for run in [&one, &many] {
        if run.hashed > run.bound {
            return Err(format!("{} were hashed, of {}", run.hashed, run.bound).into());
        }
        let owner = &run.owner;
        if owner.refused > 0 || owner.sign_ins == 0 || owner.refreshes == 0 || owner.heard == 0 {
            return Err(format!("the owner was kept out: {owner:?}").into());
        }
    }
    Ok(())
}

/// What came of one attack.
struct Run {
    time: Duration,
    attack: attack::Answers,
    owner: owner::Days,
    /// Guesses that were hashed.
    hashed: u64,
    /// Guesses that may be hashed in that time.
    bound: u64,
}

async fn run(accounts: u32) -> Outcome<Run> {
    let node = Node::start().await?;
    let owner = Owner::settle(node.address).await?;
    let hashed_before = node.passwords.stats().done;
    let start = Instant::now();
    let (over, is_over) = oneshot::channel();
    let living = tokio::spawn(owner.live_until(is_over));
    let attack = Attack {
        address: node.address,
        accounts,
        addresses: ADDRESSES,
        guesses: GUESSES,
    };
    let attack = attack.run().await?;
    let time = start.elapsed();
    let _still_there = over.send(());
    let owner = living.await??;
    let hashed = node.passwords.stats().done - hashed_before - owner.sign_ins;
    if hashed != attack.hashed {
        return Err(format!("{hashed} were hashed, and {} were told so", attack.hashed).into());
    }
    let bound = bounds::hashed_at_most(&node.limits, time, accounts, ADDRESSES);
    node.running.abort();
    Ok(Run {
        time,
        attack,
        owner,
        hashed,
        bound,
    })
}

/// A node in this process.
struct Node {
    address: SocketAddr,
    passwords: PasswordService,
    limits: Limits,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Node {
    async fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let database = format!("sqlite:{}", folder.path().join("accounts.db").display());
        let sources = Sources::default()
            .variable("GATEWAY_BIND_ADDR", "127.0.0.1:0")
            .variable("DATABASE_URL", database)
            .variable("JWT_SECRET", tokens::secret())
            .variable("APP__PASSWORDS__MEMORY_KIB", "64")
            .variable("APP__PASSWORDS__ITERATIONS", "1")
            // Whoever connects is a proxy that says for whom.
            .variable("APP__HTTP__TRUSTED_PROXIES", "127.0.0.1");
        let config = Config::load(&sources)?.config;
        let server = Server::bind(&config).await?;
        Ok(Self {
            address: server.local_addr(),
            passwords: server.passwords().ok_or("the node has no accounts")?,
            limits: config.limits,
            running: tokio::spawn(server.run(std::future::pending())),
            _folder: folder,
        })
    }
}
