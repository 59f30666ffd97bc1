//! Files of text that somebody names.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Largest file that is read, in bytes: ample for a configuration or a secret,
/// and an end for `/dev/zero`.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads a file of UTF-8.
///
/// # Errors
/// What the system says; or the file is larger than 64 KiB, or not UTF-8.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 64 KiB",
        ));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}
