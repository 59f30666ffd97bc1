//! The opening handshake (RFC 6455, section 4.2), checked here in full:
//! headers are read raw, so that a repeated or odd one is seen as it is, and
//! nothing that holds the token is kept or printed.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use axum::http::{HeaderMap, HeaderName, Method, Version, header, request::Parts};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{rooms_v1::SUBPROTOCOL, wire::Format};

/// The subprotocol of raw mode; the token follows it in every offer.
pub const BEARER: &str = "bearer";

/// Why a request doesn't become a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a WebSocket handshake at all.
    #[error("this path speaks WebSocket: `Upgrade: websocket` is required")]
    NotAnUpgrade,
    /// Not version 13.
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    /// A handshake that RFC 6455 doesn't allow.
    #[error("{0}")]
    Malformed(&'static str),
    /// A `since` that is no position.
    #[error("`since` is a position that this service gave")]
    Since,
    /// An `Origin` that is not on the list, nor this service's own page's.
    #[error("this origin is not allowed")]
    Origin,
    /// No token, two, or one that is not valid.
    #[error(
        "a valid access token is required: offer the subprotocols `bearer` and the token, in this order, or `rooms.v1` before them"
    )]
    Token,
}

/// What a valid handshake asks for.
pub struct Handshake {
    /// The value of `Sec-WebSocket-Accept`.
    pub accept: String,
    /// The access token as offered, not verified yet.
    pub token: String,
    /// How the client wants to be told what is said.
    pub format: Format,
}

impl Format {
    /// The subprotocol that is chosen for it.
    #[must_use]
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::Raw => BEARER,
            Self::RoomsV1 => SUBPROTOCOL,
        }
    }
}

/// Checks everything of a handshake but the token itself. `origin_allowed`
/// judges the raw `Origin`, if there is one.
///
/// # Errors
/// The first reason to refuse it.
pub fn read(
    parts: &Parts,
    origin_allowed: impl FnOnce(Option<&[u8]>) -> bool,
) -> Result<Handshake, Refusal> {
    let headers = &parts.headers;
    if !has_token(headers, &header::CONNECTION, "upgrade")
        || !has_token(headers, &header::UPGRADE, "websocket")
    {
        return Err(Refusal::NotAnUpgrade);
    }
    if parts.method != Method::GET || parts.version != Version::HTTP_11 {
        return Err(Refusal::Malformed(
            "a WebSocket handshake is a GET in HTTP/1.1",
        ));
    }
    if single(headers, &header::HOST, "exactly one Host is required")?.is_empty() {
        return Err(Refusal::Malformed("exactly one Host is required"));
    }
    if headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get_all(header::CONTENT_LENGTH)
            .iter()
            .any(|length| length != "0")
    {
        return Err(Refusal::Malformed("a WebSocket handshake has no body"));
    }
    match single(
        headers,
        &header::SEC_WEBSOCKET_VERSION,
        "exactly one version is required",
    ) {
        Ok(b"13") => {}
        _ => return Err(Refusal::Version),
    }
    const KEY: &str = "exactly one Sec-WebSocket-Key of 16 bytes in base64 is required";
    let key = single(headers, &header::SEC_WEBSOCKET_KEY, KEY)?;
    let mut nonce = [0; 18];
    if key.len() != 24 || STANDARD.decode_slice(key, &mut nonce) != Ok(16) {
        return Err(Refusal::Malformed(KEY));
    }

    let origin = match headers.get_all(header::ORIGIN).iter().collect::<Vec<_>>()[..] {
        [] => None,
        [origin] => Some(origin.as_bytes()),
        _ => return Err(Refusal::Origin),
    };
    if !origin_allowed(origin) {
        return Err(Refusal::Origin);
    }
    let (format, token) = offered(headers)?;
    Ok(Handshake {
        accept: accept(key),
        token,
        format,
    })
}

/// What a server makes of the client's key (RFC 6455, section 4.2.2), to show
/// that it speaks WebSocket.
fn accept(key: &[u8]) -> String {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    // Nothing depends on its strength.
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finish())
}

/// The format and the token of an offer that is exactly `bearer` and the
/// token, or `rooms.v1`, `bearer` and the token, in that order and once each,
/// over any number of header lines.
fn offered(headers: &HeaderMap) -> Result<(Format, String), Refusal> {
    let mut offered = Vec::with_capacity(3);
    for line in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        let line = line.to_str().map_err(|_| Refusal::Token)?;
        offered.extend(line.split(',').map(str::trim));
    }
    match offered[..] {
        [BEARER, token] if !token.is_empty() => Ok((Format::Raw, token.to_owned())),
        [SUBPROTOCOL, BEARER, token] if !token.is_empty() => {
            Ok((Format::RoomsV1, token.to_owned()))
        }
        _ => Err(Refusal::Token),
    }
}

fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    otherwise: &'static str,
) -> Result<&'a [u8], Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(Refusal::Malformed(otherwise)),
    }
}

/// Whether a comma-separated header has a token, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}
