//! How problems stand in the OpenAPI document: each operation names those that
//! it can answer with, and everything said of them comes from their table.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Header, Object, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
        content::ContentBuilder,
        example::{Example, ExampleBuilder},
        extensions::ExtensionsBuilder,
        header::HeaderBuilder,
        schema::{Components, Type},
    },
};

use super::{ProblemBody, ProblemType};

/// `Cache-Control: no-store`.
pub(crate) const NO_STORE: &str = "NoStore";
const RETRY_AFTER: &str = "RetryAfter";
const CHALLENGE: &str = "Challenge";

/// What every operation with a JSON body says to a body that is none for it.
pub(crate) const BODY: &[ProblemType] = &[
    ProblemType::MalformedJson,
    ProblemType::InvalidRequest,
    ProblemType::BodyTooLarge,
    ProblemType::UnsupportedMediaType,
];

/// What every operation with an access token says without one.
pub(crate) const TOKEN: &[ProblemType] = &[ProblemType::InvalidToken];

/// What every operation may say that asks the store or the bus.
pub(crate) const SERVICE: &[ProblemType] = &[
    ProblemType::RequestTimeout,
    ProblemType::Internal,
    ProblemType::Unavailable,
];

/// A type that stands for the problems of an operation, in its `responses(…)`:
/// those of some groups, and some of its own.
macro_rules! problems {
    ($name:ident: $($group:ident)+ $(, $kind:ident)* $(,)?) => {
        enum $name {}

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                let groups = [$( $crate::problem::document::$group ),+];
                let own = [$( $crate::problem::ProblemType::$kind ),*];
                $crate::problem::document::responses(groups.into_iter().flatten().copied().chain(own))
            }
        }
    };
}
pub(crate) use problems;

/// Responses that are these problems: one for each status.
pub(crate) fn responses(
    kinds: impl IntoIterator<Item = ProblemType>,
) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status = BTreeMap::<String, Vec<ProblemType>>::new();
    for kind in kinds {
        let status = kind.status().as_str().to_owned();
        by_status.entry(status).or_default().push(kind);
    }
    let responses = by_status.into_iter();
    responses
        .map(|(status, kinds)| (status, response(&kinds).into()))
        .collect()
}

/// The one response of a status.
fn response(kinds: &[ProblemType]) -> Response {
    let description = match kinds {
        [only] => only.title().to_owned(),
        several => several.iter().fold(
            "One of these, told apart by `type`:\n".to_owned(),
            |list, kind| list + &format!("\n- `{}`: {}", kind.urn(), kind.title()),
        ),
    };
    let examples = kinds.iter().map(|kind| {
        let example = format!("#/components/examples/{}", kind.slug());
        (kind.slug(), RefOr::Ref(Ref::new(example)))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ProblemBody::name())))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .header_ref("Cache-Control", header(NO_STORE));
    if kinds.iter().any(|kind| kind.asks_to_come_back()) {
        response = response.header_ref("Retry-After", header(RETRY_AFTER));
    }
    match kinds.first() {
        Some(ProblemType::UpgradeRequired) => response
            .header("Connection", text("`upgrade`", "upgrade"))
            .header(
                "Sec-WebSocket-Version",
                text("The one version that is spoken here", "13"),
            )
            .header("Upgrade", text("`websocket`", "websocket"))
            .build(),
        Some(kind) if kind.status() == StatusCode::UNAUTHORIZED => response
            .header_ref("WWW-Authenticate", header(CHALLENGE))
            .build(),
        _ => response.build(),
    }
}

/// A header that [`components`] has.
pub(crate) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Puts what the responses refer to into the document.
pub(crate) fn components(components: &mut Components) {
    let mut schemas = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
    ProblemBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let examples = ProblemType::ALL.iter();
    let examples = examples.map(|kind| (kind.slug().to_owned(), example(*kind).into()));
    components.examples.extend(examples);
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .build();
    let retry_after = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("When to come back, in seconds from now"))
        .example(Some(json!(2)))
        .build();
    let challenge = text(
        "`Bearer`, with `error=\"invalid_token\"` if an access token was wanted (RFC 6750)",
        ProblemType::InvalidToken.challenge(),
    );
    let headers = [
        (NO_STORE, text("`no-store`", "no-store")),
        (RETRY_AFTER, retry_after),
        (CHALLENGE, challenge),
    ];
    let headers = headers.map(|(name, header)| (name.to_owned(), header.into()));
    components.headers.extend(headers);
}

fn example(kind: ProblemType) -> Example {
    let value = json!({
        "type": kind.urn(),
        "title": kind.title(),
        "status": kind.status().as_u16(),
    });
    ExampleBuilder::new()
        .summary(kind.title())
        .value(Some(value))
        .build()
}

/// A header of text.
pub(crate) fn text(description: &str, example: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(Object::with_type(Type::String)))
        .description(Some(description))
        .example(Some(json!(example)))
        .build()
}

/// The schema of a problem's `type`: open, because a later version may know
/// more of them.
pub(crate) fn type_schema() -> Object {
    let urns: Vec<&str> = ProblemType::ALL.iter().map(|kind| kind.urn()).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^urn:problem-type:[a-z0-9-]+$"))
        .description(Some(
            "What is wrong, for programs. Those of this version are listed; a later one may have more, and takes none away.",
        ))
        .extensions(Some(
            ExtensionsBuilder::new()
                .add("x-extensible-enum", Value::from(urns))
                .build(),
        ))
        .build()
}

/// Every problem, as a Markdown table.
pub(crate) fn table() -> String {
    ProblemType::ALL.iter().fold(
        "| `type` | status | title |\n|---|---|---|\n".to_owned(),
        |table, kind| {
            let status = kind.status().as_u16();
            table + &format!("| `{}` | {status} | {} |\n", kind.urn(), kind.title())
        },
    )
}
