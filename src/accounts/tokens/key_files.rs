//! The signing keys of a folder, as operators see them: list, and retire.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use contract::Timestamp;
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};

use super::{
    exposure::Exposure,
    keys::{KeyError, KeyPair},
    keys_dir::{self, MADE_AT},
};

/// A file of the folder that should hold a signing key.
#[derive(Debug)]
pub struct KeyFile {
    /// Which file.
    pub path: PathBuf,
    /// When the key was made, by the file's name; else when the file was last
    /// changed.
    pub made_at: Option<Timestamp>,
    /// The key's id, or why there is none.
    pub kid: Result<String, KeyError>,
    /// Whether it signs; the others verify what they have signed.
    pub signs: bool,
    /// Who else can read or change the file.
    pub exposure: Option<Exposure>,
}

/// Why a key was not retired; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// The folder or a key in it can't be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No key of that id.
    #[error("there is no key {kid} in `{dir}`; `keys list` shows those that are there")]
    NoSuchKey {
        /// What was asked for.
        kid: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The key signs.
    #[error(
        "{kid} is the key that signs: make another with `keys new`, start the nodes again, and \
         retire this one when its tokens have expired"
    )]
    Signs {
        /// The key.
        kid: String,
    },
    /// Tokens that the key has signed may still be valid.
    #[error(
        "tokens that {kid} has signed may be valid until {until}: retire it then; or at once, with \
         --now, if somebody else has the key: whoever holds such a token refreshes it"
    )]
    TooEarly {
        /// The key.
        kid: String,
        /// The earliest time at which they have all expired.
        until: Timestamp,
    },
}

/// The keys of a folder, the oldest first; none if there is no folder. A key
/// that can't be read is among them, with the reason.
///
/// # Errors
/// [`KeyError::File`] if the folder can't be read.
pub fn list(dir: &Path) -> Result<Vec<KeyFile>, KeyError> {
    let mut files = Vec::new();
    for path in keys_dir::pem_paths(dir)? {
        let file = keys_dir::read_pem(path.clone());
        files.push(KeyFile {
            made_at: made_at(&path),
            kid: file.and_then(|file| Ok(KeyPair::from_pem(&file)?.kid)),
            signs: false,
            exposure: Exposure::of(&path),
            path,
        });
    }
    if let Some(newest) = files.last_mut() {
        newest.signs = true;
    }
    Ok(files)
}

/// Removes a key that doesn't sign any more: from their next start on nodes
/// don't verify with it. Returns its file.
///
/// A key stops signing when the nodes are started again after the next newer
/// one was made; `longest` later, an access token's life with its leeways, no
/// token of it is valid. Before that it is removed only `at_once`.
///
/// # Errors
/// [`RetireError`]
pub fn retire(
    dir: &Path,
    kid: &str,
    longest: Duration,
    at_once: bool,
    now: Timestamp,
) -> Result<PathBuf, RetireError> {
    let files = list(dir)?;
    let position = files
        .iter()
        .position(|file| file.kid.as_ref().is_ok_and(|found| found == kid));
    let (Some(file), next) = (
        position.and_then(|at| files.get(at)),
        position.and_then(|at| files.get(at + 1)),
    ) else {
        return Err(RetireError::NoSuchKey {
            kid: kid.to_owned(),
            dir: dir.to_owned(),
        });
    };
    let Some(next) = next else {
        return Err(RetireError::Signs {
            kid: kid.to_owned(),
        });
    };
    let longest = SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX);
    let superseded = next.made_at.unwrap_or(now);
    let until = superseded.saturating_add(longest).unwrap_or(Timestamp::MAX);
    if now < until && !at_once {
        return Err(RetireError::TooEarly {
            kid: kid.to_owned(),
            until,
        });
    }
    let failed = |source| KeyError::File {
        action: "remove",
        path: file.path.clone(),
        source,
    };
    fs::remove_file(&file.path).map_err(failed)?;
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed)?;
    Ok(file.path.clone())
}

fn made_at(path: &Path) -> Option<Timestamp> {
    let name = path.file_stem().and_then(|name| name.to_str());
    let named = name
        .and_then(|name| DateTime::strptime(MADE_AT, name).ok())
        .and_then(|time| time.to_zoned(TimeZone::UTC).ok())
        .map(|time| time.timestamp());
    named.or_else(|| {
        let changed = fs::metadata(path).and_then(|file| file.modified());
        Timestamp::try_from(changed.ok()?).ok()
    })
}
