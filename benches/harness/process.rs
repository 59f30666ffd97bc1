//! A child process that can't outlive the bench, and what it costs.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

use super::Outcome;

/// How long a server may drain before it is killed.
const DRAIN: Duration = Duration::from_secs(10);

/// A child, killed by its own pid when this value goes, on a panic as well.
pub(crate) struct Guarded {
    child: Child,
}

impl Guarded {
    /// Starts it.
    pub(crate) fn spawn(command: &mut Command) -> Outcome<Self> {
        let child = command
            .spawn()
            .map_err(|e| format!("can't start {}: {e}", command.get_program().display()))?;
        Ok(Self { child })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, to read its output or to wait for it.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended by itself, `limit` at most.
    pub(crate) fn wait(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while !self.has_ended() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Asks it to end as an orchestrator would, with SIGTERM.
    pub(crate) fn terminate(&self) {
        let _already_gone = kill_process(Pid::from_child(&self.child), Signal::TERM);
    }

    /// [`Self::terminate`]; one that doesn't end in time is killed.
    pub(crate) fn stop(mut self) {
        self.terminate();
        self.wait(DRAIN);
    }

    /// Waits until it has ended by itself, `limit` at most, and returns the CPU
    /// time of its whole life, in ticks of ten milliseconds.
    pub(crate) fn lifetime_cpu(self, limit: Duration) -> Outcome<Duration> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            // A child that has ended and was not waited for keeps its account.
            let (state, cpu) = account(self.pid())?;
            if state == "Z" {
                return Ok(cpu);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("the server did not end in time".into())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_reaped = self.child.wait();
    }
}

/// CPU time that the process's living threads have used so far, user and
/// system together.
///
/// From `schedstat`, which counts in nanoseconds where `stat` counts in ticks
/// of ten milliseconds. A thread that has ended takes its time with it, so
/// this is for servers whose threads stay.
pub(crate) fn cpu(pid: u32) -> Outcome<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let field = text.split_whitespace().next().unwrap_or_default();
        nanoseconds += field.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// CPU time of all threads that the process ever had, in ticks of ten
/// milliseconds.
pub(crate) fn coarse_cpu(pid: u32) -> Outcome<Duration> {
    Ok(account(pid)?.1)
}

/// The state and the CPU time in `stat`.
fn account(pid: u32) -> Outcome<(String, Duration)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before may hold anything.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let (Some(&state), Some(user), Some(system)) = (fields.first(), fields.get(11), fields.get(12))
    else {
        return Err("stat has too few fields".into());
    };
    let ticks = user.parse::<u64>()? + system.parse::<u64>()?;
    Ok((state.to_owned(), Duration::from_millis(10 * ticks)))
}

/// Bytes of the process that are in memory. From `smaps_rollup`: `statm` lags
/// behind by a batch of pages for each core.
pub(crate) fn resident(pid: u32) -> Outcome<u64> {
    kibibytes(&format!("/proc/{pid}/smaps_rollup"), "Rss:")
}

/// The most bytes of the process that were in memory since
/// [`forget_peak`].
pub(crate) fn peak_resident(pid: u32) -> Outcome<u64> {
    kibibytes(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// Starts [`peak_resident`] anew from what is in memory now.
pub(crate) fn forget_peak(pid: u32) -> Outcome<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn kibibytes(path: &str, field: &str) -> Outcome<u64> {
    let text = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or_else(|| format!("{path} has no {field}"))?;
    Ok(value.parse::<u64>()? * 1024)
}

/// Raises the limit on open files as far as it goes, for this process and its
/// children to come, and returns it.
pub(crate) fn raise_open_files() -> Outcome<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.current.unwrap_or(u64::MAX))
}
