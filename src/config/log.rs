use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::bounds::Bounds;

/// Logs, on standard output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How an event is written.
    pub format: LogFormat,
    /// Which events: directives of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Log {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        if let Err(error) = EnvFilter::builder().parse(&self.filter) {
            bounds.refuse("log.filter", format!("not a filter: {error}"));
        }
    }
}
