//! The end of it, in words and as JSON.

use std::{fmt::Write, fs, path::Path, sync::atomic::Ordering::Relaxed};

use serde_json::{Value, json};

use crate::{
    Soak,
    cluster::Look,
    harness::{
        Outcome,
        table::{figure, machine, mib},
    },
    memory::{Curve, GROWTH},
};

/// What was found.
pub(crate) struct Report {
    text: String,
    json: Value,
    broken: u64,
}

impl Report {
    pub(crate) fn new(soak: &Soak, rate: f64, curve: Curve, before: &Look, after: &Look) -> Self {
        let growth = curve.growth();
        for (node, growth) in growth.iter().enumerate() {
            if curve.is_long_enough() && growth.ratio() > GROWTH {
                let ratio = figure(growth.ratio());
                soak.ledger.broken(format!(
                    "node {node}'s memory grew to {ratio} of what it was"
                ));
            }
        }
        if !after.has_let_go(before) {
            soak.ledger.broken(format!(
                "nodes keep something of clients that went: {after:?}, and before they came {before:?}"
            ));
        }
        let counts = &soak.ledger.counts;
        let numbers = [
            ("said", &counts.said),
            ("confirmed", &counts.confirmed),
            ("said again", &counts.said_again),
            ("heard by readers that stay", &counts.heard),
            ("readers came back", &counts.came_back),
            ("cuts from NATS", &counts.cuts),
            ("visits", &counts.visits),
            ("visits of slow readers", &counts.slow_visits),
            ("gaps told to visitors", &counts.told_gaps),
            ("logins", &counts.logins),
            ("refreshes", &counts.refreshes),
            ("sign-ins given up", &counts.refused),
            (
                "ms: the longest that a reader waited for a message",
                &counts.longest_wait_ms,
            ),
            ("promises broken", &counts.broken),
        ]
        .map(|(name, count)| (name, count.load(Relaxed)));
        let mut text = format!("soak: {}\n", machine());
        // Writing to a string can't fail.
        let _ = writeln!(text, "{:>12}  messages a second", figure(rate));
        for (name, number) in numbers {
            let _ = writeln!(text, "{number:>12}  {name}");
        }
        for (node, growth) in growth.iter().enumerate() {
            let _ = writeln!(
                text,
                "node {node}: {} at first, {} in the end ({}), {} when all had gone",
                mib(growth.beginning),
                mib(growth.end),
                figure(growth.ratio()),
                mib(after.resident[node] as f64),
            );
        }
        for sample in curve.samples() {
            let nodes: Vec<String> = sample.resident.iter().map(|b| mib(*b as f64)).collect();
            let _ = writeln!(text, "{:>8.0} s  {}", sample.seconds, nodes.join("  "));
        }
        for complaint in soak.ledger.complaints() {
            let _ = writeln!(text, "BROKEN: {complaint}");
        }
        let json = json!({
            "machine": machine(),
            "seconds": soak.settings.duration.as_secs_f64(),
            "rate": rate,
            "counts": numbers.into_iter().map(|(name, number)| (name.to_owned(), json!(number))).collect::<serde_json::Map<_, _>>(),
            "growth": growth,
            "before": before,
            "after": after,
            "resident": curve.samples(),
            "broken": soak.ledger.complaints(),
        });
        let broken = counts.broken.load(Relaxed);
        if broken > 0 {
            let folder = folder();
            let kept = fs::create_dir_all(&folder).map_err(Into::into);
            if let Err(error) = kept.and_then(|()| soak.cluster.keep_logs(Path::new(&folder))) {
                eprintln!("the nodes' logs are not kept: {error}");
            }
        }
        Self { text, json, broken }
    }

    /// Prints and keeps it.
    ///
    /// # Errors
    /// If a promise was broken, or it can't be kept.
    pub(crate) fn write(self) -> Outcome<()> {
        println!("{}", self.text);
        let folder = folder();
        fs::create_dir_all(&folder)?;
        fs::write(format!("{folder}/report.txt"), &self.text)?;
        fs::write(
            format!("{folder}/report.json"),
            serde_json::to_vec_pretty(&self.json)?,
        )?;
        match self.broken {
            0 => Ok(()),
            broken => Err(format!("{broken} promises were broken: see {folder}").into()),
        }
    }
}

fn folder() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/soak").to_owned()
}
