//! What `serve` prints when it is ready: where it listens, what it uses and
//! why, and, in development, lines to copy and paste.

use std::{fmt::Write, net::SocketAddr};

use service::{
    config::{Config, Loaded, Profile, Role},
    wiring,
};

use crate::reachable::reachable;

/// The text for a service that listens on `address`.
pub(crate) fn text(loaded: &Loaded, address: SocketAddr) -> String {
    let config = &loaded.config;
    let (store, bus) = wiring::describe(config);
    let roles: Vec<&str> = config.roles.iter().map(|role| role.name()).collect();
    let mut lines = vec![
        ("profile", config.profile.name().to_owned(), None),
        ("roles", roles.join(", "), Some("roles")),
    ];
    if config.runs(Role::Auth) {
        lines.push(("store", store, Some("store")));
    }
    lines.push(("bus", bus, Some("bus")));
    if !config.runs(Role::Auth) {
        lines.push(keys_of_others(config));
    }
    let mut text = format!(
        "listening on http://{address}  <- {}\n",
        loaded.source_of("http.bind")
    );
    for (name, value, key) in lines {
        let source = key.map(|key| format!("  <- {}", loaded.source_of(key)));
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name:<7} {value}{}", source.unwrap_or_default());
    }
    if config.profile == Profile::Development {
        text.push_str(&first_minute(config, reachable(address)));
    }
    text
}

/// What a gateway alone verifies with.
fn keys_of_others(config: &Config) -> (&'static str, String, Option<&'static str>) {
    let tokens = &config.tokens;
    let (value, key) = match (&tokens.secret, &tokens.jwks_url) {
        (Some(_), _) => ("the shared secret".to_owned(), "tokens.secret"),
        (None, Some(url)) => (url.to_string(), "tokens.jwks_url"),
        (None, None) => (tokens.key_dir.display().to_string(), "tokens.key_dir"),
    };
    ("keys", value, Some(key))
}

/// Somebody to begin with.
const ANN: &str = r#"{"username":"ann","password":"correct horse battery staple"}"#;

/// Lines to copy and paste.
fn first_minute(config: &Config, here: SocketAddr) -> String {
    let accounts = format!(
        r#"  curl -sS http://{here}/auth/register -H 'content-type: application/json' \
    -d '{ANN}'
  TOKEN=$(curl -sS http://{here}/auth/login -H 'content-type: application/json' \
    -d '{ANN}' \
    | sed -E 's/.*"access_token":"([^"]+)".*/\1/')
"#
    );
    let talk = format!("  cargo run --example talk -- ws://{here}/ws \"$TOKEN\"\n");
    let (what, lines) = match (config.runs(Role::Auth), config.runs(Role::Gateway)) {
        (true, true) => ("register, sign in, and talk in your room", accounts + &talk),
        (true, false) => ("register, and sign in", accounts),
        (false, _) => ("talk in your room, with the TOKEN of an auth node", talk),
    };
    let mut text = String::from("\n");
    // {% if page %}What needs no terminal comes first.
    if config.serves_page() {
        let _ = write!(
            text,
            "open    http://{here}/  <- in a browser, in two tabs; or\n\n"
        );
    }
    // {% endif %}Writing to a string can't fail.
    let _ = write!(text, "{what}:\n\n{lines}\n");
    if cfg!(feature = "docs") && config.http.docs {
        let _ = writeln!(text, "docs    http://{here}/docs");
    }
    let _ = writeln!(text, "openapi http://{here}/openapi.json");
    text
}
