//! The servers: the limit, and the service with either kind of key.

use std::net::SocketAddr;
use std::process::Stdio;

use crate::BARE;
use crate::harness::process::Guarded;
use crate::harness::service::Premises;
use crate::harness::{Outcome, http, roles};
use crate::plan::{After, Plan};

/// A server to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Accepts and upgrades, and looks at nothing else.
    Bare,
    /// The service, with tokens signed by a secret.
    Hs256,
    /// The service, with tokens signed by a key.
    Ed25519,
}

/// A running one.
pub(crate) struct Running {
    pub(crate) process: Guarded,
    address: SocketAddr,
    /// Kept as long as the service runs in it.
    premises: Option<Premises>,
}

impl Subject {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Bare, Self::Hs256, Self::Ed25519];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Hs256 => "service, HS256",
            Self::Ed25519 => "service, Ed25519",
        }
    }

    /// Starts it; the service pings quiet sockets as often as `heartbeat` says.
    pub(crate) fn start(self, heartbeat: &str) -> Outcome<Running> {
        if self == Self::Bare {
            let address = http::free_address()?;
            let mut command = roles::command(BARE, &address.to_string())?;
            let mut process = Guarded::spawn(command.stdout(Stdio::null()))?;
            http::until_ok(&mut process, address, "/livez")?;
            return Ok(Running {
                process,
                address,
                premises: None,
            });
        }
        let mut premises = Premises::new()?.with("APP__WS__HEARTBEAT_INTERVAL", heartbeat);
        if self == Self::Ed25519 {
            premises = premises.with_key()?;
        }
        let service = premises.start()?;
        Ok(Running {
            process: service.process,
            address: service.address,
            premises: Some(premises),
        })
    }
}

impl Running {
    /// So many sockets of this server.
    pub(crate) fn plan(&self, sockets: usize, after: After) -> Plan {
        Plan {
            address: self.address,
            server: self.process.pid(),
            signer: self.premises.as_ref().map(Premises::signer),
            sockets,
            per_room: 100,
            block: 0,
            after,
        }
    }
}
