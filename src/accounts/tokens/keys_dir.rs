//! A folder of keys: `*.pem` with Ed25519 private keys, of which the last by
//! name signs, and `refresh.key` with the secret of refresh tokens.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use aws_lc_rs::{rand::SystemRandom, signature::Ed25519KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{
    keys::{KeyError, KeyPair, KeyRing, PemFile, RefreshSecret},
    verification::{KeySet, VerificationKeys},
};

/// The file that refresh tokens are derived from.
pub(super) const REFRESH: &str = "refresh.key";

/// How files of keys are named: by when the key was made, so that names are in
/// the order of keys.
pub(super) const MADE_AT: &str = "%Y%m%dT%H%M%S.%3fZ";

impl KeyRing {
    /// The keys of a folder.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::NoKey`] if there is none.
    pub fn from_dir(dir: &Path) -> Result<Self, KeyError> {
        let no_key = || KeyError::NoKey { path: dir.into() };
        let pems = read_pems(dir)?;
        if pems.is_empty() {
            return Err(no_key());
        }
        let path = dir.join(REFRESH);
        let encoded = Zeroizing::new(match read(&path) {
            Ok(encoded) => encoded,
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(KeyError::NoRefreshSecret { path });
            }
            Err(error) => return Err(error),
        });
        let mut secret = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(encoded.trim_ascii(), secret.as_mut()) {
            Ok(32) => {}
            _ => return Err(KeyError::NotASecret { path }),
        }
        Self::from_ed25519(pems, RefreshSecret::new(secret.as_ref()))?.ok_or_else(no_key)
    }

    /// Makes a signing key in a folder, newer than those that are there, and
    /// the refresh secret if there is none yet. Returns the key's file.
    ///
    /// # Errors
    /// [`KeyError`]; an existing file is never overwritten.
    pub fn make_in_dir(dir: &Path, now: jiff::Timestamp) -> Result<PathBuf, KeyError> {
        let file = |action, path: &Path, source| KeyError::File {
            action,
            path: path.into(),
            source,
        };
        make_private_dir(dir).map_err(|source| file("make", dir, source))?;

        let secret = dir.join(REFRESH);
        if !secret.exists() {
            let mut bytes = Zeroizing::new([0u8; 32]);
            aws_lc_rs::rand::fill(bytes.as_mut()).map_err(|_| KeyError::Crypto)?;
            let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
            write_new(&secret, encoded.as_bytes())
                .map_err(|source| file("write", &secret, source))?;
        }

        let der =
            Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(|_| KeyError::Crypto)?;
        let pem = Zeroizing::new(pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref())));
        let path = dir.join(format!("{}.pem", now.strftime(MADE_AT)));
        write_new(&path, pem.as_bytes()).map_err(|source| file("write", &path, source))?;
        Ok(path)
    }
}

impl VerificationKeys {
    /// The public halves of a folder's keys.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::NoVerificationKey`] if there is none.
    pub fn from_dir(dir: &Path) -> Result<Self, KeyError> {
        let mut keys = KeySet::default();
        for file in read_pems(dir)? {
            let pair = KeyPair::from_pem(&file)?;
            keys.insert(pair.kid, pair.verification);
        }
        if keys.is_empty() {
            return Err(KeyError::NoVerificationKey { path: dir.into() });
        }
        Ok(Self::new(keys))
    }
}

/// The keys of a folder, by the names of their files.
fn read_pems(dir: &Path) -> Result<Vec<PemFile>, KeyError> {
    pem_paths(dir)?.into_iter().map(read_pem).collect()
}

/// A key's file.
pub(super) fn read_pem(path: PathBuf) -> Result<PemFile, KeyError> {
    let pem = Zeroizing::new(read(&path)?);
    Ok(PemFile { path, pem })
}

/// The `*.pem` of a folder, by name; none if there is no folder.
pub(super) fn pem_paths(dir: &Path) -> Result<Vec<PathBuf>, KeyError> {
    let bad = |source| KeyError::File {
        action: "read",
        path: dir.into(),
        source,
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(bad(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(bad)?.path();
        if path.extension().is_some_and(|ext| ext == "pem") {
            names.push(path);
        }
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    fs::read(path).map_err(|source| KeyError::File {
        action: "read",
        path: path.into(),
        source,
    })
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Whole or not at all, even at a loss of power: a half-written key would stop
/// the next start.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = path.with_extension("new");
    match fs::remove_file(&written) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = options.open(&written)?;
    file.write_all(content)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    // A hard link fails where the name is taken; a rename would overwrite.
    fs::hard_link(&written, path)?;
    fs::remove_file(&written)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
