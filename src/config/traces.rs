use std::fmt;

use axum::http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{bounds::Bounds, tokens::hide};

/// Traces, in OpenTelemetry's protocol (OTLP).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Where a collector takes them; `None` is nowhere, and nothing is recorded.
    pub endpoint: Option<CollectorUrl>,
    /// What the collector's requests carry, as `name=value,name=value` with
    /// percent-encoded values; [`Traces::headers`] reads it. Serializes as
    /// [`HIDDEN`](super::HIDDEN).
    #[serde(serialize_with = "hide")]
    pub headers: Option<SecretString>,
    /// The share of requests that are traced; 0 to 1.
    pub sample: f64,
    /// Whether the trace of a caller's `traceparent` is continued.
    pub trust_incoming: bool,
}

/// `traces.headers` can't be read. Doesn't repeat it: it is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected headers like `authorization=Bearer%20abc,x-scope=rooms`, with percent-encoded values"
)]
pub struct TraceHeadersError;

impl Traces {
    /// The headers of requests to the collector; their values are marked as
    /// sensitive.
    ///
    /// # Errors
    /// [`TraceHeadersError`]
    pub fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, TraceHeadersError> {
        let text = self.headers.as_ref().map(ExposeSecret::expose_secret);
        let entries = text.unwrap_or_default().split(',').map(str::trim);
        entries
            .filter(|entry| !entry.is_empty())
            .map(header)
            .collect()
    }

    pub(super) fn check(&self, bounds: &mut Bounds) {
        bounds.require(
            "traces.endpoint",
            self.endpoint.is_none() || cfg!(feature = "otel"),
            "this build has no traces: build it with `--features otel`, or leave this out",
        );
        if let Err(error) = self.headers() {
            bounds.refuse("traces.headers", error.to_string());
        }
        bounds.number("traces.sample", self.sample, 0.0..=1.0);
    }
}

fn header(entry: &str) -> Result<(HeaderName, HeaderValue), TraceHeadersError> {
    let (name, value) = entry.split_once('=').ok_or(TraceHeadersError)?;
    let value: Vec<u8> = percent_decode_str(value.trim()).collect();
    let name = HeaderName::try_from(name.trim()).map_err(|_| TraceHeadersError)?;
    let mut value = HeaderValue::try_from(value).map_err(|_| TraceHeadersError)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Where a collector takes traces: an `http:` or `https:` URL without
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CollectorUrl(Url);

/// Why a text is no [`CollectorUrl`]. Doesn't repeat it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CollectorUrlError {
    /// Not a URL, or not of a scheme that OTLP/HTTP has.
    #[error("expected a URL like http://127.0.0.1:4318/v1/traces")]
    NotAUrl,
    /// They would be shown with the configuration.
    #[error("a collector's URL has no user name and password; traces.headers has what is secret")]
    Credentials,
}

impl CollectorUrl {
    /// Takes a URL.
    ///
    /// # Errors
    /// [`CollectorUrlError`]
    pub fn parse(text: &str) -> Result<Self, CollectorUrlError> {
        let url = Url::parse(text).map_err(|_| CollectorUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(CollectorUrlError::NotAUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(CollectorUrlError::Credentials);
        }
        Ok(Self(url))
    }

    /// The URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for CollectorUrl {
    type Error = CollectorUrlError;

    fn try_from(text: String) -> Result<Self, CollectorUrlError> {
        Self::parse(&text)
    }
}

impl From<CollectorUrl> for String {
    fn from(url: CollectorUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
