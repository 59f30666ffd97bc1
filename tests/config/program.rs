//! The program, run in a folder and an environment of its own.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{process::Command, runtime, time};
use uuid::Uuid;

const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));
const SOON: Duration = Duration::from_secs(60);
pub(crate) const FILE: &str = concat!(env!("CARGO_PKG_NAME"), ".toml");

const DEFAULTS: &str = include_str!("../../src/config/defaults.toml");

/// What platforms set whose instances have no disk that stays, and their names.
#[allow(
    dead_code,
    reason = "not every choice of backends is of interest there"
)]
pub(crate) const WITHOUT_DISK: [(&str, &str); 3] = [
    ("K_SERVICE", "Cloud Run"),
    ("CONTAINER_APP_NAME", "Azure Container Apps"),
    ("DYNO", "Heroku"),
];

pub(crate) struct Setup {
    pub(crate) folder: TempDir,
    variables: Vec<(String, OsString)>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn var(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Production, with what it wants to be told: whom to believe, and where
    /// the servers are that development looks for on this machine.
    pub(crate) fn production(self) -> Self {
        let production = self
            .var("APP_PROFILE", "production")
            .var("APP__HTTP__TRUSTED_PROXIES", "[]");
        ["store", "bus"].iter().fold(production, |setup, section| {
            let header = format!("[development.{section}]\n");
            let url = DEFAULTS
                .split_once(&header)
                .and_then(|(_, rest)| rest.split_once("url = \"")?.1.split_once('"'));
            match url {
                Some((url, _)) => {
                    setup.var(&format!("APP__{}__URL", section.to_ascii_uppercase()), url)
                }
                None => setup,
            }
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    /// Runs the program to its end. One that takes what it should refuse
    /// would serve for ever: it is killed, and the test fails.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(async { time::timeout(SOON, command.output()).await });
        match output {
            Ok(output) => Outcome::from(output.unwrap()),
            Err(_) => panic!("{arguments:?} did not end"),
        }
    }

    pub(crate) fn check(&self) -> Outcome {
        self.run(&["config", "check"])
    }

    /// The line of `config show` about a key.
    #[track_caller]
    pub(crate) fn shown(&self, key: &str) -> String {
        let outcome = self.run(&["config", "show"]);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome
            .stdout
            .lines()
            .find(|line| {
                line.trim_start_matches("# ")
                    .strip_prefix(key)
                    .is_some_and(|rest| rest.starts_with(' '))
            })
            .unwrap_or_else(|| panic!("no {key} in {}", outcome.stdout))
            .to_owned()
    }

    /// `config check` fails, and says nothing but these lines.
    #[track_caller]
    pub(crate) fn refuses(&self, expected: &[&str]) -> Outcome {
        let outcome = self.check();
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(lines, expected);
        assert_eq!((outcome.code, &*outcome.stdout), (1, ""));
        outcome
    }
}

/// A flat name overrides the structured one, and is none where it is empty.
#[track_caller]
pub(crate) fn overrides(flat: (&str, &str), structured: (&str, &str), key: &str, line: &str) {
    let setup = Setup::new()
        .var(flat.0, flat.1)
        .var(structured.0, structured.1);
    assert_eq!(setup.shown(key), format!("{line}  # <- {}", flat.0));
    let setup = Setup::new().var(flat.0, "").var(structured.0, "");
    let shown = setup.shown(key);
    assert!(
        shown.ends_with("  # <- default"),
        "empty {}: {shown}",
        flat.0
    );
}

/// A value that can't be meant is refused in one line, with its key and source.
#[track_caller]
pub(crate) fn is_refused(setup: Setup, variable: &str, value: &str, key: &str) {
    let outcome = setup.var(variable, value).check();
    assert_eq!(outcome.code, 1, "{variable}={value}");
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(
        matches!(lines[..], [line] if line.starts_with(&format!("{key}: "))
            && line.ends_with(&format!("(from {variable})"))),
        "{variable}={value}: {lines:?}"
    );
}

pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn never_says(&self, secret: &str) -> &Self {
        assert!(!self.stdout.contains(secret), "{}", self.stdout);
        assert!(!self.stderr.contains(secret), "{}", self.stderr);
        self
    }
}

/// A secret that stands nowhere but in the test that is running.
pub(crate) fn random_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
