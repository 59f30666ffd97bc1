//! Flat names: the variables that platforms set and people know. They are the
//! strongest layer, since a platform sets them for exactly this process.

use std::net::{Ipv4Addr, SocketAddr};

use figment::value::Dict;

use super::{
    Store,
    environment::{Environment, Given, list},
    sources::Layer,
};

/// Every flat name; those that hold a secret also as `<name>_FILE`.
pub(super) const NAMES: &[&str] = &[
    "PORT",
    "GATEWAY_BIND_ADDR",
    "DATABASE_URL",
    "NATS_URL",
    "JWT_SECRET",
    "ALLOWED_ORIGINS",
    "RUST_LOG",
];

pub(super) fn layers(environment: &mut Environment<'_>) -> Vec<Layer> {
    [bind, store, bus, secret, origins, filter]
        .into_iter()
        .filter_map(|name| name(environment))
        .collect()
}

/// `GATEWAY_BIND_ADDR` is an address and a port, `PORT` is a port on every
/// address. A platform that sets `PORT` sends its traffic there and nowhere
/// else, so the two may stand together only if they mean the same port; then
/// the address counts, which `PORT` doesn't say.
fn bind(environment: &mut Environment<'_>) -> Option<Layer> {
    const KEY: &str = "http.bind";
    let address = environment.text("GATEWAY_BIND_ADDR");
    let Some(port) = environment.text("PORT") else {
        let given = address?;
        return Some(Layer::setting(given.origin, KEY, given.value.into()));
    };
    let Ok(number) = port.value.parse::<u16>() else {
        environment.refuse(KEY, port.origin, "expected a port, 0 to 65535");
        return None;
    };
    let Some(given) = address else {
        let every = SocketAddr::from((Ipv4Addr::UNSPECIFIED, number));
        return Some(Layer::setting(port.origin, KEY, every.to_string().into()));
    };
    if given
        .value
        .parse::<SocketAddr>()
        .is_ok_and(|address| address.port() != number)
    {
        environment.refuse(
            KEY,
            given.origin,
            format!("PORT is set too, to another port ({number}); unset one of them"),
        );
        return None;
    }
    Some(Layer::setting(given.origin, KEY, given.value.into()))
}

/// The URL's scheme picks the store. What the URL says is never repeated: it
/// may hold a password.
fn store(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.secret("DATABASE_URL")?;
    let Some((scheme, rest)) = given.value.split_once(':') else {
        environment.refuse(
            "store",
            given.origin,
            "not a URL like sqlite:data/accounts.db or postgres://user:password@host/database",
        );
        return None;
    };
    if matches!(&*scheme.to_ascii_lowercase(), "postgres" | "postgresql") {
        return Some(server("store", "postgres", given));
    }
    if scheme != "sqlite" {
        let plausible = scheme.len() <= 16 && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
        let what = if plausible {
            format!("`{scheme}:`")
        } else {
            "this URL".to_owned()
        };
        let kinds = Store::KINDS.join(", ");
        environment.refuse(
            "store",
            given.origin.clone(),
            format!("this build has no store for {what}; it has: {kinds}"),
        );
        return None;
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let reason = if path.is_empty() {
        Some("the path is missing, as in sqlite:data/accounts.db")
    } else if path.starts_with(":memory:") {
        Some("accounts have to outlive the process: name a file")
    } else if path.contains('?') {
        Some("a SQLite URL takes no parameters here: leave out what follows `?`")
    } else {
        None
    };
    if let Some(reason) = reason {
        environment.refuse("store", given.origin, reason);
        return None;
    }
    let values = Dict::from([
        ("kind".to_owned(), "sqlite".into()),
        ("path".to_owned(), path.into()),
    ]);
    Some(Layer::setting(given.origin, "store", values.into()))
}

/// Sockets of one user that are on different nodes would not hear each other,
/// so whoever names a bus wants it.
fn bus(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.secret("NATS_URL")?;
    Some(server("bus", "nats", given))
}

/// What the URL says is judged with the rest, wherever it came from.
fn server(section: &str, kind: &str, given: Given) -> Layer {
    let values = Dict::from([
        ("kind".to_owned(), kind.into()),
        ("url".to_owned(), given.value.into()),
    ]);
    Layer::setting(given.origin, section, values.into())
}

fn secret(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.secret("JWT_SECRET")?;
    Some(Layer::setting(
        given.origin,
        "tokens.secret",
        given.value.into(),
    ))
}

fn origins(environment: &mut Environment<'_>) -> Option<Layer> {
    const KEY: &str = "http.allowed_origins";
    let given = environment.text("ALLOWED_ORIGINS")?;
    match list(&given.value) {
        Ok(entries) => Some(Layer::setting(given.origin, KEY, entries)),
        Err(reason) => {
            environment.refuse(KEY, given.origin, reason);
            None
        }
    }
}

fn filter(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.text("RUST_LOG")?;
    Some(Layer::setting(
        given.origin,
        "log.filter",
        given.value.into(),
    ))
}
