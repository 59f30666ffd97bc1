//! What the service says of all that happens in this suite, at its finest, has no
//! secret in it.
//!
//! Every secret here has a shape that nothing else in a log has, so none has to be
//! known by name.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::Once,
};

use parking_lot::Mutex;
use service::{
    config::{Log, LogFormat},
    telemetry::logs,
};
use tracing_subscriber::util::SubscriberInitExt;

use crate::service::PASSWORD;

/// What the tests' own clients say is not the service's, and whole of secrets.
const FILTER: &str = "trace,reqwest=off,tungstenite=off,tokio_tungstenite=off";

/// Letters of base64url that may follow each other: a thumbprint has 43, the id of
/// a trace or a request 32. Of a refresh token there are 75, of an access token's
/// signature 43 behind some hundred more.
const LONGEST: usize = 50;

/// Letters that none of those has fewer of; a name in a path may be long, too, but
/// is the same letter over and over in these tests.
const VARIETY: usize = 10;

/// Letters of base32 that may: a secret of an authenticator app has 32.
const LONGEST_BASE32: usize = 31;

/// The first lines that had a secret in them.
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Looks at all that is logged from now on.
pub fn look() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = Log {
            filter: FILTER.to_owned(),
            format: LogFormat::Json,
        };
        let looking = logs::writing_to(|| Searched, false, &log).unwrap();
        looking.try_init().unwrap();
    });
}

/// None was found so far.
pub fn assert_none_found() {
    let found = FOUND.lock();
    assert!(found.is_empty(), "secrets are logged: {found:#?}");
}

/// Takes a line at a time, and keeps none without a secret.
struct Searched;

impl Write for Searched {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(what) = secret_in(line) {
            let mut found = FOUND.lock();
            if found.len() < 10 {
                found.push(format!("{what}: {}", String::from_utf8_lossy(line)));
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn secret_in(line: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(line);
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let base32 = |c: char| c.is_ascii_uppercase() || matches!(c, '2'..='7');
    if text.contains(PASSWORD) {
        Some("a password")
    } else if ["$argon2", "$2b$", "$legacy$"]
        .iter()
        .any(|head| text.contains(head))
    {
        Some("a stored hash")
    } else if run(&text, base64) > LONGEST {
        Some("a token")
    } else if run(&text, base32) > LONGEST_BASE32 {
        Some("a secret of an authenticator app")
    } else {
        None
    }
}

/// The most letters of a kind that follow each other, of some variety.
fn run(text: &str, of_kind: impl Fn(char) -> bool) -> usize {
    let runs = text.split(|c| !of_kind(c));
    let various = |run: &&str| run.chars().collect::<BTreeSet<_>>().len() >= VARIETY;
    let longest = runs
        .filter(|run| run.len() > LONGEST_BASE32)
        .filter(various);
    longest.map(str::len).max().unwrap_or(0)
}

#[test]
fn secrets_are_found_by_their_shapes() {
    let secrets = [
        PASSWORD.to_owned(),
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA".to_owned(),
        crate::mint::token(&crate::mint::claims("room")),
        "PxyaUg8LTzydRy9vWj8MEQAAAAAAAAAAc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF".to_owned(),
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(),
    ];
    for secret in secrets {
        let line = format!(r#"{{"said":"a {secret} of ann"}}"#);
        assert!(secret_in(line.as_bytes()).is_some(), "{line}");
    }
    let harmless = r#"{"kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs","id":"6b620bb1cb8e4834acd14e8076443bfa"}"#;
    assert_eq!(secret_in(harmless.as_bytes()), None);
}
