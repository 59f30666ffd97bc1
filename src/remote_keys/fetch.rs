//! One fetch of a JWK set, bounded in size and time.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::PathBuf,
    time::Duration,
};

use reqwest::{Client, StatusCode, Url, redirect::Policy};
use tokio::task::spawn_blocking;

use crate::{
    accounts::tokens::{Jwks, JwksError},
    config::JwksUrl,
};

/// Largest document, in bytes: some 300 keys.
const MAX_BYTES: usize = 64 * 1024;

/// Longest that a fetch from another machine may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why a fetch gave no keys.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It can't be fetched.
    #[error("it can't be fetched")]
    Request(#[source] reqwest::Error),
    /// The answer is none with a document; a redirect is not followed.
    #[error("the answer is {0}, not 200 OK")]
    Status(StatusCode),
    /// The file can't be read.
    #[error("it can't be read")]
    File(#[source] io::Error),
    /// Larger than 64 KiB.
    #[error("it is larger than {} KiB", MAX_BYTES / 1024)]
    TooLarge,
    /// Not what it should be.
    #[error(transparent)]
    Document(#[from] JwksError),
}

impl FetchError {
    /// Whether it may go well soon: the other side may be starting, too.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Request(error) => !error.is_builder(),
            Self::Status(status) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::File(_) => true,
            Self::TooLarge | Self::Document(_) => false,
        }
    }
}

/// Where a document is.
#[derive(Debug)]
pub(super) enum Origin {
    File(PathBuf),
    Http { client: Client, url: Url },
}

impl Origin {
    pub(super) fn new(url: &JwksUrl) -> Result<Self, FetchError> {
        if let Some(path) = url.file() {
            return Ok(Self::File(path));
        }
        let url = url.as_url().clone();
        let mut builder = Client::builder()
            .timeout(TIMEOUT)
            // A redirect may lead away from TLS.
            .redirect(Policy::none())
            // What isn't in the configuration must not choose who is believed.
            .no_proxy();
        if url.scheme() == "http" {
            // Without TLS, nothing of the machine's certificates is needed.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(FetchError::Request)?;
        Ok(Self::Http { client, url })
    }

    pub(super) async fn fetch(&self) -> Result<Jwks, FetchError> {
        let document = match self {
            Self::Http { client, url } => get(client, url).await?,
            Self::File(path) => {
                let path = path.clone();
                let read = spawn_blocking(move || read(path)).await;
                read.map_err(|panicked| FetchError::File(panicked.into()))??
            }
        };
        Ok(Jwks::parse(&document)?)
    }
}

async fn get(client: &Client, url: &Url) -> Result<Vec<u8>, FetchError> {
    let failed = |error: reqwest::Error| FetchError::Request(error.without_url());
    let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status(answer.status()));
    }
    let mut document = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if document.len() + chunk.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

fn read(path: PathBuf) -> Result<Vec<u8>, FetchError> {
    let mut document = Vec::new();
    let kind = fs::metadata(&path).map_err(FetchError::File)?;
    if !kind.is_file() {
        // A pipe would keep the reader, and the process from ending.
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(FetchError::File(error));
    }
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut document))
        .map_err(FetchError::File)?;
    if document.len() > MAX_BYTES {
        return Err(FetchError::TooLarge);
    }
    Ok(document)
}
