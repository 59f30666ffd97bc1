use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Where a JWK set (RFC 7517) is: an `https:` or `http:` URL without
/// credentials, or `file:` with an absolute path of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JwksUrl(Url);

/// Why a text is no [`JwksUrl`]. Doesn't repeat it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksUrlError {
    /// Not a URL, or not of a scheme that is fetched.
    #[error(
        "expected a URL like https://auth.example.com/.well-known/jwks.json or \
         file:///run/keys/jwks.json"
    )]
    NotAUrl,
    /// Public keys are given to everybody.
    #[error("a URL of public keys has no user name and password")]
    Credentials,
}

impl JwksUrl {
    /// Takes a URL.
    ///
    /// # Errors
    /// [`JwksUrlError`]
    pub fn parse(text: &str) -> Result<Self, JwksUrlError> {
        let url = Url::parse(text).map_err(|_| JwksUrlError::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(JwksUrlError::Credentials);
        }
        let url = Self(url);
        match url.0.scheme() {
            "http" | "https" => Ok(url),
            "file" if url.file().is_some() => Ok(url),
            _ => Err(JwksUrlError::NotAUrl),
        }
    }

    /// The URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The file, if it is one of this machine.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match self.0.scheme() {
            "file" => self.0.to_file_path().ok(),
            _ => None,
        }
    }
}

/// Whether another machine is spoken to without TLS.
pub(super) fn is_plain_remote(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    url.scheme() == "http" && !loopback
}

impl TryFrom<String> for JwksUrl {
    type Error = JwksUrlError;

    fn try_from(text: String) -> Result<Self, JwksUrlError> {
        Self::parse(&text)
    }
}

impl From<JwksUrl> for String {
    fn from(url: JwksUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
