//! Who but its owner can read or change a file of keys.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    keys::KeyError,
    keys_dir::{REFRESH, pem_paths},
};

/// The group reads it.
const GROUP_READS: u32 = 0o040;

/// Everybody reads it, or others change it.
const GRAVE: u32 = 0o026;

/// A file of keys that is not for its owner alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}` is not for its owner alone (mode {mode:04o}): {}; `chmod 600` it",
    if self.is_grave() {
        "everybody on this machine can read it, or others can change it"
    } else {
        "its group can read it, which only some platforms need"
    }
)]
pub struct Exposure {
    /// The file.
    pub path: PathBuf,
    /// Its permissions.
    pub mode: u32,
}

impl Exposure {
    /// Whether everybody can read it, or others can change it. That its group
    /// reads it is how Kubernetes hands secrets to a process that isn't root.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        self.mode & GRAVE != 0
    }

    /// The exposure of a file, if it has one; none where files have no modes.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let mode = mode(&fs::metadata(path).ok()?);
        (mode & (GRAVE | GROUP_READS) != 0).then(|| Self {
            path: path.to_owned(),
            mode,
        })
    }

    /// The files of a folder of keys that are not for their owner alone.
    ///
    /// # Errors
    /// [`KeyError::File`] if the folder can't be read.
    pub fn in_dir(dir: &Path) -> Result<Vec<Self>, KeyError> {
        let mut files = pem_paths(dir)?;
        files.push(dir.join(REFRESH));
        Ok(files.iter().filter_map(|path| Self::of(path)).collect())
    }
}

#[cfg(unix)]
fn mode(file: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}
