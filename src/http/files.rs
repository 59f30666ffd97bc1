//! Files that are compiled in, served so that a browser asks each time whether
//! they changed, and is told in a few bytes that they didn't.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// How much of its hash names what a file holds.
const TAG_BYTES: usize = 12;

/// A file that is compiled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File {
    /// Where it is served.
    pub(crate) path: &'static str,
    /// Its `Content-Type`.
    pub(crate) content_type: &'static str,
    /// What it holds, in gzip if it is `gzipped`.
    pub(crate) bytes: &'static [u8],
    /// Whether it goes out as `Content-Encoding: gzip`, to everybody: there is
    /// no other form of it, and who doesn't say what it takes takes anything
    /// (RFC 9110, 12.5.3).
    pub(crate) gzipped: bool,
}

/// A route for each of these; all may do what the policy, a
/// `Content-Security-Policy`, allows.
pub(crate) fn routes(files: &[File], policy: &'static str) -> Router {
    files.iter().fold(Router::new(), |router, file| {
        let file = *file;
        let tag = tag(file.bytes);
        let answer = move |headers: HeaderMap| async move {
            let mut response = answer(&file, &tag, &headers);
            response.headers_mut().insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(policy),
            );
            response
        };
        router.route(file.path, get(answer))
    })
}

/// A strong entity tag.
fn tag(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    let start = &hash.as_ref()[..TAG_BYTES];
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(start))
}

fn answer(file: &File, tag: &str, request: &HeaderMap) -> Response {
    let headers = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    if is_known(tag, request) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.content_type)];
    if file.gzipped {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        return (headers, kind, encoding, file.bytes).into_response();
    }
    (headers, kind, file.bytes).into_response()
}

/// Whether the client has it (RFC 9110, 13.1.2).
fn is_known(tag: &str, request: &HeaderMap) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
