//! From the schemas that the types of `rooms.v1` have of themselves to those of
//! the document: JSON Schema draft 7, as AsyncAPI has it unless told otherwise.

use std::collections::BTreeMap;

use serde_json::{Error, Map, Value, json, to_value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use crate::ws::rooms_v1::{
    command::{self, CommandType},
    error_code::ErrorCode,
    event::Event,
};

/// Where one schema finds another.
const COMPONENTS: &str = "#/components/schemas/";

/// Schemas by their names.
pub(super) type Schemas = BTreeMap<String, Value>;

/// An object of a known `type`.
pub(super) struct Body {
    pub(super) kind: String,
    pub(super) summary: String,
    pub(super) schema: Value,
}

impl Body {
    fn new(kind: &str, mut schema: Value, summary: &str) -> Self {
        schema["properties"]["type"] = json!({ "type": "string", "const": kind });
        let required = &mut schema["required"];
        match required.as_array_mut() {
            Some(required) => required.insert(0, "type".into()),
            None => *required = json!(["type"]),
        }
        let summary = summary.split(". ").next().unwrap_or(summary);
        Self {
            kind: kind.to_owned(),
            summary: summary.trim_end_matches('.').to_owned(),
            schema,
        }
    }
}

/// Every command, and what their schemas refer to.
pub(super) fn commands(shared: &mut Schemas) -> Result<Vec<Body>, Error> {
    let commands = CommandType::ALL.iter().map(|kind| {
        let mut schema = match kind {
            CommandType::Publish => schema_of::<command::Publish<'_>>(shared),
            CommandType::Join => schema_of::<command::Join<'_>>(shared),
            CommandType::Leave => schema_of::<command::Leave>(shared),
            CommandType::Auth => schema_of::<command::Auth<'_>>(shared),
            CommandType::Presence => schema_of::<command::Presence>(shared),
            CommandType::Ping => schema_of::<command::Ping>(shared),
        }?;
        schema["properties"]["id"] = json!({
            "type": "string",
            "minLength": 1,
            "maxLength": crate::ws::rooms_v1::MAX_ID_BYTES,
            "description": "Names the command to whoever sends it: what answers it bears the same.",
        });
        let description = text(&schema["description"]);
        Ok(Body::new(kind.name(), schema, &description))
    });
    commands.collect()
}

/// Every event, and what their schemas refer to.
pub(super) fn events(shared: &mut Schemas) -> Result<Vec<Body>, Error> {
    let mut all = Schemas::new();
    let of_all = schema_of::<Event<'_>>(&mut all)?;
    let mut events = Vec::new();
    // As serde tags them: each is what its variant holds, and its `type`.
    for variant in of_all["oneOf"].as_array().into_iter().flatten() {
        let parts = &variant["allOf"];
        let holds = parts
            .pointer("/0/allOf/0/$ref")
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix(COMPONENTS));
        let kind = parts
            .pointer("/1/properties/type/enum/0")
            .and_then(Value::as_str);
        let (Some(holds), Some(kind)) = (holds, kind) else {
            return Err(serde::ser::Error::custom("an event without a type"));
        };
        let Some(schema) = all.get(holds).cloned() else {
            return Err(serde::ser::Error::custom("an event without a schema"));
        };
        let body = Body::new(kind, schema, &text(&variant["description"]));
        events.push((holds.to_owned(), body));
    }
    for (holds, _) in &events {
        all.remove(holds);
    }
    shared.append(&mut all);
    if let Some(codes) = shared.get_mut(&*ErrorCode::name()) {
        codes["description"] = describe_codes(text(&codes["description"]))?.into();
    }
    Ok(events.into_iter().map(|(_, body)| body).collect())
}

/// What the codes mean stands at the variants, which their schema leaves out.
fn describe_codes(of_all: String) -> Result<String, Error> {
    let mut list = of_all + "\n";
    for code in ErrorCode::ALL {
        let name = text(&to_value(code)?);
        list += &format!("\n- `{name}`: {}", code.meaning());
    }
    Ok(list)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The schema of a type; those that it refers to come to `shared`.
pub(super) fn schema_of<T: ToSchema>(shared: &mut Schemas) -> Result<Value, Error> {
    let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut parts);
    for (name, schema) in parts {
        shared.insert(name, plain(to_value(schema)?));
    }
    to_value(<T as PartialSchema>::schema()).map(plain)
}

/// A schema of OpenAPI 3.1 as one of draft 7. What is optional is absent, and
/// never `null`; `$ref` stands alone; what line a description was broken at is
/// nobody's concern.
fn plain(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else {
        return schema;
    };
    if let Some(one_of) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        one_of.retain(|one| one["type"] != "null");
        if let [only] = &mut one_of[..] {
            return plain(only.take());
        }
    }
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|kind| kind != "null");
        if let [only] = &mut types[..] {
            let only = only.take();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(example) = schema.remove("example") {
        schema.insert("examples".to_owned(), json!([example]));
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    for (keyword, value) in &mut schema {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(fields)) => {
                for field in fields.values_mut() {
                    *field = plain(field.take());
                }
            }
            ("oneOf" | "anyOf" | "allOf", Value::Array(schemas)) => {
                for schema in schemas {
                    *schema = plain(schema.take());
                }
            }
            ("items", items) => *items = plain(items.take()),
            _ => {}
        }
    }
    alone(schema)
}

/// Draft 7 doesn't look at what stands beside a `$ref`.
fn alone(mut schema: Map<String, Value>) -> Value {
    if schema.len() > 1
        && let Some(reference) = schema.remove("$ref")
    {
        schema.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
    Value::Object(schema)
}
