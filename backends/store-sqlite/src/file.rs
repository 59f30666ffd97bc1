//! The data file: its folder, its mode. It holds password hashes, so only the
//! account that runs the service may read it.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use crate::error::OpenError;

/// Makes the file (mode 0600) and the folders above it (0700) if they aren't
/// there; what is there keeps its mode. SQLite gives the WAL the mode of the file.
pub(crate) fn make(path: &Path) -> Result<(), OpenError> {
    if path.exists() {
        return Ok(());
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Make { path, source }
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    make_folder(folder).map_err(failed(folder))?;
    make_file(path)
        .and_then(|()| sync_folder(folder))
        .map_err(failed(path))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    match builder.create(folder) {
        // Another process that starts at the same time was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => folder.parent().map_or(Ok(()), sync_folder),
    }
}

fn make_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).map(drop)
}

/// Makes a new name in `folder` durable. SQLite does so for the files that it
/// makes itself, and it does not make this one.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
