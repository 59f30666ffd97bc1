//! Which series a node's metrics have: all that are documented, and no more of
//! them the more people and rooms there were.

use std::collections::BTreeSet;

use crate::{
    cluster::Cluster,
    harness::{Outcome, http},
};

const DOCUMENTED: &str = include_str!("../../monitoring/METRICS.md");

/// Outcomes and operations that happen for the first time. One for each person
/// or room would be thousands.
const NEW: usize = 16;

/// Series of each node: a name and its labels.
pub(crate) struct Series(Vec<BTreeSet<String>>);

impl Series {
    pub(crate) fn of(cluster: &Cluster) -> Outcome<Self> {
        let nodes = cluster.addresses().map(|address| {
            let exposition = http::body(address, "/metrics")?;
            let samples = exposition.lines().filter(|line| !line.starts_with('#'));
            // The value stands behind the last space; labels may have some.
            let names = samples.filter_map(|line| line.rsplit_once(' '));
            Ok(names.map(|(series, _)| series.to_owned()).collect())
        });
        Ok(Self(nodes.collect::<Outcome<_>>()?))
    }

    /// How many there are, node by node.
    pub(crate) fn count(&self) -> Vec<usize> {
        self.0.iter().map(BTreeSet::len).collect()
    }

    /// What is wrong with them, half of the time after `before`.
    pub(crate) fn complaints(&self, before: &Self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (node, (now, before)) in self.0.iter().zip(&before.0).enumerate() {
            let new: Vec<&String> = now.difference(before).collect();
            if new.len() > NEW {
                complaints.push(format!("node {node} has ever more series: {new:?}"));
            }
            let is_there = |name: &&str| {
                // Histograms have three series for one name.
                let starts = |series: &String| series.starts_with(*name);
                now.iter().any(starts)
            };
            let absent: Vec<&str> = documented().filter(|name| !is_there(name)).collect();
            if !absent.is_empty() {
                complaints.push(format!("node {node} has no {absent:?}"));
            }
        }
        complaints
    }
}

/// Names of the series that are documented.
fn documented() -> impl Iterator<Item = &'static str> {
    let rows = DOCUMENTED
        .lines()
        .filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`').map(|(name, _)| name))
}
