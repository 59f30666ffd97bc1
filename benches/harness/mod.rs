//! What the benchmarks share.
//!
//! Every server under measure is a process of its own: either the service's
//! binary, or the bench binary run again in a [`roles`] role. A rival is thus
//! built by the same compiler with the same flags and measured by the same
//! client in the same run.
//!
//! | file | what it holds |
//! |---|---|
//! | [`roles`] | running this binary again as a rival or as a client |
//! | [`process`] | a child that can't outlive the bench; its CPU and memory |
//! | [`service`] | the service under measure, started in a folder of its own |
//! | [`bare`] | the limit: sockets and premade bytes, and nothing else |
//! | [`load`] | what a load client is asked to do, and what it found |
//! | [`load_client`] | the load client itself: one thread, one epoll |
//! | [`publisher`] | one of its publishers, and messages on their way |
//! | [`dialect`] | what the sockets of a server speak |
//! | [`rooms_v1`] | what it says and hears where messages are JSON |
//! | [`socket_io`] | what it says and hears where they are Socket.IO's |
//! | [`websocket`] | frames and the opening handshake, by hand |
//! | [`tokens`] | access tokens that the service accepts |
//! | [`http`] | one blocking GET, and waiting for a server to be ready |
//! | [`statistics`] | medians and paired ratios |
//! | [`table`] | aligned columns, the machine, the goals |
//! | [`record`] | what was printed, kept for the report of `make bench` |
//!
//! Nothing is asserted: a figure that misses its goal is printed all the same.

use std::process::ExitCode;

pub(crate) mod bare;
pub(crate) mod dialect;
pub(crate) mod http;
pub(crate) mod load;
pub(crate) mod load_client;
pub(crate) mod process;
pub(crate) mod publisher;
pub(crate) mod record;
pub(crate) mod roles;
pub(crate) mod rooms_v1;
pub(crate) mod service;
pub(crate) mod socket_io;
pub(crate) mod statistics;
pub(crate) mod table;
pub(crate) mod tokens;
pub(crate) mod websocket;

/// A bench stops at the first thing that makes its figures meaningless.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The exit code of a run, and what stopped it in words.
pub(crate) fn conclude(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the bench stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `BENCH_QUICK=1`: fewer and shorter rounds, to see that everything runs.
pub(crate) fn quick() -> bool {
    std::env::var("BENCH_QUICK").is_ok_and(|value| value == "1")
}

/// One of two values, the second in quick mode.
pub(crate) fn pace<T>(usual: T, in_quick_mode: T) -> T {
    if quick() { in_quick_mode } else { usual }
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
