use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which store keeps accounts and sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Store {
    /// One SQLite file.
    Sqlite {
        /// The file; a relative path is relative to the working folder.
        path: PathBuf,
    },
}

impl Store {
    /// Every kind that this build has, by the scheme of its `DATABASE_URL`.
    pub const KINDS: &[&str] = &["sqlite"];
}

/// What carries messages between sockets.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Bus {
    /// Inside this process.
    Memory {
        /// Messages that a listener may fall behind before it misses some;
        /// 1 to 65,536. A room costs about 70 bytes for each.
        capacity: usize,
    },
}

impl Bus {
    /// Every kind that this build has.
    pub const KINDS: &[&str] = &["memory"];
}
