//! What a load client is asked to do, and what it found.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::dialect::Dialect;
use super::process::Guarded;
use super::{Outcome, roles};

/// The role of the load client, for `main`.
pub(crate) const ROLE: &str = "load";
/// The role of the client that keeps idle sockets, for `main`.
pub(crate) const IDLE_ROLE: &str = "idle";

/// How fast a publisher sends.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// A message follows when one has reached everybody: so many are on their
    /// way at any time.
    InFlight(u32),
    /// So many messages a second, whether or not they arrive.
    PerSecond(f64),
}

/// The sockets of a run.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Crowd {
    /// The server.
    pub(crate) address: SocketAddr,
    /// Its process, for CPU and memory.
    pub(crate) server: u32,
    /// What the sockets speak.
    pub(crate) dialect: Dialect,
    /// Bytes of each message.
    pub(crate) payload: usize,
    /// The service's `JWT_SECRET`; the rivals don't look at the token.
    pub(crate) secret: String,
    pub(crate) rooms: usize,
    /// The number of the first room: clients at the same time have different
    /// ones.
    pub(crate) first_room: usize,
    pub(crate) members_per_room: usize,
}

impl Crowd {
    /// The name of one of its rooms, counted from 0.
    pub(crate) fn room_name(&self, room: usize) -> String {
        format!("bench-{}", self.first_room + room)
    }
}

/// One measured run.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) crowd: Crowd,
    /// The first so many members of each room publish.
    pub(crate) publishers_per_room: usize,
    pub(crate) pace: Pace,
    /// Sent before anything counts.
    pub(crate) warm_up: Duration,
    /// What counts.
    pub(crate) measured: Duration,
}

/// What a run found.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Messages that arrived, each counted at each receiver.
    pub(crate) deliveries: u64,
    pub(crate) elapsed: Duration,
    pub(crate) server_cpu: Duration,
    pub(crate) client_cpu: Duration,
    /// Microseconds from send to arrival.
    pub(crate) p50: f64,
    /// Microseconds from send to arrival.
    pub(crate) p99: f64,
    /// Microseconds of the slowest arrival.
    pub(crate) max: f64,
    /// Sockets that the server closed.
    pub(crate) lost_sockets: usize,
    /// Messages that had not reached everybody after two seconds.
    pub(crate) overdue: u64,
}

impl Report {
    /// Microseconds of the server's CPU for each delivery.
    pub(crate) fn cpu_per_delivery(&self) -> f64 {
        self.server_cpu.as_secs_f64() * 1e6 / self.count()
    }

    /// Microseconds of the client's CPU for each delivery.
    pub(crate) fn client_cpu_per_delivery(&self) -> f64 {
        self.client_cpu.as_secs_f64() * 1e6 / self.count()
    }

    /// Deliveries a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    // Far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    fn count(&self) -> f64 {
        self.deliveries as f64
    }
}

/// Bytes in the server's memory around the opening of a [`Crowd`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Footprint {
    pub(crate) before: u64,
    /// All sockets open, nothing sent.
    pub(crate) open: u64,
    /// After one message in each room has reached everybody in it.
    pub(crate) used: u64,
}

/// Runs the load client and waits for what it found.
pub(crate) fn run(plan: &Plan) -> Outcome<Report> {
    start(plan)?.finish()
}

/// Starts the load client beside something else.
pub(crate) fn start(plan: &Plan) -> Outcome<Running> {
    let limit = plan.warm_up + plan.measured + Duration::from_secs(60);
    Running::start(ROLE, &serde_json::to_string(plan)?, limit)
}

/// Opens the crowd, lets it idle, and returns the server's memory.
pub(crate) fn footprint(crowd: &Crowd) -> Outcome<Footprint> {
    let limit = Duration::from_secs(120);
    Running::start(IDLE_ROLE, &serde_json::to_string(crowd)?, limit)?.finish()
}

/// What a load client says when everybody hears it.
pub(crate) const READY: &str = "ready";

/// A load client at work.
pub(crate) struct Running {
    client: Guarded,
    out: BufReader<ChildStdout>,
    limit: Duration,
}

impl Running {
    fn start(role: &str, argument: &str, limit: Duration) -> Outcome<Self> {
        let mut command = roles::command(role, argument)?;
        let mut client = Guarded::spawn(command.stdout(Stdio::piped()))?;
        let out = client.child().stdout.take().ok_or("stdout is piped")?;
        let out = BufReader::new(out);
        Ok(Self { client, out, limit })
    }

    /// Waits until its sockets are open and all of them hear it.
    pub(crate) fn until_ready(&mut self) -> Outcome<()> {
        let mut line = String::new();
        self.out.read_line(&mut line)?;
        if line.trim_end() == READY {
            Ok(())
        } else {
            Err("the load client failed before it was ready".into())
        }
    }

    /// Waits for what it found.
    pub(crate) fn finish<T: DeserializeOwned>(mut self) -> Outcome<T> {
        // The answer fits into the pipe: the client never waits for us.
        if !self.client.wait(self.limit) {
            return Err("the load client did not end in time".into());
        }
        let mut text = String::new();
        self.out.read_to_string(&mut text)?;
        let answer = text.lines().last().unwrap_or_default();
        Ok(serde_json::from_str(answer).map_err(|e| format!("the load client failed: {e}"))?)
    }
}
