//! `/docs`: the OpenAPI document as a page on which its operations can be
//! tried. Swagger UI, as its makers built it, and nothing from anywhere else.

use axum::Router;

use super::files::{self, File};

/// No script or style but the files below, and no other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! own {
    ($path:literal, $content_type:expr, $file:literal) => {
        File {
            path: $path,
            content_type: $content_type,
            bytes: include_bytes!(concat!("reference/", $file)),
            gzipped: false,
        }
    };
}

/// What `build.rs` took out of Swagger UI's archive.
macro_rules! unpacked {
    ($file:literal, $content_type:expr) => {
        File {
            path: concat!("/docs/", $file),
            content_type: $content_type,
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".gz")),
            gzipped: true,
        }
    };
}

const FILES: &[File] = &[
    own!("/docs", HTML, "index.html"),
    own!("/docs/docs.css", CSS, "docs.css"),
    own!("/docs/docs.js", JAVASCRIPT, "docs.js"),
    unpacked!("swagger-ui-bundle.js", JAVASCRIPT),
    unpacked!("swagger-ui.css", CSS),
    unpacked!("LICENSE", TEXT),
    unpacked!("NOTICE", TEXT),
    // Of what is in the bundle; its first line names this file.
    own!(
        "/docs/swagger-ui-bundle.js.LICENSE.txt",
        TEXT,
        "swagger-ui-bundle.js.LICENSE.txt"
    ),
];

/// The page and its files.
pub(crate) fn routes() -> Router {
    files::routes(FILES, POLICY)
}
