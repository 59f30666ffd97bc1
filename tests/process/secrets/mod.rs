//! Passwords, tokens and hashes never show, however much is logged and traced.
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
#[cfg(feature = "otel")]
use std::sync::LazyLock;

use rustix::process::Signal;
use test_servers::Place;

use self::everything::Everything;
#[cfg(feature = "otel")]
use crate::collector::{Collector, Seen};
use crate::process::Process;

/// Key of the tokens.
const SECRET: &str = "a-secret-of-tests-77aa02cd914fb6e0";

/// Where traces of all of them go.
#[cfg(feature = "otel")]
static COLLECTOR: LazyLock<Collector> = LazyLock::new(Collector::start);

/// What the collector wants to see.
#[cfg(feature = "otel")]
const COLLECTORS: &str = "canary-of-the-collector";

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
    let variables = [&finest, variables].concat();
    #[cfg(feature = "otel")]
    let resource = format!("place={}", place.path().display());
    #[cfg(feature = "otel")]
    let headers = format!("authorization=Bearer%20{COLLECTORS}");
    #[cfg(feature = "otel")]
    let variables = [
        &variables[..],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*COLLECTOR.endpoint),
            ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
            ("OTEL_RESOURCE_ATTRIBUTES", &resource),
        ],
    ]
    .concat();
    Arc::new(Process::start_at(place, &variables))
}

/// What a node, which has ended, was traced to do.
#[cfg(feature = "otel")]
pub fn traces_of(place: &Place) -> Vec<Seen> {
    let place = place.path().display().to_string();
    let mut spans = COLLECTOR.spans();
    spans.retain(|span| span.resource["place"] == place);
    spans
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
    #[cfg(feature = "otel")]
    {
        let canaries = &mut everything.canaries;
        canaries.assert_none_in("the traces", &COLLECTOR.text(), &[]);
        canaries.add("what the collector wants to see", COLLECTORS);
        everything.left_no_trace(&log);
    }
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
        #[cfg(feature = "otel")]
        let place = Arc::clone(&service.place);
        let log = left_no_trace(service, everything);
        for said in ["socket opened", "\"login\"", "answered", "TRACE"] {
            assert!(log.contains(said), "{said} is not in the log: {log}");
        }
        #[cfg(feature = "otel")]
        {
            let spans = traces_of(&place);
            for name in [
                "POST /auth/register",
                "POST /auth/login",
                "POST /auth/refresh",
                "POST /auth/password",
                "POST /rooms/{room}/messages",
                "GET /ws",
                "GET",
                "accounts.find_by_name",
                "bus.publish",
                "password.verify",
                "sessions.rotate",
                "websocket.upgrade",
            ] {
                let is_there = spans.iter().any(|span| span.name == name);
                assert!(is_there, "{name} is in no trace: {spans:#?}");
            }
        }
    }
}
