//! All servers in one table, to be looked at from one's own.

use crate::harness::load::Report;
use crate::harness::table::{Table, figure, with_unit};
use crate::subject::Subject;
use crate::traffic::Rounds;

/// A row for each server, a column for each thing that was measured.
pub(crate) struct Peers {
    subjects: Vec<Subject>,
    columns: Vec<(String, Vec<String>)>,
    /// Deliveries a second that were asked for.
    fixed_rate: f64,
}

impl Peers {
    /// A row for each of them.
    pub(crate) fn new(subjects: &[Subject]) -> Self {
        Self {
            subjects: subjects.to_vec(),
            columns: Vec::new(),
            fixed_rate: f64::NAN,
        }
    }

    /// Sets a cell; the column is made if it is missing.
    pub(crate) fn cell(&mut self, subject: Subject, column: &str, text: String) {
        let Some(row) = self.subjects.iter().position(|&s| s == subject) else {
            return;
        };
        if !self.columns.iter().any(|(name, _)| name == column) {
            let empty = vec!["-".to_owned(); self.subjects.len()];
            self.columns.push((column.to_owned(), empty));
        }
        for (name, cells) in &mut self.columns {
            if name == column {
                cells[row].clone_from(&text);
            }
        }
    }

    /// A column of CPU per delivery.
    pub(crate) fn cpu(&mut self, rounds: &Rounds<'_>, column: &str) {
        for (subject, _) in &rounds.subjects {
            let cpu = rounds.median_of(*subject, Report::cpu_per_delivery);
            self.cell(*subject, column, with_unit(cpu, "µs"));
        }
    }

    /// Columns of a fixed rate: what arrived of the `asked` deliveries a second,
    /// and when.
    pub(crate) fn steady(&mut self, rounds: &Rounds<'_>, asked: f64) {
        for (subject, _) in &rounds.subjects {
            let milliseconds = |what| with_unit(rounds.median_of(*subject, what) / 1000.0, "ms");
            let share = rounds.median_of(*subject, Report::rate) / asked * 100.0;
            self.cell(*subject, "fixed rate: carried", with_unit(share, "%"));
            self.cell(*subject, "p50", milliseconds(|r| r.p50));
            self.cell(*subject, "p99", milliseconds(|r| r.p99));
        }
        self.fixed_rate = asked;
    }

    /// Prints it, if anything of it was measured.
    pub(crate) fn print(&self) {
        if self.columns.is_empty() {
            return;
        }
        let mut headings = vec!["server"];
        headings.extend(self.columns.iter().map(|(name, _)| name.as_str()));
        let mut table = Table::new(&headings);
        for (row, subject) in self.subjects.iter().enumerate() {
            let mut cells = vec![subject.name().to_owned()];
            cells.extend(self.columns.iter().map(|(_, cells)| cells[row].clone()));
            table.row_of(cells);
        }
        table.print(&format!(
            "every server: CPU per delivery of 128 bytes, latency at {} deliveries a second",
            figure(self.fixed_rate)
        ));
    }
}
