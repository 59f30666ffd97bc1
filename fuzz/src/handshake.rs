//! The opening handshake: accepted exactly if a second, plainer reading of RFC
//! 6455 (section 4.2.1) accepts it, too.
//!
//! An input is a request as text: a line with the method and the version, then
//! a line for each header.

use axum::http::{HeaderName, HeaderValue, Method, Request, Version, request::Parts};
use service::ws::{handshake, wire::Format};

/// The only page that may connect.
const ORIGIN: &[u8] = b"https://app.example";

/// One handshake.
pub fn run(input: &[u8]) {
    let Some((request, headers)) = request(input) else {
        return;
    };
    let mut origins = Vec::new();
    let read = handshake::read(&request, |origin| {
        origins.push(origin.map(<[u8]>::to_vec));
        origin.is_none_or(|origin| origin == ORIGIN)
    });
    let asked = expected(&request, &headers);
    match read {
        Ok(read) => {
            assert_eq!(asked, Some((read.format, read.token)));
            // 20 bytes in base64.
            assert!(read.accept.len() == 28 && read.accept.ends_with('='));
            assert_eq!(origins, [headers.first("origin").map(<[u8]>::to_vec)]);
        }
        Err(refusal) => {
            assert_eq!(asked, None, "{refusal}");
            assert!(!refusal.to_string().is_empty());
        }
    }
}

/// The request, if HTTP has it, and its headers as they were written.
fn request(input: &[u8]) -> Option<(Parts, Headers<'_>)> {
    let mut lines = input.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let (method, version) = match first.iter().position(|byte| *byte == b' ') {
        Some(space) => (&first[..space], &first[space + 1..]),
        None => (first, &b""[..]),
    };
    let (mut request, ()) = Request::new(()).into_parts();
    request.method = Method::from_bytes(method).ok()?;
    request.version = match version {
        b"HTTP/1.0" => Version::HTTP_10,
        b"HTTP/2" => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    let mut headers = Vec::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        request.headers.append(
            HeaderName::from_bytes(name).ok()?,
            HeaderValue::from_bytes(value).ok()?,
        );
        headers.push((name.to_ascii_lowercase(), value));
    }
    Some((request, Headers(headers)))
}

/// What a request asks for, if it is a handshake.
fn expected(request: &Parts, headers: &Headers<'_>) -> Option<(Format, String)> {
    let valid = request.method == Method::GET
        && request.version == Version::HTTP_11
        && headers
            .list("connection")
            .any(|item| item.eq_ignore_ascii_case("upgrade"))
        && headers
            .list("upgrade")
            .any(|item| item.eq_ignore_ascii_case("websocket"))
        && headers.only("host").is_some_and(|host| !host.is_empty())
        && headers.only("sec-websocket-version") == Some(b"13")
        && headers.only("sec-websocket-key").is_some_and(is_key)
        && headers.all("origin").all(|origin| origin == ORIGIN)
        && headers.all("origin").count() <= 1
        && headers.all("transfer-encoding").count() == 0
        && headers.all("content-length").all(|length| length == b"0");
    let offers = headers.all("sec-websocket-protocol");
    if !valid || !offers.clone().all(|offer| offer.iter().all(is_visible)) {
        return None;
    }
    let offered: Vec<&str> = headers.list("sec-websocket-protocol").collect();
    let (format, token) = match offered[..] {
        ["bearer", token] => (Format::Raw, token),
        ["rooms.v1", "bearer", token] => (Format::RoomsV1, token),
        _ => return None,
    };
    (!token.is_empty()).then(|| (format, token.to_owned()))
}

fn is_visible(byte: &u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

/// 16 bytes in base64: 128 bits are 21 letters and 2 bits of another.
fn is_key(key: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24
        && key[..21].iter().all(letter)
        && matches!(key[21], b'A' | b'Q' | b'g' | b'w')
        && key[22..] == *b"=="
}

/// Headers, with names in small letters.
struct Headers<'a>(Vec<(Vec<u8>, &'a [u8])>);

impl<'a> Headers<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
        let named = self
            .0
            .iter()
            .filter(move |(named, _)| named == name.as_bytes());
        named.map(|(_, value)| *value)
    }

    fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    fn only(&self, name: &str) -> Option<&'a [u8]> {
        let mut all = self.all(name);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// What comma-separated values list, but for those with odd bytes.
    fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let values = self.all(name).filter(|value| value.iter().all(is_visible));
        let texts = values.filter_map(|value| std::str::from_utf8(value).ok());
        texts.flat_map(|text| text.split(',')).map(str::trim)
    }
}
