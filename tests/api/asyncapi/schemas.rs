//! What the document says of a message, held against messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

pub fn committed() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/asyncapi.json");
    std::fs::read_to_string(path).unwrap()
}

pub fn document() -> Value {
    serde_json::from_str(&committed()).unwrap()
}

/// The messages that somebody says, by their types.
pub type Messages = BTreeMap<String, Validator>;

/// What clients say in `rooms.v1`.
pub static COMMANDS: LazyLock<Messages> = LazyLock::new(|| messages("receive", &document()));

/// What the service says there.
pub static EVENTS: LazyLock<Messages> = LazyLock::new(|| messages("send", &closed(document())));

fn messages(action: &str, document: &Value) -> Messages {
    let operations = document["operations"].as_object().unwrap().values();
    let operations = operations.filter(|operation| {
        operation["action"] == action
            && operation["channel"]["$ref"].as_str().unwrap() == "#/channels/roomsV1"
    });
    let mut messages = Messages::new();
    for message in operations.flat_map(|operation| operation["messages"].as_array().unwrap()) {
        let path = message["$ref"].as_str().unwrap();
        let name = path.rsplit('/').next().unwrap();
        let message = &document["components"]["messages"][name];
        let kind = message["name"].as_str().unwrap().to_owned();
        messages.insert(kind, validator(document, &message["payload"]));
    }
    messages
}

/// What the schemas don't name is not there: clients ignore more, but the
/// service says no more than the document knows.
fn closed(mut document: Value) -> Value {
    let schemas = &mut document["components"]["schemas"];
    for schema in schemas.as_object_mut().unwrap().values_mut() {
        if schema.get("properties").is_some() {
            schema["additionalProperties"] = json!(false);
        }
    }
    document
}

/// As AsyncAPI has schemas: draft 7.
pub fn validator(document: &Value, schema: &Value) -> Validator {
    let schema = json!({ "allOf": [schema], "components": document["components"] });
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

#[track_caller]
pub fn assert_valid(messages: &Messages, message: &Value) {
    let kind = message["type"].as_str().unwrap();
    let schema = messages.get(kind);
    let schema = schema.unwrap_or_else(|| panic!("not described: {message}"));
    if let Err(error) = schema.validate(message) {
        panic!("{error} at {}: {message}", error.instance_path());
    }
}

pub fn types(messages: &Messages) -> BTreeSet<String> {
    messages.keys().cloned().collect()
}
