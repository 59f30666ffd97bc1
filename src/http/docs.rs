//! What the service says of itself: its OpenAPI document and its public keys.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use jsonwebtoken::jwk::JwkSet;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, ServerBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::app::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Accounts and rooms",
        description = "Sign people in, and let people in a room hear each other.\n\nEvery error is a Problem (RFC 9457), told apart by its `type`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    modifiers(&Bearer),
    tags(
        (name = "auth", description = "Accounts and tokens"),
        (name = "sessions", description = "Where a user is signed in"),
        (name = "rooms", description = "Rooms and their sockets"),
        (name = "health", description = "Probes"),
        (name = "keys", description = "Public keys"),
    )
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("the access token of a login or refresh"))
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(bearer));
        document.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    }
}

/// What the document says beside the routes.
#[must_use]
pub fn preamble() -> openapi::OpenApi {
    Document::openapi()
}

/// Takes out the tags that no operation has.
pub(crate) fn leave_out_unused_tags(document: &mut openapi::OpenApi) {
    let used: BTreeSet<String> = document
        .paths
        .paths
        .values()
        .flat_map(|path| [&path.get, &path.put, &path.post, &path.delete])
        .flatten()
        .flat_map(|operation| operation.tags.iter().flatten().cloned())
        .collect();
    for tags in document.tags.iter_mut() {
        tags.retain(|tag| used.contains(&tag.name));
    }
}

/// The public keys that verify access tokens
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "jwks",
    tag = "keys",
    responses(
        (status = 200, description = "A JWK set (RFC 7517); empty where a shared secret signs", body = serde_json::Value),
    )
)]
pub async fn jwks(State(app): State<Arc<App>>) -> Response {
    let jwks: &JwkSet = app.keys.jwks();
    (
        [(header::CACHE_CONTROL, "public, max-age=300")],
        axum::Json(jwks),
    )
        .into_response()
}
