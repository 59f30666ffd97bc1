//! The service under measure, started in a folder of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ::service::accounts::tokens::KeyRing;
use jiff::Timestamp;

use super::process::Guarded;
use super::tokens::{self, Signer};
use super::{Outcome, http};

/// The service as it is deployed, save for limits that would stop a bench: it
/// is one user, at one address, in the eyes of rate limits. Logins at once are
/// failures until they have succeeded, and are counted like any other's.
const SETTINGS: [(&str, &str); 10] = [
    ("APP__WS__MAX_MESSAGES_PER_SECOND", "1000000"),
    ("APP__WS__MAX_CONNECTIONS_PER_USER", "100000"),
    ("APP__LIMITS__LOGINS_PER_MINUTE", "0"),
    ("APP__LIMITS__REGISTRATIONS_PER_MINUTE", "0"),
    ("APP__LIMITS__REFRESHES_PER_MINUTE", "0"),
    ("APP__LIMITS__CONNECTS_PER_MINUTE", "0"),
    ("APP__LIMITS__USER_REFRESHES_PER_MINUTE", "0"),
    ("APP__LIMITS__USER_CONNECTS_PER_MINUTE", "0"),
    ("APP__LIMITS__FREE_FAILURES", "1000"),
    ("RUST_LOG", "warn"),
];

/// Where the service keeps its database and writes its log. It can be started
/// there again and again.
pub(crate) struct Premises {
    folder: tempfile::TempDir,
    /// The service's `JWT_SECRET`.
    pub(crate) secret: String,
    /// Settings beside [`SETTINGS`].
    settings: Vec<(&'static str, String)>,
    /// Where its Ed25519 key is, if it has one instead of the secret.
    keys: Option<PathBuf>,
}

/// A running service.
pub(crate) struct Service {
    pub(crate) process: Guarded,
    pub(crate) address: SocketAddr,
}

impl Premises {
    /// An empty folder and a fresh secret.
    pub(crate) fn new() -> Outcome<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            secret: tokens::secret(),
            settings: Vec::new(),
            keys: None,
        })
    }

    /// The same with a setting.
    pub(crate) fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.settings.push((variable, value.to_owned()));
        self
    }

    /// The same with an Ed25519 key instead of the secret.
    pub(crate) fn with_key(mut self) -> Outcome<Self> {
        let keys = self.folder.path().join("keys");
        KeyRing::make_in_dir(&keys, Timestamp::now())?;
        self.keys = Some(keys);
        Ok(self)
    }

    /// What its tokens are signed with.
    pub(crate) fn signer(&self) -> Signer {
        match &self.keys {
            Some(folder) => Signer::Folder(folder.clone()),
            None => Signer::Secret(self.secret.clone()),
        }
    }

    /// Starts the service and waits for it to be ready.
    pub(crate) fn start(&self) -> Outcome<Service> {
        self.start_until("/readyz").map(|(service, _)| service)
    }

    /// Starts the service and waits until `path` answers 200; returns the time
    /// from just before the start.
    pub(crate) fn start_until(&self, path: &str) -> Outcome<(Service, Duration)> {
        let address = http::free_address()?;
        let log = File::create(self.log())?;
        let mut command = Command::new(binary()?);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .envs(SETTINGS)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("APP__HTTP__BIND", address.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        match &self.keys {
            Some(folder) => command.env("APP__TOKENS__KEY_DIR", folder),
            None => command.env("JWT_SECRET", &self.secret),
        };
        let start = Instant::now();
        let mut process = Guarded::spawn(&mut command)?;
        match http::until_ok(&mut process, address, path) {
            Ok(_) => Ok((Service { process, address }, start.elapsed())),
            Err(e) => {
                let words = fs::read_to_string(self.log()).unwrap_or_default();
                Err(format!("{e}; the service said:\n{words}").into())
            }
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("bench.log")
    }
}

/// The binary that cargo built beside this bench. Looked up at run time, so
/// that no name of a project stands in this file.
pub(crate) fn binary() -> Outcome<PathBuf> {
    let variable = concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME"));
    let path = std::env::var(variable).map_err(|_| format!("{variable} is not set: use cargo"))?;
    let path = Path::new(&path);
    if !path.is_file() {
        return Err(format!("{} is not there", path.display()).into());
    }
    Ok(path.to_owned())
}
