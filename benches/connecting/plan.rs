//! What a client of this bench is asked to do, and what it says on its way.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::harness::process::Guarded;
use crate::harness::tokens::Signer;
use crate::harness::{Outcome, roles};

/// The role of the client, for `main`.
pub(crate) const ROLE: &str = "connect";

/// The sockets that a client opens.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    /// The server's process, for CPU and memory.
    pub(crate) server: u32,
    /// Of the tokens; `None` for the limit, which has the room in the path.
    pub(crate) signer: Option<Signer>,
    pub(crate) sockets: usize,
    pub(crate) per_room: usize,
    /// The third byte of the addresses that it connects from: clients at the
    /// same time have different ones, so that none runs out of ports.
    pub(crate) block: u8,
    pub(crate) after: After,
}

/// What follows when all are open.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum After {
    /// Nothing: the client ends, and its sockets with it.
    End,
    /// A message in each room, and memory.
    Speak,
    /// That, a ping at each socket, and the end of the server.
    Drain,
}

/// What opening has cost: the first thing that a client says.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) elapsed: Duration,
    pub(crate) server_cpu: Duration,
    pub(crate) client_cpu: Duration,
}

/// What open sockets are: the second thing, unless it is [`After::End`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Bytes in the server's memory before the first socket.
    pub(crate) before: u64,
    /// All open, nothing sent.
    pub(crate) open: u64,
    /// Sockets that have heard the message of their room.
    pub(crate) heard: usize,
    /// Sockets that were pinged.
    pub(crate) pinged: usize,
    /// The server's CPU until each was.
    pub(crate) ping_cpu: Duration,
}

/// How the server closed its sockets: the last thing, after [`After::Drain`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Drained {
    /// Sockets closed with 1012, which says that the server restarts.
    pub(crate) restarting: usize,
    /// Sockets closed with anything else.
    pub(crate) otherwise: usize,
}

/// A client at work.
pub(crate) struct Client {
    process: Guarded,
    lines: BufReader<ChildStdout>,
}

impl Client {
    /// Starts it.
    pub(crate) fn start(plan: &Plan) -> Outcome<Self> {
        let mut command = roles::command(ROLE, &serde_json::to_string(plan)?)?;
        let mut process = Guarded::spawn(command.stdout(Stdio::piped()))?;
        let out = process.child().stdout.take().ok_or("stdout is piped")?;
        let lines = BufReader::new(out);
        Ok(Self { process, lines })
    }

    /// Waits for the next thing that it says. Each of its phases has an end.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Outcome<T> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|e| format!("a client failed: {e}"))?)
    }

    /// Waits until it has ended, and its sockets are closed.
    pub(crate) fn end(mut self) -> Outcome<()> {
        if !self.process.wait(Duration::from_secs(10)) {
            return Err("a client did not end in time".into());
        }
        Ok(())
    }
}
