use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    bounds::{Bounds, Refusal},
    hosts, tokens,
};

/// A store in a PostgreSQL database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// `postgres://user:password@host:5432/database?sslmode=verify-full`.
    /// Serializes as [`super::HIDDEN`].
    #[serde(serialize_with = "tokens::hide_secret")]
    pub url: SecretString,
    /// Connections that are open at most; 1 to 1,000.
    #[serde(default = "max_connections")]
    pub max_connections: u32,
}

const fn max_connections() -> u32 {
    8
}

/// Where a database is, without who uses it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) host: String,
    /// `None` with a Unix socket.
    pub(crate) port: Option<u16>,
    /// `None` is the one that is named like the user, as with libpq.
    pub(crate) name: Option<String>,
    encrypted: bool,
}

/// What sqlx takes, by the names that libpq has for it; it passes over other
/// parameters, and logs their values.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
];

const SHAPE: &str = "not a URL like postgres://user:password@host:5432/database";

impl Postgres {
    /// What the URL says. No reason for a refusal repeats any of it.
    pub(crate) fn database(&self) -> Result<Database, String> {
        let url =
            Url::parse(self.url.expose_secret()).map_err(|defect| hosts::cause(SHAPE, defect))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(SHAPE.to_owned());
        }
        let name = url.path().trim_start_matches('/');
        if url.fragment().is_some() || name.contains(['/', '@']) {
            return Err(hosts::cause(SHAPE, hosts::ESCAPES));
        }
        let mut database = Database {
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port(),
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            encrypted: false,
        };
        for (parameter, value) in url.query_pairs() {
            database.set(&parameter, &value)?;
        }
        if database.host.is_empty() {
            return Err(hosts::cause(SHAPE, "the host is missing"));
        }
        if database.host.contains(',') {
            return Err("names several hosts; one is used".to_owned());
        }
        if !database.is_socket() {
            database.port.get_or_insert(5432);
        }
        Ok(database)
    }

    pub(super) fn check(&self, bounds: &mut Bounds) {
        if let Err(reason) = self.database() {
            bounds.refuse("store.url", reason);
        }
        bounds.number("store.max_connections", self.max_connections, 1..=1000);
    }

    /// What whoever sits between here and the database could do.
    pub(super) fn doubt(&self) -> Option<Refusal> {
        let database = self.database().ok()?;
        let exposed = !database.encrypted && !database.is_socket();
        (exposed && !hosts::is_loopback(&database.host)).then(|| {
            Refusal::new(
                "store.url",
                "whoever sits on the network can read and change what the database is told: add \
                 `sslmode=verify-full`",
            )
        })
    }
}

impl Database {
    fn set(&mut self, parameter: &str, value: &str) -> Result<(), String> {
        let malformed = || format!("the value of `{parameter}` is not valid");
        match parameter {
            "sslmode" => {
                self.encrypted = match &*value.to_ascii_lowercase() {
                    "require" | "verify-ca" | "verify-full" => true,
                    "disable" | "allow" | "prefer" => false,
                    _ => return Err(malformed()),
                };
            }
            "host" => value.clone_into(&mut self.host),
            "hostaddr" => {
                value.parse::<IpAddr>().map_err(|_| malformed())?;
                value.clone_into(&mut self.host);
            }
            "port" => self.port = Some(value.parse().map_err(|_| malformed())?),
            "dbname" => self.name = Some(value.to_owned()),
            "statement-cache-capacity" => {
                value.parse::<usize>().map_err(|_| malformed())?;
            }
            _ if PARAMETERS.contains(&parameter) => {}
            // The name may be the rest of a password with a `?` in it.
            _ => {
                return Err(format!(
                    "has a parameter that isn't known; known are {}",
                    PARAMETERS.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Whether the host is a folder with a Unix socket; in the URL's place for
    /// a host its slashes are escaped.
    fn is_socket(&self) -> bool {
        self.host.starts_with('/') || self.host.to_ascii_lowercase().starts_with("%2f")
    }
}
