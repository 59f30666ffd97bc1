//! The servers that are compared.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::dialect::Dialect;
use crate::harness::load::Crowd;
use crate::harness::process::Guarded;
use crate::harness::publisher::PAYLOAD;
use crate::harness::rooms_v1::AROUND;
use crate::harness::service::Premises;
use crate::harness::{Outcome, http, roles};

/// A server to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// What can't be cheaper.
    Bare,
    /// What one would have written, with `TCP_NODELAY` as every server here.
    Tutorial,
    /// The same to the letter: without it. Under load the kernel then packs
    /// what is sent while a packet is on its way, which spares CPU, and makes
    /// a lone message wait where acknowledgements are slow.
    TutorialNagle,
    /// What is measured here.
    Service,
    /// The same, whose sockets speak `rooms.v1`.
    RoomsV1,
    /// Raw mode with messages as long as those of [`Self::RoomsV1`] are on the
    /// wire: what the bytes cost, and not the format.
    Long,
    /// A peer: socketioxide.
    Socketioxide,
    /// A peer: `ws` on Node.
    Ws,
    /// A peer: Socket.IO on Node.
    SocketIo,
}

/// A running one.
pub(crate) struct Running {
    process: Guarded,
    crowd: Crowd,
    /// Kept as long as the service runs in it.
    _premises: Option<Premises>,
}

impl Subject {
    /// All, or those named in `BENCH_SUBJECTS` (by [`Subject::name`], with commas).
    pub(crate) fn chosen() -> Vec<Self> {
        let chosen = std::env::var("BENCH_SUBJECTS").ok();
        [
            Self::Bare,
            Self::Tutorial,
            Self::TutorialNagle,
            Self::Service,
            Self::RoomsV1,
            Self::Long,
            Self::Socketioxide,
            Self::Ws,
            Self::SocketIo,
        ]
        .into_iter()
        .filter(|subject| {
            let mut names = chosen.as_deref().into_iter().flat_map(|c| c.split(','));
            chosen.is_none() || names.any(|name| name == subject.name())
        })
        .filter(|subject| {
            let there = subject.script().is_none() || peers().join("node_modules").is_dir();
            if !there {
                println!(
                    "fanout: without {}, which `make bench` installs",
                    subject.name()
                );
            }
            there
        })
        .collect()
    }

    /// Its name, and that of its role.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Tutorial => "tutorial",
            Self::TutorialNagle => "tutorial-nagle",
            Self::Service => "service",
            Self::RoomsV1 => "service-rooms.v1",
            Self::Long => "service-long",
            Self::Socketioxide => "socketioxide",
            Self::Ws => "ws",
            Self::SocketIo => "Socket.IO",
        }
    }

    /// Whether it is what others use instead.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Socketioxide | Self::Ws | Self::SocketIo)
    }

    /// What Node runs.
    fn script(self) -> Option<&'static str> {
        match self {
            Self::Ws => Some("ws.js"),
            Self::SocketIo => Some("socket-io.js"),
            _ => None,
        }
    }

    fn dialect(self) -> Dialect {
        match self {
            Self::Bare | Self::Tutorial | Self::TutorialNagle | Self::Ws => Dialect::RawInPath,
            Self::Service | Self::Long => Dialect::Raw,
            Self::RoomsV1 => Dialect::RoomsV1,
            Self::Socketioxide | Self::SocketIo => Dialect::SocketIo,
        }
    }

    fn is_service(self) -> bool {
        matches!(self, Self::Service | Self::RoomsV1 | Self::Long)
    }

    /// Starts it in a process of its own.
    pub(crate) fn start(self) -> Outcome<Running> {
        let crowd = |process: &Guarded, address, secret| Crowd {
            address,
            server: process.pid(),
            dialect: self.dialect(),
            payload: match self {
                Self::Long => PAYLOAD + AROUND,
                _ => PAYLOAD,
            },
            secret,
            rooms: 0,
            first_room: 0,
            members_per_room: 0,
        };
        if self.is_service() {
            let premises = Premises::new()?;
            let service = premises.start()?;
            let secret = premises.secret.clone();
            return Ok(Running {
                crowd: crowd(&service.process, service.address, secret),
                process: service.process,
                _premises: Some(premises),
            });
        }
        let address = http::free_address()?;
        let mut command = self.command(address)?;
        let mut process = Guarded::spawn(&mut command)?;
        http::until_ok(&mut process, address, "/livez")?;
        Ok(Running {
            crowd: crowd(&process, address, "not looked at".to_owned()),
            process,
            _premises: None,
        })
    }

    /// What is no service, at `address`.
    fn command(self, address: SocketAddr) -> Outcome<Command> {
        let Some(script) = self.script() else {
            return roles::command(self.name(), &address.to_string());
        };
        let mut command = Command::new("node");
        command
            .arg(peers().join(script))
            .arg(address.to_string())
            .env("NODE_ENV", "production")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Ok(command)
    }
}

/// Where the peers are that are no part of this binary.
fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

impl Running {
    /// So many sockets of this server.
    pub(crate) fn crowd(&self, rooms: usize, members_per_room: usize) -> Crowd {
        Crowd {
            rooms,
            members_per_room,
            ..self.crowd.clone()
        }
    }

    /// Ends it.
    pub(crate) fn stop(self) {
        self.process.stop();
    }
}
