//! Both databases have the same migrations: what is added to one, and not to
//! the other, is missed by those who chose that.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{collections::BTreeMap, fs};

/// From this number on a migration has the same number in both.
const IN_STEP_FROM: u32 = 6;

/// What came before that only one database needed.
const SQLITE_ALONE: &str = "ended_sessions";

/// Names of migrations by their numbers.
fn migrations(database: &str) -> BTreeMap<u32, String> {
    let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(folder).unwrap().map(|file| {
        let file = file.unwrap().file_name().into_string().unwrap();
        let (number, name) = file.strip_suffix(".sql").unwrap().split_once('_').unwrap();
        assert_eq!(number.len(), 4, "{file}");
        (number.parse().unwrap(), name.to_owned())
    });
    let files: Vec<_> = files.collect();
    let migrations: BTreeMap<_, _> = files.iter().cloned().collect();
    assert_eq!(migrations.len(), files.len(), "a number twice in {files:?}");
    migrations
}

#[test]
fn both_databases_have_the_same() {
    let mut sqlite = migrations("sqlite");
    let mut postgres = migrations("postgres");
    let later = sqlite.split_off(&IN_STEP_FROM);
    assert_eq!(later, postgres.split_off(&IN_STEP_FROM));
    sqlite.retain(|_, name| name != SQLITE_ALONE);
    assert!(sqlite.values().eq(postgres.values()));
}
