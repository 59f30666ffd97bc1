//! From settings to a connection, and why there is none.

use std::{io, path::PathBuf, time::Duration};

use async_nats::{ConnectErrorKind, ConnectOptions, ServerAddr, ToServerAddrs};
use url::Url;

use crate::settings::NatsSettings;

/// How often the server is asked whether it is there. It is given up after
/// the third question without an answer.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Longest that a connection may take to be made, with TLS and all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest that a server may take to answer.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Messages of one room that may wait for this process. Each room's task only
/// hands them on, so they wait only while the machine itself is behind.
const WAITING_MESSAGES: usize = 64 * 1024;

/// Why a bus can't be used. Names hosts, never credentials.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not a URL of a NATS server; it isn't repeated, since a password may
    /// stand in it.
    #[error("not a URL like nats://host:4222")]
    Url,
    /// No server can be reached.
    #[error("can't reach NATS at {servers}")]
    Unreachable {
        /// Hosts and ports.
        servers: String,
        /// The cause.
        #[source]
        source: async_nats::ConnectError,
    },
    /// A server was reached and wants other credentials.
    #[error("NATS at {servers} refuses the credentials")]
    Refused {
        /// Hosts and ports.
        servers: String,
        /// The cause.
        #[source]
        source: async_nats::ConnectError,
    },
    /// A server was reached, and its certificate is not trusted, or it is not
    /// the one that was asked for, or it speaks no TLS.
    #[error("no TLS with NATS at {servers}")]
    Tls {
        /// Hosts and ports.
        servers: String,
        /// The cause.
        #[source]
        source: async_nats::ConnectError,
    },
    /// A file can't be read, or isn't what it should be.
    #[error("can't use `{}`", path.display())]
    File {
        /// Which setting names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The server keeps nothing.
    #[error(
        "history needs JetStream, which NATS at {servers} does not have: start it with `-js`, or set the history to 0"
    )]
    NoJetStream {
        /// Hosts and ports.
        servers: String,
        /// The cause.
        #[source]
        source: contract::BoxError,
    },
    /// JetStream does not make or show the stream.
    #[error("JetStream gives no stream `{stream}`")]
    Stream {
        /// Its name.
        stream: String,
        /// The cause.
        #[source]
        source: contract::BoxError,
    },
    /// There is a stream of that name with other limits. It is left as it is:
    /// other nodes may rely on it.
    #[error(
        "the stream `{stream}` is there with other limits: {}; configure the same, or change it with `nats stream edit`, or remove it and what it keeps",
        differences.join(", ")
    )]
    StreamDiffers {
        /// Its name.
        stream: String,
        /// What differs, and how.
        differences: Vec<String>,
    },
}

impl ConnectError {
    /// Which setting is to blame: `url`, `credentials_file`, `ca_file`,
    /// `cert_file`, `key_file` or `history`.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Url | Self::Unreachable { .. } | Self::Refused { .. } | Self::Tls { .. } => "url",
            Self::File { setting, .. } => setting,
            Self::NoJetStream { .. } | Self::Stream { .. } | Self::StreamDiffers { .. } => {
                "history"
            }
        }
    }
}

/// Hosts and ports of servers, and how to sign in there.
pub(crate) struct Servers {
    addresses: Vec<ServerAddr>,
    user: String,
    password: Option<String>,
}

impl Servers {
    pub(crate) fn parse(urls: &[String]) -> Result<Self, ConnectError> {
        let mut servers = Self {
            addresses: Vec::new(),
            user: String::new(),
            password: None,
        };
        for text in urls {
            let mut url = Url::parse(text).map_err(|_| ConnectError::Url)?;
            if servers.user.is_empty() {
                servers.user = decoded(url.username())?;
                servers.password = url.password().map(decoded).transpose()?;
            }
            // They go into the connection's options; kept here they could turn
            // up in a log.
            url.set_password(None).map_err(|()| ConnectError::Url)?;
            url.set_username("").map_err(|()| ConnectError::Url)?;
            let address = ServerAddr::from_url(url).map_err(|_| ConnectError::Url)?;
            servers.addresses.push(address);
        }
        if servers.addresses.is_empty() {
            return Err(ConnectError::Url);
        }
        Ok(servers)
    }

    /// Hosts and ports, for people.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self
            .addresses
            .iter()
            .map(|address| format!("{}:{}", address.host(), address.port()))
            .collect();
        names.join(", ")
    }

    /// What the settings ask of a connection.
    pub(crate) async fn options(
        &self,
        settings: &NatsSettings,
    ) -> Result<ConnectOptions, ConnectError> {
        let mut options = ConnectOptions::new()
            .name(&settings.prefix)
            .connection_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .subscription_capacity(WAITING_MESSAGES)
            // A prefix and the name of a room can't be anything else.
            .skip_subject_validation(true)
            .reconnect_delay_callback(reconnect_delay);
        options = match (&self.password, self.user.is_empty()) {
            (Some(password), _) => options.user_and_password(self.user.clone(), password.clone()),
            // As other clients of NATS read a name alone.
            (None, false) => options.token(self.user.clone()),
            (None, true) => options,
        };
        if let Some(path) = &settings.credentials_file {
            options =
                options
                    .credentials_file(path)
                    .await
                    .map_err(|source| ConnectError::File {
                        setting: "credentials_file",
                        path: path.clone(),
                        source,
                    })?;
        }
        let tls = &settings.tls;
        for (setting, path) in [
            ("ca_file", &tls.ca_file),
            ("cert_file", &tls.cert_file),
            ("key_file", &tls.key_file),
        ] {
            // Read at each connection; what is missing already is said now.
            let Some(path) = path else { continue };
            std::fs::File::open(path).map_err(|source| ConnectError::File {
                setting,
                path: path.clone(),
                source,
            })?;
        }
        if let Some(path) = &tls.ca_file {
            options = options
                .add_root_certificates(path.clone())
                .require_tls(true);
        }
        if let (Some(cert), Some(key)) = (&tls.cert_file, &tls.key_file) {
            options = options
                .add_client_certificate(cert.clone(), key.clone())
                .require_tls(true);
        }
        Ok(options)
    }

    /// What became of a connection that was not made.
    pub(crate) fn failed(&self, source: async_nats::ConnectError) -> ConnectError {
        let servers = self.names();
        match source.kind() {
            ConnectErrorKind::ServerParse => ConnectError::Url,
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                ConnectError::Refused { servers, source }
            }
            ConnectErrorKind::Tls => ConnectError::Tls { servers, source },
            _ if is_tls(&source) => ConnectError::Tls { servers, source },
            _ => ConnectError::Unreachable { servers, source },
        }
    }
}

impl ToServerAddrs for &Servers {
    type Iter = std::vec::IntoIter<ServerAddr>;

    fn to_server_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.addresses.clone().into_iter())
    }
}

/// Whether TLS is what failed, wherever it stands among the causes.
fn is_tls(error: &async_nats::ConnectError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        // An I/O error is transparent: its source is that of what it wraps.
        let wrapped = source
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(|wrapped| wrapped.is::<async_nats::rustls::Error>());
        if wrapped || source.is::<async_nats::rustls::Error>() {
            return true;
        }
        cause = source.source();
    }
    false
}

/// A part of a URL without its percent signs.
fn decoded(part: &str) -> Result<String, ConnectError> {
    percent_encoding::percent_decode_str(part)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| ConnectError::Url)
}

/// Soon at first; then not so often that many nodes keep a server from starting.
fn reconnect_delay(attempts: usize) -> Duration {
    let millis = 25 << attempts.min(6);
    // Not all nodes at once, which lost the connection together.
    let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    Duration::from_millis(millis + millis * spread / 256)
}
