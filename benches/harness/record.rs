//! What was printed, kept for the report of `make bench`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::Outcome;

/// The folder to write into, which is there. Without it nothing is kept.
const FOLDER: &str = "BENCH_RESULTS";

/// Appends a table, whose first row is its headings, to this bench's file.
pub(crate) fn table(title: &str, rows: &[Vec<String>]) -> Outcome<()> {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return Ok(());
    };
    let name = concat!(env!("CARGO_CRATE_NAME"), ".jsonl");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(Path::new(&folder).join(name))?;
    let line = serde_json::json!({ "title": title, "rows": rows });
    Ok(writeln!(file, "{line}")?)
}
