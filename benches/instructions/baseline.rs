//! The committed figures.

use std::{fs, path::PathBuf, process::Command};

use crate::harness::Outcome;

/// A path may take so many times what it took.
pub(crate) const TOLERANCE: f64 = 1.1;

/// Counts of a compiler.
pub(crate) struct Baseline {
    /// What `rustc --version` says.
    pub(crate) compiler: String,
    /// Instructions, by path.
    pub(crate) counts: Vec<(String, u64)>,
}

fn file() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/benches/instructions/baseline.txt"
    ))
}

impl Baseline {
    pub(crate) fn of_this_compiler(counts: Vec<(String, u64)>) -> Outcome<Self> {
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let version = Command::new(rustc).arg("--version").output()?;
        Ok(Self {
            compiler: String::from_utf8(version.stdout)?.trim().to_owned(),
            counts,
        })
    }

    /// Reads the committed figures: the compiler, and then a count and a path
    /// in each line.
    pub(crate) fn read() -> Outcome<Self> {
        let text = fs::read_to_string(file())?;
        let mut lines = text.lines();
        let compiler = lines.next().ok_or("baseline.txt is empty")?.to_owned();
        let mut counts = Vec::new();
        for line in lines {
            let (count, name) = line.trim().split_once("  ").ok_or("a line has no path")?;
            counts.push((name.to_owned(), count.parse()?));
        }
        Ok(Self { compiler, counts })
    }

    pub(crate) fn write(&self) -> Outcome<()> {
        let mut text = format!("{}\n", self.compiler);
        for (name, count) in &self.counts {
            text.push_str(&format!("{count:>8}  {name}\n"));
        }
        Ok(fs::write(file(), text)?)
    }

    pub(crate) fn count(&self, path: &str) -> Option<u64> {
        let mut counts = self.counts.iter();
        Some(counts.find(|(name, _)| name == path)?.1)
    }

    /// The paths that take too much more than there.
    ///
    /// # Errors
    /// If one of them is not there, or one there is not here.
    pub(crate) fn slower_than(&self, committed: &Self) -> Outcome<Vec<&str>> {
        if self.counts.len() != committed.counts.len() {
            return Err("paths came or went: renew the figures".into());
        }
        let mut slower = Vec::new();
        for (name, count) in &self.counts {
            let before = committed.count(name);
            let before = before.ok_or_else(|| format!("{name} is new: renew the figures"))?;
            if *count as f64 > before as f64 * TOLERANCE {
                slower.push(name.as_str());
            }
        }
        Ok(slower)
    }
}
