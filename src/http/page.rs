//! The page at `/`: register, sign in, and talk. Its files stand in `page/`,
//! and are compiled in as they are.

use axum::Router;

use super::files::{self, CSS, File, HTML, SCRIPT};

/// What the page may do: run and load what it came with, and talk to where it
/// came from. Nothing that is written into it as text becomes a script.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const SVG: &str = "image/svg+xml; charset=utf-8";

macro_rules! files {
    ($( $path:literal = $file:literal, $content_type:ident; )+) => {
        &[$( File {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("../../", $file)),
            gzipped: false,
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

/// The page and its files.
pub fn routes() -> Router {
    files::routes(FILES, CONTENT_SECURITY_POLICY)
}
