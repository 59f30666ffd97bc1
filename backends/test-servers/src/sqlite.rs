use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::place::Store;

/// A database file.
#[derive(Debug)]
struct File(PathBuf);

pub(crate) fn store(folder: &Path) -> Box<dyn Store> {
    Box::new(File(folder.join("accounts.db")))
}

impl Store for File {
    fn url(&self) -> String {
        format!("sqlite:{}", self.0.display())
    }

    /// The file, and its write-ahead log.
    fn accounts(&self) -> String {
        ["", "-wal"]
            .iter()
            .filter_map(|suffix| fs::read(format!("{}{suffix}", self.0.display())).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }
}
