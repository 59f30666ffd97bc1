//! What `serve` prints when it is ready: where it listens, what it uses and
//! why, and, in development, lines to copy and paste.

use std::{fmt::Write, net::SocketAddr};

use service::{
    config::{Loaded, Profile},
    wiring,
};

/// The text for a service that listens on `address`.
pub(crate) fn text(loaded: &Loaded, address: SocketAddr) -> String {
    let (store, bus) = wiring::describe(&loaded.config);
    let mut text = format!(
        "listening on http://{address}  <- {}\n\
         profile {}\n\
         store   {store}  <- {}\n\
         bus     {bus}  <- {}\n",
        loaded.source_of("http.bind"),
        loaded.config.profile.name(),
        loaded.source_of("store"),
        loaded.source_of("bus"),
    );
    if loaded.config.profile == Profile::Development {
        let here = reachable(address);
        // Writing to a string can't fail.
        let _ = write!(
            text,
            r#"
register, sign in, and talk in your room:

  curl -sS http://{here}/auth/register -H 'content-type: application/json' \
    -d '{{"username":"ann","password":"correct horse battery staple"}}'
  TOKEN=$(curl -sS http://{here}/auth/login -H 'content-type: application/json' \
    -d '{{"username":"ann","password":"correct horse battery staple"}}' \
    | sed -E 's/.*"access_token":"([^"]+)".*/\1/')
  cargo run --example talk -- ws://{here}/ws "$TOKEN"

openapi http://{here}/openapi.json
"#
        );
    }
    text
}

/// An address to connect to: a wildcard is for listening only.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            ([0, 0, 0, 0, 0, 0, 0, 1], v6.port()).into()
        }
        other => other,
    }
}
