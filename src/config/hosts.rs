//! What the URLs of servers have in common.

use std::{fmt::Display, net::IpAddr};

use secrecy::SecretString;
use serde::Serializer;

use super::HIDDEN;

/// What is wrong with most URLs that hold a password.
pub(super) const ESCAPES: &str = "in a user's name or password write `%` as %25, `@` as %40, `:` as %3A, `/` as %2F, `?` as %3F \
     and `#` as %23";

/// A URL that may hold a password, as it is shown.
pub(super) fn hide<S: Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(HIDDEN)
}

pub(super) fn cause(shape: &str, cause: impl Display) -> String {
    format!("{shape}: {cause}")
}

/// Whether a host of a URL is this machine, so that nobody sits in between.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().map_or_else(
        |_| {
            let name = host.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        },
        |address| address.is_loopback(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_many_names() {
        for host in [
            "localhost",
            "LocalHost",
            "db.localhost",
            "127.0.0.9",
            "::1",
            "[::1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "db",
            "localhost.example",
            "128.0.0.1",
            "0.0.0.0",
            "[::2]",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
