//! One path, counted by valgrind.

use std::{env, fs, process::Command};

use crate::harness::Outcome;

/// How often a path is gone, so that what happens now and then, such as a
/// table that grows, has its share in each.
const REPEATS: u64 = 200;

/// Counts the instructions of one go.
pub(crate) fn count(path: &str) -> Outcome<u64> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("callgrind.out");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        // Only what happens in this function counts, and in what it calls.
        .arg("--toggle-collect=*instructions*counted*")
        .arg(env::current_exe()?)
        .args(["role", path, &REPEATS.to_string()])
        .output()
        .map_err(|e| format!("valgrind can't be started: {e}; on Debian, install valgrind"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{path} ended with {}:\n{said}", output.status).into());
    }
    let counted = fs::read_to_string(&out)?;
    let total = counted
        .lines()
        .find_map(|line| {
            line.strip_prefix("totals: ")
                .or(line.strip_prefix("summary: "))
        })
        .ok_or("callgrind has no total")?;
    match total.trim().parse::<u64>()? / REPEATS {
        0 => Err(format!("{path}: nothing was counted").into()),
        count => Ok(count),
    }
}
