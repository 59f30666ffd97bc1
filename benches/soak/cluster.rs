//! The servers and the nodes, and what can be seen of a node from outside.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use test_servers::{Database, Nats, Postgres, Proxy};
use tokio::time::sleep;

use crate::{
    Soak,
    harness::{
        Outcome, http,
        process::{Guarded, resident},
        service::binary,
        tokens,
    },
    settings::Settings,
};

/// Messages of a room that are kept: more than are said while a node is cut off.
const HISTORY: u32 = 2000;

const NODES: usize = 2;

/// The servers and the nodes.
pub(crate) struct Cluster {
    pub(crate) secret: String,
    nodes: Vec<Node>,
    nats: Nats,
    // Go with it, the servers last.
    _database: Database,
    _postgres: Postgres,
    folder: tempfile::TempDir,
}

struct Node {
    process: Guarded,
    address: SocketAddr,
    /// Between it and NATS.
    network: Proxy,
    log: PathBuf,
}

/// What can be seen of the nodes.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Look {
    /// Bytes in memory, node by node.
    pub(crate) resident: Vec<u64>,
    /// Open descriptors, node by node.
    pub(crate) descriptors: Vec<usize>,
    /// Sockets that the logs have opened and not closed.
    pub(crate) sockets: i64,
    /// Subscriptions on NATS: one for each room that has anybody, and some
    /// that nodes always have.
    pub(crate) subscriptions: u64,
}

impl Cluster {
    pub(crate) async fn start(settings: &Settings) -> Outcome<Self> {
        let nats = Nats::start();
        let postgres = Postgres::start();
        let database = postgres.database();
        let folder = tempfile::tempdir()?;
        let secret = tokens::secret();
        let mut nodes = Vec::new();
        for i in 0..NODES {
            let network = Proxy::start(nats.port()).await;
            let address = http::free_address()?;
            let log = folder.path().join(format!("{i}.log"));
            let output = File::create(&log)?;
            let mut command = Command::new(binary()?);
            command
                .current_dir(folder.path())
                .env_clear()
                .env("APP__HTTP__BIND", address.to_string())
                .env("JWT_SECRET", &secret)
                .env("DATABASE_URL", &database.url)
                .env("NATS_URL", format!("nats://{}", network.address()))
                .env("APP__BUS__HISTORY", HISTORY.to_string())
                .env("APP__BUS__HISTORY_STORAGE", "memory")
                .env("APP__WS__MAX_MESSAGES_PER_SECOND", "1000000")
                // Everybody is at one address.
                .env("APP__LIMITS__LOGINS_PER_MINUTE", "0")
                .env("APP__LIMITS__REGISTRATIONS_PER_MINUTE", "0")
                .env("APP__LIMITS__REFRESHES_PER_MINUTE", "0")
                .env("APP__LIMITS__CONNECTS_PER_MINUTE", "0")
                .env("RUST_LOG", "info")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(output);
            let mut process = Guarded::spawn(&mut command)?;
            if let Err(error) = http::until_ok(&mut process, address, "/readyz") {
                let words = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("{error}; the node said:\n{words}").into());
            }
            nodes.push(Node {
                process,
                address,
                network,
                log,
            });
        }
        println!(
            "{NODES} nodes, {} readers in {} rooms, {} who come and go",
            settings.readers(),
            settings.rooms,
            settings.visitors + settings.slow + settings.people
        );
        Ok(Self {
            secret,
            nodes,
            nats,
            _database: database,
            _postgres: postgres,
            folder,
        })
    }

    /// Where a node listens.
    pub(crate) fn address(&self, i: usize) -> SocketAddr {
        self.nodes[i % self.nodes.len()].address
    }

    /// Where the nodes listen.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.nodes.iter().map(|node| node.address)
    }

    /// Bytes in memory, node by node.
    pub(crate) fn resident(&self) -> Outcome<Vec<u64>> {
        let nodes = self.nodes.iter();
        nodes.map(|node| resident(node.process.pid())).collect()
    }

    /// Everything gets through to NATS.
    pub(crate) fn heal(&self) {
        for node in &self.nodes {
            node.network.heal();
        }
    }

    pub(crate) fn look(&self) -> Outcome<Look> {
        let mut sockets = 0;
        let mut descriptors = Vec::new();
        for node in &self.nodes {
            let log = fs::read_to_string(&node.log)?;
            let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
            let (opened, closed) = (count("socket opened"), count("socket closed"));
            sockets += i64::try_from(opened)? - i64::try_from(closed)?;
            let folder = format!("/proc/{}/fd", node.process.pid());
            descriptors.push(fs::read_dir(folder)?.count());
        }
        let answer = self.nats.monitor("/subsz");
        let start = answer.find('{').ok_or("NATS does not answer")?;
        let answer: serde_json::Value = serde_json::from_str(&answer[start..])?;
        let subscriptions = answer["num_subscriptions"].as_u64();
        Ok(Look {
            resident: self.resident()?,
            descriptors,
            sockets,
            subscriptions: subscriptions.ok_or("NATS does not count subscriptions")?,
        })
    }

    /// Waits until the nodes have let go of what their clients had, and
    /// returns what is left of it then or at the limit.
    pub(crate) async fn until_let_go(&self, before: &Look, limit: Duration) -> Outcome<Look> {
        let deadline = Instant::now() + limit;
        loop {
            let now = self.look()?;
            if now.has_let_go(before) || Instant::now() > deadline {
                return Ok(now);
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Keeps the nodes' logs for whoever looks into what went wrong.
    pub(crate) fn keep_logs(&self, folder: &std::path::Path) -> Outcome<()> {
        for entry in fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                fs::copy(&path, folder.join(name))?;
            }
        }
        Ok(())
    }
}

impl Look {
    /// A node keeps a few connections to its servers more than at first, and
    /// no socket, room or descriptor for each client that was there.
    pub(crate) fn has_let_go(&self, before: &Self) -> bool {
        const CONNECTIONS: usize = 16;
        let mut descriptors = self.descriptors.iter().zip(&before.descriptors);
        self.sockets == 0
            && self.subscriptions <= before.subscriptions
            && descriptors.all(|(now, before)| *now <= before + CONNECTIONS)
    }
}

/// How long a node is cut off; every third time twice as long.
const CUT: Duration = Duration::from_secs(3);

/// Cuts one node or the other off from NATS every minute, or four times where
/// there are fewer: first its packets are lost, then its connections.
pub(crate) async fn flap(soak: Arc<Soak>) {
    let period = Duration::from_secs(60).min(soak.settings.duration / 4);
    for turn in 0_usize.. {
        let cut = if turn % 3 == 2 { 2 * CUT } else { CUT };
        sleep(period.saturating_sub(cut)).await;
        let node = &soak.cluster.nodes[turn % NODES];
        node.network.cut();
        sleep(cut).await;
        node.network.reset();
        node.network.heal();
        soak.ledger.cut_off();
    }
}
