//! The public keys that verify access tokens, for whoever else wants to.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::ToSchema;

use crate::app::App;

/// A JWK set (RFC 7517).
#[derive(ToSchema)]
#[schema(as = JwkSet, examples(json!({"keys": []})))]
#[expect(
    dead_code,
    reason = "how `jsonwebtoken`'s own type looks in the document"
)]
struct JwkSetSchema {
    /// The keys of this service; none where a shared secret signs.
    keys: Vec<JwkSchema>,
}

/// A public key (RFC 7517, RFC 8037). It may have members beside these.
#[derive(ToSchema)]
#[schema(as = Jwk)]
#[expect(
    dead_code,
    reason = "how `jsonwebtoken`'s own type looks in the document"
)]
struct JwkSchema {
    /// `OKP`.
    kty: String,
    /// `Ed25519`.
    crv: String,
    /// The key, in base64url without padding.
    x: String,
    /// Which key: what the header of a token names.
    kid: String,
    /// `EdDSA`.
    alg: String,
    /// `sig`.
    r#use: String,
}

/// The public keys that verify access tokens
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "jwks",
    tag = "keys",
    responses(
        (status = 200, description = "A JWK set", body = JwkSetSchema, headers(("Cache-Control" = String, description = "For how long the answer may be used again"))),
    )
)]
pub async fn jwks(State(app): State<Arc<App>>) -> Response {
    (
        [(header::CACHE_CONTROL, "public, max-age=300")],
        axum::Json(app.keys.jwks()),
    )
        .into_response()
}
