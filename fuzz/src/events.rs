//! What the service says in `rooms.v1`, read as strictly as a client may.

use serde_json::{Map, Value};

/// Longest error: an `id`, a room and a sentence or two, whatever the client
/// sent.
const MAX_ERROR_BYTES: usize = 2048;

/// The types of events, the fields that each has, and those that it may have.
const TYPES: &[(&str, &[&str], &[&str])] = &[
    ("ack", &[], &["id", "room", "seq", "seat", "expires_at"]),
    (
        "message",
        &["room", "at", "data"],
        &["seq", "from", "encoding"],
    ),
    ("gap", &["room"], &["position"]),
    ("presence", &["room"], &["id", "users", "joined", "left"]),
    ("granted", &["room", "grant"], &[]),
    ("expiring", &["expires_at"], &["room"]),
    ("error", &["code", "detail"], &["id", "room"]),
];

/// An event.
#[derive(Debug)]
pub struct Event(Map<String, Value>);

impl Event {
    /// Reads a frame.
    ///
    /// # Panics
    /// If it isn't one event in one frame.
    pub fn read(frame: &[u8]) -> Self {
        Self::parse(payload(frame))
    }

    /// Reads a message.
    ///
    /// # Panics
    /// If it isn't one event.
    pub fn parse(json: &[u8]) -> Self {
        let event = Self(serde_json::from_slice(json).unwrap());
        let (_, has, may) = TYPES
            .iter()
            .find(|(name, ..)| *name == event.kind())
            .unwrap();
        assert!(
            has.iter().all(|field| event.0.contains_key(*field)),
            "{event:?}"
        );
        let known = |field: &str| field == "type" || has.contains(&field) || may.contains(&field);
        assert!(event.0.keys().all(|field| known(field)), "{event:?}");
        assert!(
            event.kind() != "error" || json.len() <= MAX_ERROR_BYTES,
            "{}",
            json.len()
        );
        event
    }

    /// Its type.
    ///
    /// # Panics
    /// If it has none.
    pub fn kind(&self) -> &str {
        self.text("type").unwrap()
    }

    /// A field, if it is there.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// A field with a text, if it is there.
    ///
    /// # Panics
    /// If it holds something else.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.get(field).map(|value| value.as_str().unwrap())
    }
}

/// What is in a server's text frame, which is the only one in `bytes` (RFC
/// 6455, section 5.2).
fn payload(bytes: &[u8]) -> &[u8] {
    let (head, rest) = bytes.split_at(2);
    assert_eq!(head[0], 0x81, "a whole text message");
    let wide = match head[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let (length, payload) = rest.split_at(wide);
    let length = match wide {
        0 => u64::from(head[1]),
        _ => length
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    let shortest = match length {
        0..=125 => 0,
        126..=0xFFFF => 2,
        _ => 8,
    };
    assert_eq!(wide, shortest, "the shortest way to write the length");
    assert_eq!(length, payload.len() as u64);
    payload
}
