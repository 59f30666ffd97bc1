//! [`PostgresSettings`]: the URL, read and judged.

use std::fmt;

use sqlx_postgres::PgConnectOptions;

use crate::error::ConnectError;

/// Where the database is, and how much of it this process takes.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=…`
    ///
    /// What it leaves out is taken from libpq's variables (`PGPASSWORD`,
    /// `PGSSLMODE`, …) and password file. `verify-full` trusts the public
    /// authorities and those of `sslrootcert`. A pooler in between must pool
    /// sessions, not transactions.
    pub url: String,
    /// Connections that are open at most; 1 to 1,000.
    pub max_connections: u32,
}

impl PostgresSettings {
    const MAX_CONNECTIONS: u32 = 1000;

    /// What sqlx connects with.
    pub(crate) fn options(&self) -> Result<PgConnectOptions, ConnectError> {
        if !(1..=Self::MAX_CONNECTIONS).contains(&self.max_connections) {
            return Err(ConnectError::MaxConnections {
                asked: self.max_connections,
                max: Self::MAX_CONNECTIONS,
            });
        }
        // sqlx takes any scheme.
        let Some(("postgres" | "postgresql", rest)) = self.url.split_once("://") else {
            return Err(ConnectError::Scheme);
        };
        // A `/`, `?` or `#` in a password ends the host's part of the URL, and
        // what follows it would be shown as the database's name.
        let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if rest[authority..].contains('@') {
            return Err(ConnectError::Unescaped);
        }
        let options: PgConnectOptions =
            self.url.parse().map_err(|source| ConnectError::Malformed {
                source: Box::new(source),
            })?;
        // The brackets around an IPv6 address are the URL's, not the address's.
        let bare = options
            .get_host()
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .map(str::to_owned);
        Ok(match bare {
            Some(address) => options.host(&address),
            None => options,
        })
    }
}

impl fmt::Debug for PostgresSettings {
    /// Without the URL, in which a password may stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// A database in words for the person who runs the service: never the password.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    words: String,
    is_socket: bool,
}

impl Place {
    pub(crate) fn of(options: &PgConnectOptions) -> Self {
        let database = options.get_database().unwrap_or(options.get_username());
        let port = options.get_port();
        let (host, is_socket) = match options.get_socket() {
            Some(socket) => (socket.display().to_string(), true),
            // libpq's variables may name a folder as the host.
            None => (
                options.get_host().to_owned(),
                options.get_host().starts_with('/'),
            ),
        };
        Self {
            words: format!("database `{database}` at {host}:{port}"),
            is_socket,
        }
    }

    /// Whether it is reached through a file, not the network.
    pub(crate) fn is_socket(&self) -> bool {
        self.is_socket
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> String {
        let settings = PostgresSettings {
            url: url.to_owned(),
            max_connections: 4,
        };
        Place::of(&settings.options().unwrap()).to_string()
    }

    #[test]
    fn a_place_has_no_password() {
        for (url, expected) in [
            (
                "postgres://ann:s3cret@db.example:6543/app",
                "`app` at db.example:6543",
            ),
            (
                "postgresql://ann:s3cret@[::1]:6543/app",
                "`app` at ::1:6543",
            ),
            (
                "postgres://ann:s3cret@db.example:6543",
                "`ann` at db.example:6543",
            ),
            (
                "postgres://ann:s3cret@%2Frun%2Fpostgresql:6543/app",
                "`app` at /run/postgresql:6543",
            ),
            (
                "postgres://ann:s%2Fc%40t@db.example:6543/app?application_name=a",
                "`app` at db.example:6543",
            ),
        ] {
            assert_eq!(place(url), format!("database {expected}"), "{url}");
        }
    }

    #[test]
    fn settings_show_no_url() {
        let settings = PostgresSettings {
            url: "postgres://ann:s3cret@db.example/app".to_owned(),
            max_connections: 4,
        };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("s3cret") && shown.contains('4'), "{shown}");
    }
}
