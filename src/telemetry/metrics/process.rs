//! What the system says of the process, under the names that every program has
//! for it. On Linux alone; elsewhere there is nothing of it.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Process));
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for figure in figures() {
            let (name, help) = (figure.name, figure.help);
            if figure.grows {
                let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
                ConstCounter::new(figure.number).encode(metric)?;
            } else {
                let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                ConstGauge::new(figure.number).encode(metric)?;
            }
        }
        Ok(())
    }
}

struct Figure {
    name: &'static str,
    help: &'static str,
    grows: bool,
    number: f64,
}

/// What can be found out.
fn figures() -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |name, help, number: Option<f64>| {
        figures.extend(number.map(|number| Figure {
            name,
            help,
            grows: name == "process_cpu_seconds",
            number,
        }));
    };
    let stat = fs::read_to_string("/proc/self/stat").ok();
    let stat = stat.as_deref().and_then(Stat::parse);
    let of = |look: fn(&Stat) -> f64| stat.as_ref().map(look);
    add(
        "process_cpu_seconds",
        "Time of the processors, of the system included.",
        of(|stat| stat.cpu_seconds),
    );
    add(
        "process_resident_memory_bytes",
        "Memory that is in use.",
        of(|stat| stat.resident_bytes),
    );
    add(
        "process_virtual_memory_bytes",
        "Addresses that are in use.",
        of(|stat| stat.virtual_bytes),
    );
    add("process_threads", "Threads.", of(|stat| stat.threads));
    let booted = fs::read_to_string("/proc/stat").ok();
    let booted = booted.as_deref().and_then(boot_time);
    add(
        "process_start_time_seconds",
        "When it was started, as seconds since 1970.",
        of(|stat| stat.started_after)
            .zip(booted)
            .map(|(after, booted)| booted + after),
    );
    let open = fs::read_dir("/proc/self/fd").ok();
    add(
        "process_open_fds",
        "Open file descriptors: one for each connection, and some.",
        // The one that reads them is among them.
        open.map(|open| open.count().saturating_sub(1) as f64),
    );
    let most = getrlimit(Resource::Nofile).current;
    add(
        "process_max_fds",
        "File descriptors that there may be.",
        most.map(|most| most as f64),
    );
    figures
}

/// What `/proc/self/stat` says (proc_pid_stat(5)).
struct Stat {
    cpu_seconds: f64,
    threads: f64,
    /// Seconds since the system's start.
    started_after: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the program's name, with whatever is in it.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of these is the third of all.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let ticks = clock_ticks_per_second() as f64;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            threads: field(20)?,
            started_after: field(22)? / ticks,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * page_size() as f64,
        })
    }
}

/// When the system was started, as seconds since 1970.
fn boot_time(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_anything_in_it_is_skipped() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 12 0 100 \
                    4096000 25 18446744073709551615";
        let stat = Stat::parse(text).unwrap();
        let ticks = clock_ticks_per_second() as f64;
        assert_eq!(stat.cpu_seconds, 200.0 / ticks);
        assert_eq!(stat.threads, 12.0);
        assert_eq!(stat.started_after, 100.0 / ticks);
        assert_eq!(stat.virtual_bytes, 4_096_000.0);
        assert_eq!(stat.resident_bytes, 25.0 * page_size() as f64);
    }

    #[test]
    fn what_is_no_stat_says_nothing() {
        for text in ["", "7 (a", "7 (a) S 1", "7 (a) S x x x x x x x x x x x x"] {
            assert!(Stat::parse(text).is_none(), "{text}");
        }
    }
}
