use serde_json::{Value, json};

use super::{document, examples};
use crate::{
    config::{Config, Sources},
    ws::rooms_v1::{
        command::{Command, CommandType, read},
        error_code::ErrorCode,
    },
};

/// The type that the parser takes a command for.
fn kind(command: &Command<'_>) -> CommandType {
    match command {
        Command::Publish(_) => CommandType::Publish,
        Command::Join(_) => CommandType::Join,
        Command::Leave(_) => CommandType::Leave,
        Command::Auth(_) => CommandType::Auth,
        Command::Presence(_) => CommandType::Presence,
        Command::Ping(_) => CommandType::Ping,
    }
}

#[test]
fn examples_of_commands_are_commands() {
    for expected in CommandType::ALL {
        let examples = examples::of_command(*expected);
        assert!(!examples.is_empty(), "{expected:?}");
        for example in examples {
            let text = example.json.to_string();
            let named = read(text.as_bytes());
            assert_eq!(named.id.as_deref(), example.json["id"].as_str());
            let command = named
                .command
                .unwrap_or_else(|why| panic!("{text}: {why:?}"));
            assert_eq!(kind(&command), *expected);
        }
    }
}

#[test]
fn every_message_of_rooms_v1_has_an_example_of_its_type() {
    let document = document().unwrap();
    let messages = document["channels"]["roomsV1"]["messages"].as_object();
    for name in messages.unwrap().keys() {
        let message = &document["components"]["messages"][name];
        let kind = &document["components"]["schemas"][name]["properties"]["type"]["const"];
        assert_eq!(message["name"], *kind, "{name}");
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            assert_eq!(example["payload"]["type"], *kind);
        }
    }
}

#[test]
fn every_command_is_answered_by_messages_that_bear_its_id() {
    let document = document().unwrap();
    let id = json!({ "$ref": "#/components/correlationIds/commandId" });
    let mut commands = 0;
    for (name, operation) in document["operations"].as_object().unwrap() {
        let Some(reply) = operation.get("reply") else {
            continue;
        };
        commands += 1;
        let messages = [&operation["messages"], &reply["messages"]];
        for message in messages.into_iter().flat_map(|of| of.as_array().unwrap()) {
            let channel = follow(&document, message);
            let message = follow(&document, channel);
            assert_eq!(message["correlationId"], id, "{name}");
        }
    }
    assert_eq!(commands, CommandType::ALL.len());
}

fn follow<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let path = reference["$ref"].as_str().unwrap();
    document.pointer(path.strip_prefix('#').unwrap()).unwrap()
}

#[test]
fn what_is_said_to_be_the_default_is() {
    let ws = Config::load(&Sources::default()).unwrap().config.ws;
    let examples = examples::of_events().unwrap();
    let welcome = examples
        .iter()
        .find(|example| example.json["type"] == "welcome");
    let welcome = &welcome.unwrap().json;
    assert_eq!(welcome["limits"]["message_bytes"], ws.max_message_bytes);
    assert_eq!(
        welcome["limits"]["messages_per_second"],
        ws.max_messages_per_second
    );
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap();
    let heartbeat = &welcome["heartbeat"];
    assert_eq!(heartbeat["interval_ms"], millis(ws.heartbeat_interval));
    assert_eq!(heartbeat["timeout_ms"], millis(ws.heartbeat_timeout));
}

#[test]
fn every_code_of_an_error_is_explained() {
    let document = document().unwrap();
    let schema = &document["components"]["schemas"]["ErrorCode"];
    let names: Vec<Value> = ErrorCode::ALL.iter().map(|code| json!(code)).collect();
    assert_eq!(schema["enum"], json!(names));
    let description = schema["description"].as_str().unwrap();
    for (code, name) in ErrorCode::ALL.iter().zip(&names) {
        let line = format!("- `{}`: {}", name.as_str().unwrap(), code.meaning());
        assert!(description.contains(&line), "{line}");
    }
}
