//! The AsyncAPI document of the sockets, from the types that are spoken on them.
//!
//! | file | what it holds |
//! |---|---|
//! | `guide.md` | what no schema says: how to open, resume, renew, come back |
//! | `messages` | messages, and which of them answer which |
//! | `schema` | their schemas |
//! | `examples` | their examples |

mod examples;
mod messages;
mod schema;

use serde_json::{Error, Value, json};

use self::{
    messages::{Messages, RAW, ROOMS},
    schema::{Schemas, commands, events, schema_of},
};
use super::{
    close::Close,
    handshake::BEARER,
    rooms_v1::{
        MAX_ERRORS_IN_A_ROW, MAX_ID_BYTES, MAX_KEY_BYTES, MAX_ROOMS, SUBPROTOCOL, seats::LEAD,
    },
};
use crate::{
    presence,
    rooms::{message::MAX_DEPTH, position::PositionText},
};

/// The name of the security scheme.
const ACCESS_TOKEN: &str = "accessToken";

/// The document as it is committed and served: the same on every node that has
/// sockets.
///
/// # Errors
/// serde_json's, which the document doesn't cause.
pub fn document_json() -> Result<String, Error> {
    let mut json = serde_json::to_string_pretty(&document()?)?;
    json.push('\n');
    Ok(json)
}

fn document() -> Result<Value, Error> {
    let mut schemas = Schemas::new();
    let mut messages = Messages::raw();
    messages.rooms_v1(commands(&mut schemas)?, events(&mut schemas)?, &mut schemas)?;
    let since = schema_of::<PositionText>(&mut schemas)?;
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rooms",
            "version": env!("CARGO_PKG_VERSION"),
            "description": guide(),
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "wss": server("wss", "Over TLS"),
            "ws": server("ws", "Without TLS, on the machine at hand"),
        },
        "channels": {
            RAW: {
                "address": "/ws",
                "title": "Raw mode",
                "summary": "One room; what one says, everybody there receives",
                "messages": messages.of_channel(RAW),
                "bindings": { "ws": binding(format!("{BEARER}, TOKEN"), format!("^{BEARER}, *[^, ]+$"), None) },
            },
            ROOMS: {
                "address": "/ws",
                "title": SUBPROTOCOL,
                "summary": format!("Up to {MAX_ROOMS} rooms; JSON objects of a known `type`"),
                "messages": messages.of_channel(ROOMS),
                "bindings": { "ws": binding(
                    format!("{SUBPROTOCOL}, {BEARER}, TOKEN"),
                    format!("^{}, *{BEARER}, *[^, ]+$", SUBPROTOCOL.replace('.', "\\.")),
                    Some(since),
                ) },
            },
        },
        "operations": messages.operations,
        "components": {
            "messages": messages.messages,
            "schemas": schemas,
            "correlationIds": {
                messages::COMMAND_ID: {
                    "description": "What answers a command bears its `id`.",
                    "location": "$message.payload#/id",
                },
            },
            "securitySchemes": {
                ACCESS_TOKEN: {
                    "type": "httpApiKey",
                    "name": "Sec-WebSocket-Protocol",
                    "in": "header",
                    "description": "An access token (a JWT of RFC 9068), from a login, a refresh or `POST /rooms/{room}/token`: the last of the subprotocols that are offered, after `bearer`. It is never sent back.",
                },
            },
        },
        "x-close-codes": Close::ALL.iter().map(|close| close_code(*close)).collect::<Value>(),
    }))
}

/// Whoever serves the document can't know by which name it was reached.
fn server(protocol: &str, description: &str) -> Value {
    json!({
        "host": "{host}",
        "protocol": protocol,
        "description": description,
        "variables": {
            "host": {
                "description": "Where this document is served, with the port if it is not the protocol's own",
                "examples": ["rooms.example.com", "127.0.0.1:9000"],
            },
        },
        "security": [{ "$ref": format!("#/components/securitySchemes/{ACCESS_TOKEN}") }],
    })
}

fn binding(offer: String, pattern: String, since: Option<Value>) -> Value {
    let mut binding = json!({
        "bindingVersion": "0.1.0",
        "method": "GET",
        "headers": {
            "type": "object",
            "required": ["Sec-WebSocket-Protocol"],
            "properties": {
                "Sec-WebSocket-Protocol": {
                    "type": "string",
                    "description": "The subprotocols that are offered, with the access token in the place of TOKEN",
                    "pattern": pattern,
                    "examples": [offer],
                },
                "Origin": {
                    "type": "string",
                    "description": "If present, one of the allowed origins, or the service's own where it serves its page; browsers send it by themselves",
                },
            },
        },
    });
    if let Some(mut since) = since {
        since["description"] =
            "Where the client left the room of the token: what was said since comes first".into();
        binding["query"] = json!({ "type": "object", "properties": { "since": since } });
    }
    binding
}

fn guide() -> String {
    let mut close_codes = String::new();
    for close in Close::ALL {
        close_codes += &format!(
            "| {} | {} | {} | {} |\n",
            close.code(),
            close.reason(),
            close.meaning(),
            close.reconnect(),
        );
    }
    format!(
        include_str!("guide.md"),
        rooms = MAX_ROOMS,
        id_bytes = MAX_ID_BYTES,
        key_bytes = MAX_KEY_BYTES,
        depth = MAX_DEPTH,
        lead = LEAD.as_secs(),
        presence_bound = presence::BOUND.as_secs(),
        message_bytes = examples::MESSAGE_BYTES,
        messages_per_second = examples::MESSAGES_PER_SECOND,
        errors = MAX_ERRORS_IN_A_ROW,
        close_codes = close_codes.trim_end(),
    )
}

fn close_code(close: Close) -> Value {
    json!({
        "code": close.code(),
        "label": close.label(),
        "reason": close.reason(),
        "meaning": close.meaning(),
        "comeBack": close.is_temporary(),
        "advice": close.reconnect(),
    })
}

#[cfg(test)]
mod tests;
