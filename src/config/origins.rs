//! Which web pages may call: an allow-list of exact origins.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

/// Web pages that may call, by origin (RFC 6454): scheme, host and port, all
/// equal. No patterns; `*` alone stands for any page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigins {
    any: bool,
    // In the ASCII serialization of RFC 6454, section 6.2, which is what
    // browsers send.
    exact: BTreeSet<String>,
}

impl AllowedOrigins {
    /// Reads a list of origins.
    ///
    /// # Errors
    /// Every entry that is not an origin, and why.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginErrors> {
        let mut origins = Self {
            any: false,
            exact: BTreeSet::new(),
        };
        let mut errors = Vec::new();
        for entry in entries {
            if entry == "*" {
                origins.any = true;
                continue;
            }
            match canonical(entry) {
                Ok(origin) => {
                    origins.exact.insert(origin);
                }
                Err(problem) => errors.push((entry.to_owned(), problem)),
            }
        }
        if errors.is_empty() {
            Ok(origins)
        } else {
            Err(OriginErrors(errors))
        }
    }

    /// Whether a page whose request has this `Origin` header may call.
    ///
    /// The header has to equal a listed origin's serialization byte for byte.
    /// A browser sends nothing else, and a comparison that parses nothing can
    /// be talked into nothing. `null`, which every sandboxed page sends, is
    /// refused even where any page is allowed.
    #[must_use]
    pub fn allows(&self, origin_header: &[u8]) -> bool {
        let Ok(origin) = std::str::from_utf8(origin_header) else {
            return false;
        };
        if self.any {
            return canonical(origin).is_ok_and(|canonical| canonical == origin);
        }
        self.exact.contains(origin)
    }

    /// Whether this `Origin` header is that of a page from where this `Host`
    /// header leads: the same host and port, by `http` or `https`, since behind
    /// a proxy a service doesn't see which of them the browser speaks.
    ///
    /// The host is parsed, and the origin has to equal what comes of it byte
    /// for byte, as in [`Self::allows`].
    #[must_use]
    pub fn is_of_host(origin_header: &[u8], host_header: &[u8]) -> bool {
        let (Ok(origin), Ok(host)) = (
            std::str::from_utf8(origin_header),
            std::str::from_utf8(host_header),
        ) else {
            return false;
        };
        let Some((scheme @ ("http" | "https"), _)) = origin.split_once("://") else {
            return false;
        };
        canonical(&format!("{scheme}://{host}")).is_ok_and(|canonical| canonical == origin)
    }

    /// Whether any page may call.
    #[must_use]
    pub fn any(&self) -> bool {
        self.any
    }

    /// The listed origins, serialized as browsers send them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.exact.iter().map(String::as_str)
    }

    /// The listed origins that traffic reaches over a network without TLS.
    pub(super) fn plain_remote(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|origin| {
            Url::parse(origin).is_ok_and(|url| {
                url.scheme() == "http"
                    && match url.host() {
                        Some(url::Host::Domain(name)) => {
                            name != "localhost" && !name.ends_with(".localhost")
                        }
                        Some(url::Host::Ipv4(ip)) => !ip.is_loopback(),
                        Some(url::Host::Ipv6(ip)) => !ip.is_loopback(),
                        None => true,
                    }
            })
        })
    }
}

/// An origin's serialization: scheme and host in lower case, the port unless
/// it is the scheme's own.
fn canonical(text: &str) -> Result<String, &'static str> {
    if text == "null" {
        return Err("`null` is every sandboxed page");
    }
    let Some((_, authority)) = text.split_once("://") else {
        return Err("an origin is written like https://example.com:8443");
    };
    // The URL parser repairs what it can: it drops tabs and newlines, decodes
    // `%`, takes `\` for `/`. Here all of that is a mistake, or an attempt.
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) || text.contains(['%', '\\']) {
        return Err("an origin has no spaces, `%` or `\\`");
    }
    if authority.contains('*') {
        return Err("an origin is exact: `*` stands alone or not at all");
    }
    if authority.contains('@') {
        return Err("an origin has no user name");
    }
    if authority.contains(['/', '?', '#']) {
        return Err("an origin ends after its host or port, without even a `/`");
    }
    if authority.ends_with(':') {
        return Err("the port is missing after `:`");
    }
    let url = Url::parse(text).map_err(|_| "scheme, host or port is not valid")?;
    if matches!(url.scheme(), "ws" | "wss" | "ftp" | "file") {
        return Err("a page's origin is http or https, for a WebSocket too");
    }
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or("the host is missing")?
        // Of a scheme that it doesn't know the URL parser keeps the case.
        .to_ascii_lowercase();
    Ok(match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    })
}

/// The entries of a list that are not origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginErrors(Vec<(String, &'static str)>);

impl fmt::Display for OriginErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (entry, problem)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            // Before `@` there may be a password.
            let entry = entry
                .rsplit_once('@')
                .map_or(entry.as_str(), |(_, host)| host);
            write!(f, "{entry:?}: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for OriginErrors {}

impl<'de> Deserialize<'de> for AllowedOrigins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<String>::deserialize(deserializer)?;
        Self::parse(entries.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}

impl Serialize for AllowedOrigins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.any.then_some("*").into_iter().chain(self.iter()))
    }
}

#[cfg(test)]
mod tests;
