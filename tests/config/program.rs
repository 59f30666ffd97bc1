//! The program, run in a folder and an environment of its own.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));
pub(crate) const FILE: &str = concat!(env!("CARGO_PKG_NAME"), ".toml");

pub(crate) struct Setup {
    pub(crate) folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn var(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Production, with the one decision that it asks for.
    pub(crate) fn production(self) -> Self {
        self.var("APP_PROFILE", "production")
            .var("APP__HTTP__TRUSTED_PROXIES", "[]")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(self, name: &str, content: &str) -> Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        Outcome::from(output)
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
