use std::path::PathBuf;

use figment::value::Dict;
use serde::{Deserialize, Serialize};

use super::{
    bounds::Bounds,
    kind::{Kind, Settings},
};

/// A store in one SQLite file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sqlite {
    /// The file; a relative path is relative to the working folder.
    pub path: PathBuf,
}

pub(super) const KIND: Kind = Kind {
    variable: Some("DATABASE_URL"),
    schemes: &["sqlite"],
    example: "sqlite:data/accounts.db",
    read_url,
    ..Kind::of::<Sqlite>("store", "sqlite", &["path"])
};

fn read_url(url: &str) -> Result<Dict, &'static str> {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest);
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err("the path is missing, as in sqlite:data/accounts.db");
    }
    if path.starts_with(":memory:") {
        return Err("accounts have to outlive the process: name a file");
    }
    if path.contains('?') {
        return Err("a SQLite URL takes no parameters here: leave out what follows `?`");
    }
    Ok(Dict::from([("path".to_owned(), path.into())]))
}

impl Settings for Sqlite {
    fn check(&self, bounds: &mut Bounds) {
        bounds.require(
            "store.path",
            !self.path.as_os_str().is_empty(),
            "a file's path is missing",
        );
    }
}
