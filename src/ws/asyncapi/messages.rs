//! Messages and operations: what is received and sent, and what answers what.

use serde_json::{Error, Map, Value, json};

use super::{
    examples::{self, Example},
    schema::{Body, Schemas},
};
use crate::ws::rooms_v1::command::CommandType;

/// The channel of raw mode.
pub(super) const RAW: &str = "raw";

/// The channel of `rooms.v1`.
pub(super) const ROOMS: &str = "roomsV1";

/// The name of the correlation id.
pub(super) const COMMAND_ID: &str = "commandId";

/// The parts of the document that messages are in.
#[derive(Default)]
pub(super) struct Messages {
    /// `components/messages`.
    pub(super) messages: Map<String, Value>,
    /// `operations`.
    pub(super) operations: Map<String, Value>,
    of_channels: Vec<(&'static str, String)>,
}

impl Messages {
    /// Those of raw mode.
    pub(super) fn raw() -> Self {
        let mut all = Self::default();
        let text = json!({
            "name": "text",
            "title": "text",
            "summary": "A text message, of any text",
            "contentType": "text/plain",
            "payload": { "type": "string" },
            "examples": [{ "name": "text", "summary": "a text", "payload": "hello" }],
        });
        let binary = json!({
            "name": "binary",
            "title": "binary",
            "summary": "A binary message, of any bytes",
            "contentType": "application/octet-stream",
            "payload": { "type": "string", "format": "binary" },
        });
        all.add(RAW, "RawText", text);
        all.add(RAW, "RawBinary", binary);
        let names = ["RawText", "RawBinary"];
        let receive = "Somebody says something; everybody in the room is sent the same";
        let send = "Somebody in the room said something";
        all.operate("receiveRaw", operation("receive", RAW, receive, names));
        all.operate("sendRaw", operation("send", RAW, send, names));
        all
    }

    /// Adds those of `rooms.v1`; the schemas of their payloads come to
    /// `schemas`.
    pub(super) fn rooms_v1(
        &mut self,
        commands: Vec<Body>,
        events: Vec<Body>,
        schemas: &mut Schemas,
    ) -> Result<(), Error> {
        let names: Vec<String> = events.iter().map(|event| event_name(&event.kind)).collect();
        let examples = examples::of_events()?;
        for event in events {
            let kind = event.kind.as_str();
            let examples = examples.iter();
            let examples = examples.filter(|example| example.json["type"] == kind);
            let name = event_name(kind);
            let message = message(&name, &event, examples);
            self.add(ROOMS, &name, message);
            schemas.insert(name, event.schema);
        }
        let send = "What the service has to tell: answers, messages, news";
        self.operate("sendEvent", operation("send", ROOMS, send, &names));

        for (kind, command) in CommandType::ALL.iter().zip(commands) {
            let camel = camel(&command.kind);
            let name = format!("{camel}Command");
            let mut receive = operation("receive", ROOMS, &command.summary, [&name]);
            let answers = answers(*kind).map(|kind| of_channel(ROOMS, &event_name(kind)));
            receive["reply"] = json!({
                "channel": reference(&format!("channels/{ROOMS}")),
                "messages": answers,
            });
            self.operate(&format!("receive{camel}"), receive);
            let examples = examples::of_command(*kind);
            let message = message(&name, &command, examples.iter());
            self.add(ROOMS, &name, message);
            schemas.insert(name, command.schema);
        }
        Ok(())
    }

    /// The messages of a channel.
    pub(super) fn of_channel(&self, channel: &str) -> Value {
        let messages = self.of_channels.iter();
        let messages = messages.filter(|(of, _)| *of == channel);
        let references = messages.map(|(_, name)| {
            let reference = reference(&format!("components/messages/{name}"));
            (name.clone(), reference)
        });
        Value::Object(references.collect())
    }

    fn add(&mut self, channel: &'static str, name: &str, message: Value) {
        self.messages.insert(name.to_owned(), message);
        self.of_channels.push((channel, name.to_owned()));
    }

    fn operate(&mut self, name: &str, operation: Value) {
        self.operations.insert(name.to_owned(), operation);
    }
}

fn message<'a>(name: &str, body: &Body, examples: impl Iterator<Item = &'a Example>) -> Value {
    let examples = examples.map(|example| {
        json!({
            "name": body.kind,
            "summary": example.summary,
            "payload": example.json,
        })
    });
    let mut message = json!({
        "name": body.kind,
        "title": body.kind,
        "summary": body.summary,
        "payload": reference(&format!("components/schemas/{name}")),
        "examples": examples.collect::<Value>(),
    });
    if body.schema["properties"].get("id").is_some() {
        message["correlationId"] = reference(&format!("components/correlationIds/{COMMAND_ID}"));
    }
    message
}

/// The types of the events that answer a command.
fn answers(kind: CommandType) -> [&'static str; 2] {
    match kind {
        CommandType::Presence => ["presence", "error"],
        CommandType::Publish
        | CommandType::Join
        | CommandType::Leave
        | CommandType::Auth
        | CommandType::Ping => ["ack", "error"],
    }
}

fn operation(
    action: &str,
    channel: &str,
    summary: &str,
    messages: impl IntoIterator<Item: AsRef<str>>,
) -> Value {
    let messages = messages.into_iter();
    json!({
        "action": action,
        "channel": reference(&format!("channels/{channel}")),
        "summary": summary,
        "messages": messages.map(|name| of_channel(channel, name.as_ref())).collect::<Value>(),
    })
}

fn of_channel(channel: &str, message: &str) -> Value {
    reference(&format!("channels/{channel}/messages/{message}"))
}

/// A reference to another place in the document.
fn reference(path: &str) -> Value {
    json!({ "$ref": format!("#/{path}") })
}

fn event_name(kind: &str) -> String {
    format!("{}Event", camel(kind))
}

fn camel(kind: &str) -> String {
    let mut letters = kind.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
