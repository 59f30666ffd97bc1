//! Files that are compiled in, served so that a browser asks each time whether
//! they changed, and is told in a few bytes that they didn't.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const CSS: &str = "text/css; charset=utf-8";
pub(super) const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file that is compiled in.
pub(super) struct File {
    /// Where it is served.
    pub(super) path: &'static str,
    /// Its `Content-Type`.
    pub(super) content_type: &'static str,
    /// What it holds, in gzip if it is `gzipped`.
    pub(super) content: &'static [u8],
    /// Whether it goes out as `Content-Encoding: gzip`, to everybody: there is
    /// no other form of it, and whoever doesn't say what they take takes
    /// anything (RFC 9110, section 12.5.3).
    pub(super) gzipped: bool,
}

/// A route for each of these. They stand in no document: they are for browsers,
/// which let them do what the `policy`, a `Content-Security-Policy`, allows.
pub(super) fn routes(files: &'static [File], policy: &'static str) -> Router {
    files.iter().fold(Router::new(), |router, file| {
        // When somebody first asks: hashing all of them takes as long as the
        // rest of a start.
        let etag = Arc::new(LazyLock::new(|| etag(file)));
        let served = move |headers: HeaderMap| async move { answer(file, &etag, policy, &headers) };
        router.route(file.path, get(served))
    })
}

fn etag(file: &File) -> String {
    let hash = digest(&SHA256, file.content);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash))
}

fn answer(file: &File, etag: &str, policy: &'static str, asked: &HeaderMap) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::ETAG, etag),
        // Kept, and asked for each time: a new build is seen at once.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
        // A page that opens this one, or is opened by it, has no hold on it.
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    if knows(asked, etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, file.content_type)];
    if file.gzipped {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        return (headers, content_type, encoding, file.content).into_response();
    }
    (headers, content_type, file.content).into_response()
}

/// Whether the client has this very file (RFC 9110, section 13.1.2).
fn knows(asked: &HeaderMap, etag: &str) -> bool {
    asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
