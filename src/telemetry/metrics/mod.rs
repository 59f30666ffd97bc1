//! Metrics: counters, gauges and histograms with few labels, none of which
//! grows with users or rooms.
//!
//! Each room of the house has instruments of its own, made with it, and counts
//! in them without asking here: no name is looked up, nothing is allocated. A
//! node [gathers](Metrics::gather) them once, at its start; there is no registry
//! of the process, so that several nodes in one don't mix.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod` | [`Metrics`]: all of a node's, and how they are written |
//! | [`label`] | [`Counted`]: counters, one for each value of a label |
//! | [`reading`] | what is looked at when somebody asks |
//! | `process` | what the system says of the process |

pub mod label;
mod process;
pub mod reading;

use std::fmt;

use prometheus_client::{encoding::text, metrics::info::Info};
pub use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

pub use self::{
    label::{Counted, Label},
    reading::{Looked, by_label, counter, gauge},
};

/// What all names begin with, but for those of the process, which are the same
/// for every program. The same in a service that has another name, so that its
/// dashboards need not change.
pub const PREFIX: &str = "service";

/// The media type of [`Metrics::render`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of histograms of requests and calls, in seconds.
pub const SECONDS: [f64; 9] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// All metrics of a node.
pub struct Metrics(Registry);

impl Metrics {
    /// Metrics of the process, and what `register` adds, with [`PREFIX`] before
    /// its names.
    #[must_use]
    pub fn gather(register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        process::register(&mut registry);
        let own = registry.sub_registry_with_prefix(PREFIX);
        own.register(
            "build",
            "What this is: always 1",
            Info::new([
                ("name", env!("CARGO_PKG_NAME")),
                ("version", env!("CARGO_PKG_VERSION")),
            ]),
        );
        register(own);
        Self(registry)
    }

    /// All of them as they are now, in the text format of OpenMetrics 1.0.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string doesn't fail, and no label of ours does.
        let _ = text::encode(&mut text, &self.0);
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
