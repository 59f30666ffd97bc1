//! Resident memory over time, and whether it grows.

use std::time::{Duration, Instant};

use crate::{
    cluster::Cluster,
    harness::{Outcome, statistics::median},
};

/// Time between two samples.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// How much more may be resident in the end than in the beginning.
pub(crate) const GROWTH: f64 = 1.05;

/// Shorter runs say what they find, and call nothing growth: pools and arenas
/// are still being filled.
const LONG_ENOUGH: Duration = Duration::from_secs(600);

/// What is called the beginning and the end, as parts of the whole: minutes 10
/// to 15, and the last 5, of 30. What a cut takes, and how much of it the
/// allocator keeps, is not known before each node was cut off a few times.
const BEGINNING: (f64, f64) = (10.0 / 30.0, 15.0 / 30.0);
const END: (f64, f64) = (25.0 / 30.0, 1.0);

/// Samples of the nodes' memory.
pub(crate) struct Curve {
    start: Instant,
    duration: Duration,
    samples: Vec<Sample>,
}

/// Bytes in memory, node by node.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Sample {
    pub(crate) seconds: f64,
    pub(crate) resident: Vec<u64>,
}

/// Medians of a node's memory, in bytes.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Growth {
    pub(crate) beginning: f64,
    pub(crate) end: f64,
}

impl Growth {
    /// How many times what there was there is.
    pub(crate) fn ratio(self) -> f64 {
        self.end / self.beginning
    }
}

impl Curve {
    pub(crate) fn new(duration: Duration) -> Self {
        Self {
            start: Instant::now(),
            duration,
            samples: Vec::new(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.start.elapsed() >= self.duration
    }

    pub(crate) fn is_half(&self) -> bool {
        self.start.elapsed() >= self.duration / 2
    }

    pub(crate) fn sample(&mut self, cluster: &Cluster) -> Outcome<()> {
        self.samples.push(Sample {
            seconds: self.start.elapsed().as_secs_f64(),
            resident: cluster.resident()?,
        });
        Ok(())
    }

    pub(crate) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Whether it went on for so long that memory should not grow any more.
    pub(crate) fn is_long_enough(&self) -> bool {
        self.duration >= LONG_ENOUGH
    }

    /// How each node's memory grew.
    pub(crate) fn growth(&self) -> Vec<Growth> {
        let nodes = self
            .samples
            .first()
            .map_or(0, |sample| sample.resident.len());
        let part = |node: usize, (from, to): (f64, f64)| {
            let whole = self.duration.as_secs_f64();
            let samples = self.samples.iter();
            let samples = samples.filter(|s| (from..=to).contains(&(s.seconds / whole)));
            let bytes: Vec<f64> = samples.map(|s| s.resident[node] as f64).collect();
            median(&bytes)
        };
        (0..nodes)
            .map(|node| Growth {
                beginning: part(node, BEGINNING),
                end: part(node, END),
            })
            .collect()
    }
}
