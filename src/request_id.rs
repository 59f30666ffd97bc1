//! The id of a request: in its answer, in its problem, in the log.

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Where it stands in requests and answers.
pub static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken over from the client or its proxy, in bytes.
const MAX_BYTES: usize = 64;

/// The id of a request: at most 64 of `A-Z a-z 0-9 - _ . :`, so that it can
/// stand in a log line as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The one that a request has already, or a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(&HEADER).filter(|id| is_plain(id));
        match given {
            Some(given) => Self(given.clone()),
            None => Self::random(),
        }
    }

    fn random() -> Self {
        let id = Uuid::new_v4().to_string();
        // What a UUID is made of may stand in a header.
        Self(HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-")))
    }

    /// As a header has it.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_plain(id: &HeaderValue) -> bool {
    (1..=MAX_BYTES).contains(&id.len())
        && id
            .as_bytes()
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
}
