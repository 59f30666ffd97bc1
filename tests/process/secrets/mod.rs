//! Passwords, tokens and hashes never show, however much is logged.
//!
//! | file | what it holds |
//! |---|---|
//! | [`canary`] | what must not show, in every spelling |
//! | [`everything`] | every kind of request, with canaries in it |
//!
//! What a broken store has to say stands beside the other tests of that store.

pub mod canary;
pub mod everything;

use std::sync::Arc;

use rustix::process::Signal;
use test_servers::Place;

use self::everything::Everything;
use crate::process::Process;

/// Key of the tokens.
const SECRET: &str = "a-secret-of-tests-77aa02cd914fb6e0";

/// How logs are written.
pub const FORMATS: [&str; 2] = ["pretty", "json"];

/// A node that logs everything that it can.
pub fn start(place: Arc<Place>, format: &str, variables: &[(&str, &str)]) -> Arc<Process> {
    let finest = [
        // Also of those crates that may not be.
        ("RUST_LOG", "trace,hyper::proto=trace"),
        ("APP__LOG__FORMAT", format),
        ("JWT_SECRET", SECRET),
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
        ("APP__PASSWORDS__ITERATIONS", "1"),
        ("APP__SHUTDOWN__CLOSE_JITTER", "0s"),
    ];
    Arc::new(Process::start_at(place, &[&finest, variables].concat()))
}

/// Stops it; nothing of what happened shows.
#[track_caller]
pub fn left_no_trace(service: Arc<Process>, mut everything: Everything) -> String {
    service.signal(Signal::TERM);
    everything.canaries.add("the secret", SECRET);
    // Whatever it is a hash of.
    everything.canaries.add("a stored hash", "$argon2id$v=19$");
    let log = everything.end(service);
    everything.left_no_trace(&log);
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_at_its_finest_holds_no_secret() {
    for format in FORMATS {
        let service = start(Arc::new(Place::new()), format, &[]);
        let mut everything = Everything::of(&service);
        everything.happens().await;
        let kept = service.place.accounts();
        assert!(kept.contains("$argon2id$v=19$"), "{kept}");
        let log = left_no_trace(service, everything);
        for said in ["socket opened", "\"login\"", "answered", "TRACE"] {
            assert!(log.contains(said), "{said} is not in the log: {log}");
        }
    }
}
