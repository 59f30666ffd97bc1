//! The text format of OpenMetrics, read strictly.

use std::collections::{BTreeMap, BTreeSet};

/// A metric family: what it is, and its samples.
#[derive(Debug)]
pub struct Family {
    pub name: String,
    pub kind: String,
    pub help: String,
    pub samples: Vec<Sample>,
}

#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// All that a node says.
#[derive(Debug)]
pub struct Exposition {
    pub families: Vec<Family>,
}

impl Exposition {
    /// Reads it; panics where it is not well-formed.
    pub fn parse(text: &str) -> Self {
        let mut families = Vec::<Family>::new();
        let mut seen = BTreeSet::new();
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(is_name(name), "{name}");
                assert!(
                    !families.iter().any(|family| family.name == name),
                    "{name} twice"
                );
                families.push(Family {
                    name: name.to_owned(),
                    kind: String::new(),
                    help: help.to_owned(),
                    samples: Vec::new(),
                });
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let family = families.last_mut().unwrap();
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(family.name, name);
                family.kind = kind.to_owned();
            } else {
                let sample = Sample::parse(line);
                let family = families.last_mut().unwrap();
                assert!(family.has(&sample.name), "{line} in {}", family.name);
                assert!(seen.insert(sample.series()), "{line} twice");
                family.samples.push(sample);
            }
        }
        Self { families }
    }

    /// The samples of that name and of these labels, added up; `None` if there
    /// is none.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        let found = samples.filter(|sample| {
            let has =
                |(name, value): &(&str, &str)| sample.labels.get(*name).is_some_and(|l| l == value);
            sample.name == name && labels.iter().all(has)
        });
        found
            .map(|sample| sample.value)
            .reduce(|sum, value| sum + value)
    }

    /// The same, where there is one.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found = self.get(name, labels);
        found.unwrap_or_else(|| panic!("there is no {name} {labels:?}"))
    }

    /// Every series: its name and its labels.
    pub fn series(&self) -> BTreeSet<String> {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        samples.map(Sample::series).collect()
    }
}

impl Family {
    fn has(&self, sample: &str) -> bool {
        let suffixes: &[&str] = match &*self.kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            kind => panic!("{kind} is no type"),
        };
        let suffix = sample.strip_prefix(&*self.name);
        suffix.is_some_and(|suffix| suffixes.contains(&suffix))
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
            None => (series, ""),
        };
        assert!(is_name(name), "{name}");
        let labels = labels.split_terminator("\",").map(|label| {
            let (name, value) = label.split_once("=\"").unwrap();
            assert!(is_name(name), "{name}");
            (name.to_owned(), value.trim_end_matches('"').to_owned())
        });
        let labels = labels.collect();
        Self {
            name: name.to_owned(),
            labels,
            value: value.parse().unwrap(),
        }
    }

    fn series(&self) -> String {
        format!("{}{:?}", self.name, self.labels)
    }
}

/// The conventions of Prometheus: lower case, no colon.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
