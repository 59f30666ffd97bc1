use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    bounds::{Bounds, Refusal},
    duration,
    history::{self, check_capacity, check_history},
    hosts,
    kind::{Kind, Settings},
};

/// A bus over NATS servers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nats {
    /// `nats://user:password@host:4222` or `tls://…`; several are separated by
    /// commas. Serializes as [`super::HIDDEN`].
    #[serde(serialize_with = "hosts::hide")]
    pub url: SecretString,
    /// What all names in NATS begin with: tokens of `[A-Za-z0-9_-]`, separated
    /// by dots; 1 to 64 bytes.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Messages that a listener may fall behind before it misses some;
    /// 1 to 65,536.
    #[serde(default = "capacity")]
    pub capacity: usize,
    /// Messages of each room that are kept for listeners who come back; at
    /// most 10,000, 0 keeps none and needs no JetStream.
    #[serde(default)]
    pub history: usize,
    /// No message is kept longer than this; 1 min to 365 days.
    #[serde(with = "duration", default = "history::age")]
    pub history_age: Duration,
    /// Where they are kept.
    #[serde(default)]
    pub history_storage: HistoryStorage,
    /// On how many servers of the cluster they are kept; 1, 3 or 5.
    #[serde(default = "history_replicas")]
    pub history_replicas: usize,
    /// A `.creds` file: a user's JWT and the seed of its key.
    #[serde(default)]
    pub credentials_file: Option<PathBuf>,
    /// Authorities that are trusted in place of the system's, in PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The certificate that this client shows, in PEM; only with `key_file`.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    /// The key of `cert_file`, in PEM.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

/// Where NATS keeps the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HistoryStorage {
    /// On disk: it survives a restart of the servers.
    #[default]
    File,
    /// In the servers' memory.
    Memory,
}

const SETTINGS: &[&str] = &[
    "url",
    "prefix",
    "capacity",
    "history",
    "history_age",
    "history_storage",
    "history_replicas",
    "credentials_file",
    "ca_file",
    "cert_file",
    "key_file",
];

pub(super) const KIND: Kind = Kind {
    shared: true,
    variable: Some("NATS_URL"),
    schemes: &[],
    example: "nats://user:password@host:4222",
    ..Kind::of::<Nats>("bus", "nats", SETTINGS)
};

fn prefix() -> String {
    "service".to_owned()
}

const fn capacity() -> usize {
    100
}

const fn history_replicas() -> usize {
    1
}

/// One server, and how it is reached.
#[derive(Debug)]
pub(crate) struct Server {
    /// As it was written, with whatever secret is in it.
    pub(crate) url: SecretString,
    pub(crate) host: String,
    pub(crate) port: u16,
    encrypted: bool,
    named: bool,
}

const SHAPE: &str = "not a URL like nats://host:4222 or tls://user:password@host:4222";

impl Nats {
    /// The servers, of which there is at least one. No reason for a refusal
    /// repeats anything of a URL.
    pub(crate) fn servers(&self) -> Result<Vec<Server>, String> {
        self.url
            .expose_secret()
            .split(',')
            .map(|url| server(url.trim()))
            .collect()
    }
}

impl Settings for Nats {
    fn check(&self, bounds: &mut Bounds) {
        if let Err(reason) = self.servers() {
            bounds.refuse("bus.url", reason);
        }
        let spelled = self.prefix.len() <= 64
            && self.prefix.split('.').all(|token| {
                !token.is_empty()
                    && token
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            });
        bounds.require(
            "bus.prefix",
            spelled,
            "expected 1 to 64 bytes: words of A-Z, a-z, 0-9, _ and -, separated by dots",
        );
        check_capacity(self.capacity, bounds);
        check_history(self.history, self.history_age, bounds);
        bounds.require(
            "bus.history_replicas",
            [1, 3, 5].contains(&self.history_replicas),
            format!("{} is not 1, 3 or 5", self.history_replicas),
        );
        for (key, file) in [
            ("bus.credentials_file", &self.credentials_file),
            ("bus.ca_file", &self.ca_file),
            ("bus.cert_file", &self.cert_file),
            ("bus.key_file", &self.key_file),
        ] {
            bounds.require(
                key,
                file.as_ref()
                    .is_none_or(|path| !path.as_os_str().is_empty()),
                "a file's path is missing",
            );
        }
        for (key, other, holds) in [
            (
                "bus.cert_file",
                "bus.key_file",
                self.cert_file.is_none() || self.key_file.is_some(),
            ),
            (
                "bus.key_file",
                "bus.cert_file",
                self.key_file.is_none() || self.cert_file.is_some(),
            ),
        ] {
            bounds.require(key, holds, format!("is of no use without {other}"));
        }
    }

    /// What whoever sits between here and the servers, or reaches them, could do.
    fn doubt(&self) -> Option<Refusal> {
        let servers = self.servers().ok()?;
        let away = || {
            servers
                .iter()
                .filter(|server| !hosts::is_loopback(&server.host))
        };
        // Certificates are for TLS, and TLS is then asked of every server.
        let encrypted = self.ca_file.is_some() || self.cert_file.is_some();
        // One user, the first that is named, signs in at all servers.
        let known = self.credentials_file.is_some()
            || self.cert_file.is_some()
            || servers.iter().any(|server| server.named);
        let mut doubts = Vec::new();
        if !encrypted && away().any(|server| !server.encrypted) {
            doubts.push("whoever sits on the network can read and change messages: write tls://");
        }
        if !known && away().next().is_some() {
            doubts.push(
                "whoever reaches the servers can say anything in any room, if they ask for no \
                 credentials either: give them a user, or bus.credentials_file",
            );
        }
        (!doubts.is_empty()).then(|| Refusal::new("bus.url", doubts.join("; and ")))
    }
}

fn server(text: &str) -> Result<Server, String> {
    // The parser passes over a missing host, and over blanks.
    let url = Url::parse(text).map_err(|defect| hosts::cause(SHAPE, defect))?;
    let encrypted = match url.scheme() {
        "tls" => true,
        "nats" => false,
        _ => return Err(SHAPE.to_owned()),
    };
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err(hosts::cause(SHAPE, "the host is missing"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(hosts::cause(
            SHAPE,
            format_args!("nothing follows the port; {}", hosts::ESCAPES),
        ));
    }
    Ok(Server {
        url: text.into(),
        host: host.to_owned(),
        port: url.port().unwrap_or(4222),
        encrypted,
        named: !url.username().is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nats(url: &str) -> Nats {
        Nats {
            url: url.into(),
            prefix: prefix(),
            capacity: capacity(),
            history: 0,
            history_age: history::age(),
            history_storage: HistoryStorage::default(),
            history_replicas: history_replicas(),
            credentials_file: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
        }
    }

    #[test]
    fn a_url_names_servers() {
        let servers = nats("nats://a, tls://ann:pw@b:4333/,nats://[::1]:1").servers();
        let servers: Vec<(String, u16, bool, bool)> = servers
            .unwrap()
            .into_iter()
            .map(|server| (server.host, server.port, server.encrypted, server.named))
            .collect();
        assert_eq!(
            servers,
            [
                ("a".to_owned(), 4222, false, false),
                ("b".to_owned(), 4333, true, true),
                ("[::1]".to_owned(), 1, false, false)
            ]
        );
    }

    #[test]
    fn what_is_no_server_is_refused_and_not_repeated() {
        for url in [
            "",
            ",",
            "canary",
            "canary:4222",
            "ws://canary",
            "wss://canary",
            "http://canary",
            "nats://",
            "nats://:4222",
            "nats://ann:canary@",
            "nats://canary:port",
            "nats://host/canary",
            "nats://host?canary",
            "nats://ann:12/canary@host",
            "nats://ann:12?canary@host",
            "nats://ann:12#canary@host",
            "nats://ann:12,canary@host",
            "nats://host,",
            "nats://host,canary",
        ] {
            let reason = nats(url).servers().unwrap_err();
            assert!(!reason.contains("canary"), "{url}: {reason}");
        }
    }

    #[test]
    fn servers_elsewhere_want_tls_and_to_know_who_speaks() {
        const TLS: &str = "tls://";
        const WHO: &str = "credentials_file";
        for (url, doubts) in [
            ("nats://localhost,nats://[::1]", &[][..]),
            ("nats://bus", &[TLS, WHO]),
            ("tls://bus", &[WHO]),
            ("nats://ann:pw@bus", &[TLS]),
            ("tls://ann:pw@bus", &[]),
            ("tls://bus,tls://ann:pw@bus", &[]),
            ("tls://ann:pw@bus,nats://ann:pw@bus", &[TLS]),
        ] {
            let doubt = nats(url).doubt().map(|doubt| doubt.reason);
            for word in [TLS, WHO] {
                assert_eq!(
                    doubt.as_ref().is_some_and(|doubt| doubt.contains(word)),
                    doubts.contains(&word),
                    "{url}: {doubt:?}"
                );
            }
        }
        let with_credentials = Nats {
            credentials_file: Some("nats.creds".into()),
            ..nats("tls://bus")
        };
        let with_certificate = Nats {
            cert_file: Some("node.pem".into()),
            key_file: Some("node.key".into()),
            ..nats("nats://bus")
        };
        let with_authority = Nats {
            ca_file: Some("ca.pem".into()),
            ..nats("nats://token@bus")
        };
        for nats in [with_credentials, with_certificate, with_authority] {
            assert!(nats.doubt().is_none(), "{nats:?}");
        }
    }
}
