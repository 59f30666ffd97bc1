//! The page at `/`: register, sign in, and talk. Its files stand in `page/`,
//! and are compiled in as they are.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// What the page may do: run and load what it came with, and talk to where it
/// came from. Nothing that is written into it as text becomes a script.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

struct File {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($( $path:literal = $file:literal, $content_type:ident; )+) => {
        &[$( File {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("../../", $file)),
        }, )+]
    };
}

/// Everything that is served, and where it stands.
const FILES: &[File] = files! {
    "/" = "page/index.html", HTML;
    "/page/page.css" = "page/page.css", CSS;
    "/page/home.css" = "page/home.css", CSS;
    "/page/icon.svg" = "page/icon.svg", SVG;
    "/page/page.js" = "page/page.js", SCRIPT;
    "/page/api.js" = "page/api.js", SCRIPT;
    "/page/catch_up.js" = "page/catch_up.js", SCRIPT;
    "/page/format.js" = "page/format.js", SCRIPT;
    "/page/home.js" = "page/home.js", SCRIPT;
    "/page/life.js" = "page/life.js", SCRIPT;
    "/page/problems.js" = "page/problems.js", SCRIPT;
    "/page/room.js" = "page/room.js", SCRIPT;
    "/page/session.js" = "page/session.js", SCRIPT;
    "/page/stored.js" = "page/stored.js", SCRIPT;
    "/page/timeline.js" = "page/timeline.js", SCRIPT;
    "/page/view/alert.js" = "page/view/alert.js", SCRIPT;
    "/page/view/composer.js" = "page/view/composer.js", SCRIPT;
    "/page/view/connection.js" = "page/view/connection.js", SCRIPT;
    "/page/view/dom.js" = "page/view/dom.js", SCRIPT;
    "/page/view/messages.js" = "page/view/messages.js", SCRIPT;
    "/page/view/people.js" = "page/view/people.js", SCRIPT;
    "/page/view/rooms.js" = "page/view/rooms.js", SCRIPT;
    "/page/view/sign_in.js" = "page/view/sign_in.js", SCRIPT;
    // The client is the one that everybody else gets.
    "/page/rooms.js" = "client/rooms.js", SCRIPT;
};

/// The page's routes. They stand in no document: they are for browsers.
pub fn routes() -> Router {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, served(file))
    })
}

fn served(file: &'static File) -> MethodRouter {
    let hash = digest(&SHA256, file.content);
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash));
    get(move |headers: HeaderMap| async move { answer(file, &etag, &headers) })
}

fn answer(file: &File, etag: &str, asked: &HeaderMap) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (header::ETAG, etag),
        // Kept, and asked for each time: a new build is seen at once.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    if knows(asked, etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, file.content_type)];
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
