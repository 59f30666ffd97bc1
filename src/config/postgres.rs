use std::net::IpAddr;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    bounds::{Bounds, Refusal},
    hosts,
    kind::{Kind, Settings},
};

/// A store in a PostgreSQL database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// `postgres://user:password@host:5432/database?sslmode=verify-full`.
    /// Serializes as [`super::HIDDEN`].
    #[serde(serialize_with = "hosts::hide")]
    pub url: SecretString,
    /// Connections that are open at most; 1 to 1,000.
    #[serde(default = "max_connections")]
    pub max_connections: u32,
}

pub(super) const KIND: Kind = Kind {
    shared: true,
    variable: Some("DATABASE_URL"),
    schemes: &["postgres", "postgresql"],
    example: "postgres://user:password@host/database",
    ..Kind::of::<Postgres>("store", "postgres", &["url", "max_connections"])
};

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
}

impl Settings for Postgres {
    fn check(&self, bounds: &mut Bounds) {
        if let Err(reason) = self.database() {
            bounds.refuse("store.url", reason);
        }
        bounds.number("store.max_connections", self.max_connections, 1..=1000);
    }

    /// What whoever sits between here and the database could do.
    fn doubt(&self) -> Option<Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn database(url: &str) -> Result<Database, String> {
        let postgres = Postgres {
            url: url.into(),
            max_connections: 8,
        };
        postgres.database()
    }

    #[test]
    fn a_url_says_where_the_database_is() {
        for (url, host, port, name, encrypted) in [
            (
                "postgres://ann:pw@db/app",
                "db",
                Some(5432),
                Some("app"),
                false,
            ),
            ("postgresql://ann@db:1/", "db", Some(1), None, false),
            (
                "POSTGRES://[::1]/app",
                "[::1]",
                Some(5432),
                Some("app"),
                false,
            ),
            (
                "postgres://ann:p%2Fw@db/app?sslmode=verify-full&application_name=x",
                "db",
                Some(5432),
                Some("app"),
                true,
            ),
            (
                "postgres://db?sslmode=Prefer",
                "db",
                Some(5432),
                None,
                false,
            ),
            (
                "postgres:///app?host=/run/postgresql&sslmode=disable",
                "/run/postgresql",
                None,
                Some("app"),
                false,
            ),
            (
                "postgres://%2Frun%2Fpg/app",
                "%2Frun%2Fpg",
                None,
                Some("app"),
                false,
            ),
            (
                "postgres://db/app?hostaddr=192.0.2.1&port=6432&dbname=other&sslmode=require",
                "192.0.2.1",
                Some(6432),
                Some("other"),
                true,
            ),
        ] {
            let expected = Database {
                host: host.to_owned(),
                port,
                name: name.map(str::to_owned),
                encrypted,
            };
            assert_eq!(database(url), Ok(expected), "{url}");
        }
    }

    /// A password with a special character in it moves into another part of
    /// the URL, and no message may show it there.
    #[test]
    fn what_is_no_url_is_refused_and_not_repeated() {
        for url in [
            "",
            "canary",
            "mysql://canary@db/app",
            "postgres:canary",
            "postgres://",
            "postgres:///canary",
            "postgres://ann:canary@/app",
            "postgres://ann:canary@:5432/app",
            "postgres://ann:canary@db:port/app",
            "postgres://ann:12#canary@db/app",
            "postgres://ann:12?canary@db/app",
            "postgres://ann:12?canary=canary@db/app",
            "postgres://ann:12/canary@db/app",
            "postgres://ann:12/canary@db",
            "postgres://canary:1,canary:2/app",
            "postgres://canary,canary/app",
            "postgres://db/app?sslmode=canary",
            "postgres://db/app?port=canary",
            "postgres://db/app?hostaddr=canary",
            "postgres://db/app?statement-cache-capacity=canary",
        ] {
            let reason = database(url).unwrap_err();
            assert!(!reason.contains("canary"), "{url}: {reason}");
        }
    }

    #[test]
    fn a_database_elsewhere_wants_tls() {
        for (url, doubted) in [
            ("postgres://db/app", true),
            ("postgres://db/app?sslmode=disable", true),
            ("postgres://db/app?sslmode=allow", true),
            ("postgres://db/app?sslmode=prefer", true),
            ("postgres://db/app?sslmode=require", false),
            ("postgres://db/app?sslmode=verify-full", false),
            ("postgres://localhost/app", false),
            ("postgres://[::1]/app", false),
            ("postgres://localhost/app?hostaddr=192.0.2.1", true),
            ("postgres:///app?host=/run/postgresql", false),
            ("postgres://%2frun/app", false),
        ] {
            let postgres = Postgres {
                url: url.into(),
                max_connections: 8,
            };
            assert_eq!(postgres.doubt().is_some(), doubted, "{url}");
        }
    }
}
