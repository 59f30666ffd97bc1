//! `/docs`: the OpenAPI document as a page on which its operations can be
//! tried. Swagger UI, as its makers built it, and nothing from anywhere else.

use axum::Router;

use super::files::{self, CSS, File, HTML, SCRIPT};

/// What the page may do: run and load what it came with, and talk to where it
/// came from.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! own {
    ($path:literal, $file:literal, $content_type:expr) => {
        File {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("reference/", $file)),
            gzipped: false,
        }
    };
}

/// What `build.rs` took out of Swagger UI's archive, compressed as it was there.
macro_rules! unpacked {
    ($file:literal, $content_type:expr) => {
        File {
            path: concat!("/docs/", $file),
            content_type: $content_type,
            content: include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".gz")),
            gzipped: true,
        }
    };
}

const FILES: &[File] = &[
    own!("/docs", "index.html", HTML),
    own!("/docs/docs.css", "docs.css", CSS),
    own!("/docs/docs.js", "docs.js", SCRIPT),
    unpacked!("swagger-ui-bundle.js", SCRIPT),
    unpacked!("swagger-ui.css", CSS),
    unpacked!("LICENSE", TEXT),
    unpacked!("NOTICE", TEXT),
    // Those of what is in the bundle, whose first line names this file.
    own!(
        "/docs/swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui-bundle.js.LICENSE.txt",
        TEXT
    ),
];

/// The page and its files.
pub fn routes() -> Router {
    files::routes(FILES, CONTENT_SECURITY_POLICY)
}
