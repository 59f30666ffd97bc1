//! What the OpenAPI document says beside the routes, and of all of them.

use std::collections::BTreeSet;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Content, Ref, RefOr, ServerBuilder,
        path::Operation,
        schema::{Components, Schema},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::problem::{self, document::NO_STORE};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Accounts and rooms",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    modifiers(&Preamble),
    tags(
        (name = "auth", description = "Accounts and tokens"),
        (name = "sessions", description = "Where a user is signed in"),
        (name = "rooms", description = "Rooms and their sockets"),
        (name = "health", description = "Probes"),
        (name = "keys", description = "Public keys"),
        (name = "documents", description = "What is spoken here"),
    )
)]
struct Document;

struct Preamble;

impl Modify for Preamble {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let guide = include_str!("document.md");
        let description = guide.replace("{problems}\n", &problem::document::table());
        document.info.description = Some(description);
        document.servers = Some(vec![ServerBuilder::new().url("/").build()]);
        let components = document.components.get_or_insert_default();
        problem::document::components(components);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The access token of a login or refresh"))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let socket = ApiKeyValue::with_description(
            "Sec-WebSocket-Protocol",
            "The access token as the last of the subprotocols that are offered, after `bearer`; it is never sent back",
        );
        components.add_security_scheme(
            "subprotocol",
            SecurityScheme::ApiKey(ApiKey::Header(socket)),
        );
    }
}

/// What the document says beside the routes.
#[must_use]
pub fn preamble() -> openapi::OpenApi {
    Document::openapi()
}

/// Says what holds for every operation, and takes out what none has.
pub(crate) fn finish(document: &mut openapi::OpenApi) {
    let mut used = BTreeSet::new();
    let mut shown = BTreeSet::new();
    let components = document.components.clone().unwrap_or_default();
    for path in document.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.put,
            &mut path.post,
            &mut path.patch,
            &mut path.delete,
        ];
        for operation in operations.into_iter().flatten() {
            used.extend(operation.tags.iter().flatten().cloned());
            finish_operation(operation, &components);
            shown.extend(examples(operation));
        }
    }
    for tags in document.tags.iter_mut() {
        tags.retain(|tag| used.contains(&tag.name));
    }
    if let Some(components) = &mut document.components {
        components.examples.retain(|name, _| shown.contains(name));
    }
}

/// The names of the shared examples that the responses of an operation show.
fn examples(operation: &Operation) -> Vec<String> {
    let responses = operation.responses.responses.values();
    let contents = responses.filter_map(|response| match response {
        RefOr::T(response) => Some(response.content.values()),
        RefOr::Ref(_) => None,
    });
    let examples = contents.flatten().filter_map(|content| match content {
        RefOr::T(content) => Some(content.examples.keys().cloned()),
        RefOr::Ref(_) => None,
    });
    examples.flatten().collect()
}

fn finish_operation(operation: &mut Operation, components: &Components) {
    // Said of each, so that none is open because somebody forgot it.
    operation.security.get_or_insert_default();
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            show_example(content, components);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        for content in response.content.values_mut() {
            show_example(content, components);
        }
        // Most answers are for one person, or for one moment.
        if status != "101" && !response.content.is_empty() {
            let no_store = problem::document::header(NO_STORE);
            let headers = &mut response.headers;
            headers
                .entry("Cache-Control".to_owned())
                .or_insert(RefOr::Ref(no_store));
        }
    }
}

/// Repeats the example of a schema where tools look for that of a body.
fn show_example(content: &mut RefOr<Content>, components: &Components) {
    let RefOr::T(content) = content else { return };
    if content.example.is_some() || !content.examples.is_empty() {
        return;
    }
    let Some(RefOr::Ref(Ref { ref_location, .. })) = &content.schema else {
        return;
    };
    let name = ref_location.rsplit('/').next().unwrap_or_default();
    content.example = match components.schemas.get(name) {
        Some(RefOr::T(Schema::Object(object))) => object.examples.first().cloned(),
        Some(RefOr::T(Schema::AllOf(all))) => all.examples.first().cloned(),
        _ => None,
    };
}
