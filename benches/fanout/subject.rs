//! The servers that are compared.

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
        ]
        .into_iter()
        .filter(|subject| {
            let mut names = chosen.as_deref().into_iter().flat_map(|c| c.split(','));
            chosen.is_none() || names.any(|name| name == subject.name())
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
            room_in_path: !self.is_service(),
            rooms_v1: self == Self::RoomsV1,
            payload: match self {
                Self::Long => PAYLOAD + AROUND,
                _ => PAYLOAD,
            },
            secret,
            rooms: 0,
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
        let mut command = roles::command(self.name(), &address.to_string())?;
        let mut process = Guarded::spawn(&mut command)?;
        http::until_ok(&mut process, address, "/livez")?;
        Ok(Running {
            crowd: crowd(&process, address, "not looked at".to_owned()),
            process,
            _premises: None,
        })
    }
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
