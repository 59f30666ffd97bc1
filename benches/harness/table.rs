//! Aligned columns, the machine, the goals.

use std::fs;

use super::{cores, record};

/// Rows of text, printed in columns.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|&h| h.to_owned()).collect()],
        }
    }

    /// The table of results: what was measured, the service's figure, the
    /// limit's (or the rival's), their ratio, and the ratio or figure to reach.
    pub(crate) fn of_results() -> Self {
        Self::new(&["figure", "service", "limit", "ratio", "goal"])
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Adds a row of as many cells as there are headings.
    pub(crate) fn row_of(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Adds rows.
    pub(crate) fn rows<const N: usize, const M: usize>(&mut self, rows: [[String; N]; M]) {
        self.rows.extend(rows.map(Vec::from));
    }

    /// Adds rows, as many as there are.
    pub(crate) fn rows_of<const N: usize>(&mut self, rows: Vec<[String; N]>) {
        self.rows.extend(rows.into_iter().map(Vec::from));
    }

    /// Prints it, the first column to the left and the others to the right, and
    /// keeps it for the report.
    pub(crate) fn print(&self, title: &str) {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns)
            .map(|c| {
                let cells = self.rows.iter().filter_map(|row| row.get(c));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        println!("\n{title}");
        for (r, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (c, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if c == 0 {
                    line.push_str(&format!("{cell:<width$}"));
                } else {
                    line.push_str(&format!("  {cell:>width$}"));
                }
            }
            println!("{line}");
            if r == 0 {
                println!("{}", "-".repeat(line.chars().count()));
            }
        }
        if let Err(error) = record::table(title, &self.rows) {
            eprintln!("{title}: this table will be missing in the report: {error}");
        }
    }
}

/// A number with three significant digits.
pub(crate) fn figure(value: f64) -> String {
    if value.is_nan() {
        return "-".to_owned();
    }
    let whole = value.abs().max(f64::MIN_POSITIVE).log10().floor();
    let decimals = (2.0 - whole).clamp(0.0, 4.0);
    // Between 0 and 4 by the line above.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let decimals = decimals as usize;
    format!("{value:.decimals$}")
}

/// A number with its unit.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", figure(value))
}

/// Bytes as KiB.
pub(crate) fn kib(bytes: f64) -> String {
    with_unit(bytes / 1024.0, "KiB")
}

/// Bytes as MiB.
pub(crate) fn mib(bytes: f64) -> String {
    with_unit(bytes / 1024.0 / 1024.0, "MiB")
}

/// One line about the machine, since figures of two machines don't compare.
pub(crate) fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    format!(
        "{} cores, {model}, Linux {}, load {}",
        cores(),
        read("/proc/sys/kernel/osrelease").trim(),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    )
}
