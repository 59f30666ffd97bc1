//! Flat names: the variables that platforms set and people know. They are the
//! strongest layer, since a platform sets them for exactly this process.

use std::net::{Ipv4Addr, SocketAddr};

use super::{
    backends,
    environment::{Environment, Given, list},
    kind::Kind,
    sources::Layer,
};

/// The flat names that are no bus's; those that hold a secret also as `<name>_FILE`.
const NAMES: &[&str] = &[
    "PORT",
    "GATEWAY_BIND_ADDR",
    "DATABASE_URL",
    "JWT_SECRET",
    "JWT_SECRET_PREVIOUS",
    "TOTP_KEY",
    "ALLOWED_ORIGINS",
    "RUST_LOG",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
];

/// Whether a variable is one of the flat names.
pub(super) fn is_name(variable: &str) -> bool {
    NAMES.contains(&variable)
        || backends::KINDS
            .iter()
            .any(|kind| kind.variable == Some(variable))
}

pub(super) fn layers(environment: &mut Environment<'_>) -> Vec<Layer> {
    [
        bind, store, bus, secret, previous, totp, origins, filter, collector, headers,
    ]
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

/// A URL whose scheme picks the store. What the URL says is never repeated: it
/// may hold a password.
fn store(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.secret("DATABASE_URL")?;
    let kinds = || backends::kinds_of("store");
    let Some((scheme, _)) = given.value.split_once(':') else {
        let examples: Vec<&str> = kinds().map(|kind| kind.example).collect();
        let reason = format!("not a URL like {}", examples.join(" or "));
        environment.refuse("store", given.origin, reason);
        return None;
    };
    let scheme = scheme.to_ascii_lowercase();
    let Some(kind) = kinds().find(|kind| kind.schemes.contains(&&*scheme)) else {
        let plausible = scheme.len() <= 16 && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
        let what = if plausible {
            format!("`{scheme}:`")
        } else {
            "this URL".to_owned()
        };
        let names: Vec<&str> = kinds().map(|kind| kind.name).collect();
        let names = names.join(", ");
        let reason = format!("this build has no store for {what}; it has: {names}");
        environment.refuse("store", given.origin, reason);
        return None;
    };
    chosen(environment, kind, given)
}

/// Sockets of one user that are on different nodes would not hear each other,
/// so whoever names a bus wants it.
fn bus(environment: &mut Environment<'_>) -> Option<Layer> {
    backends::kinds_of("bus").find_map(|kind| {
        let given = environment.secret(kind.variable?)?;
        chosen(environment, kind, given)
    })
}

fn chosen(environment: &mut Environment<'_>, kind: &Kind, given: Given) -> Option<Layer> {
    match (kind.read_url)(&given.value) {
        Ok(mut values) => {
            values.insert("kind".to_owned(), kind.name.into());
            Some(Layer::setting(given.origin, kind.section, values.into()))
        }
        Err(reason) => {
            environment.refuse(kind.section, given.origin, reason);
            None
        }
    }
}

fn secret(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.secret("JWT_SECRET")?;
    Some(Layer::setting(
        given.origin,
        "tokens.secret",
        given.value.into(),
    ))
}

/// What is on its way in, or on its way out.
fn previous(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.secret("JWT_SECRET_PREVIOUS")?;
    Some(Layer::setting(
        given.origin,
        "tokens.previous_secret",
        given.value.into(),
    ))
}

fn totp(environment: &mut Environment<'_>) -> Option<Layer> {
    let given = environment.secret("TOTP_KEY")?;
    Some(Layer::setting(
        given.origin,
        "second_factor.totp_key",
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

/// As OpenTelemetry's exporters read them: the name that has TRACES in it wins,
/// and is the whole URL; the other is one for all signals, without the path.
fn collector(environment: &mut Environment<'_>) -> Option<Layer> {
    const KEY: &str = "traces.endpoint";
    let every = environment.text("OTEL_EXPORTER_OTLP_ENDPOINT");
    if let Some(given) = environment.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return Some(Layer::setting(given.origin, KEY, given.value.into()));
    }
    let Given { value, origin } = every?;
    let url = format!("{}/v1/traces", value.trim_end_matches('/'));
    Some(Layer::setting(origin, KEY, url.into()))
}

fn headers(environment: &mut Environment<'_>) -> Option<Layer> {
    let every = environment.secret("OTEL_EXPORTER_OTLP_HEADERS");
    let given = environment
        .secret("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
        .or(every)?;
    Some(Layer::setting(
        given.origin,
        "traces.headers",
        given.value.into(),
    ))
}
