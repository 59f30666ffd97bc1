use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::{
    bounds::{Bounds, hours, mins, secs},
    duration,
    jwks_url::JwksUrl,
};

/// Access tokens (JWT) and refresh tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// The `iss` claim that is written and required; 1 to 256 bytes.
    pub issuer: String,
    /// The `aud` claim that is written and required; 1 to 256 bytes.
    pub audience: String,
    /// The key of HS256; `None` signs with Ed25519 from `key_dir`. Serializes
    /// as [`HIDDEN`].
    #[serde(serialize_with = "hide")]
    pub secret: Option<SecretString>,
    /// Another key of HS256 that verifies beside `secret`, and signs nothing.
    /// Serializes as [`HIDDEN`].
    #[serde(serialize_with = "hide")]
    pub previous_secret: Option<SecretString>,
    /// Folder of the Ed25519 keys; the newest signs.
    pub key_dir: PathBuf,
    /// Where a gateway alone gets the public keys of the auth nodes, if there
    /// is no `secret`; `None` takes the public halves of `key_dir`.
    pub jwks_url: Option<JwksUrl>,
    /// How long an access token is valid; 1 s to 24 h.
    #[serde(with = "duration")]
    pub access_ttl: Duration,
    /// How far clocks may differ; at most 60 s.
    #[serde(with = "duration")]
    pub leeway: Duration,
    /// A session ends when it isn't refreshed for this long; 1 min to
    /// `refresh_absolute_ttl`.
    #[serde(with = "duration")]
    pub refresh_idle_ttl: Duration,
    /// A session ends after this in any case; at most 3,650 days.
    #[serde(with = "duration")]
    pub refresh_absolute_ttl: Duration,
    /// How long the previous refresh token still gets the same child; at most
    /// 5 min, zero is never.
    #[serde(with = "duration")]
    pub refresh_grace: Duration,
}

/// What stands for a secret wherever the configuration is shown.
pub const HIDDEN: &str = "(hidden)";

pub(super) fn hide<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| HIDDEN).serialize(serializer)
}

/// Whether both are there, and equal.
fn same(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.zip(other)
        .is_some_and(|(one, other)| one.expose_secret() == other.expose_secret())
}

impl Tokens {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        for (key, name) in [
            ("tokens.issuer", &self.issuer),
            ("tokens.audience", &self.audience),
        ] {
            bounds.require(key, (1..=256).contains(&name.len()), "has 1 to 256 bytes");
        }
        bounds.require(
            "tokens.key_dir",
            !self.key_dir.as_os_str().is_empty(),
            "a folder's path is missing",
        );
        bounds.require(
            "tokens.secret",
            self.secret
                .as_ref()
                .is_none_or(|secret| !secret.expose_secret().is_empty()),
            "is empty; leave it out to sign with the keys of tokens.key_dir",
        );
        bounds.require(
            "tokens.previous_secret",
            self.previous_secret
                .as_ref()
                .is_none_or(|secret| !secret.expose_secret().is_empty()),
            "is empty; leave it out if there is no other secret",
        );
        bounds.together(
            "tokens.previous_secret",
            &["tokens.secret"],
            self.previous_secret.is_none() || self.secret.is_some(),
            "verifies beside another secret, and signs nothing: set",
        );
        bounds.together(
            "tokens.previous_secret",
            &["tokens.secret"],
            !same(self.secret.as_ref(), self.previous_secret.as_ref()),
            "is another secret, or left out; it is the same as",
        );
        bounds.duration("tokens.access_ttl", self.access_ttl, secs(1)..=hours(24));
        bounds.duration("tokens.leeway", self.leeway, secs(0)..=secs(60));
        let absolute = hours(24 * 3650);
        bounds.duration(
            "tokens.refresh_absolute_ttl",
            self.refresh_absolute_ttl,
            mins(1)..=absolute,
        );
        bounds.duration(
            "tokens.refresh_idle_ttl",
            self.refresh_idle_ttl,
            mins(1)..=absolute,
        );
        bounds.together(
            "tokens.refresh_idle_ttl",
            &["tokens.refresh_absolute_ttl"],
            self.refresh_idle_ttl <= self.refresh_absolute_ttl,
            "is longer than",
        );
        bounds.duration(
            "tokens.refresh_grace",
            self.refresh_grace,
            secs(0)..=mins(5),
        );
    }
}
