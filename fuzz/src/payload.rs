//! What people say, commands and positions: there and back.

use std::fmt;

use bytes::Bytes;
use contract::{Envelope, Epoch, Kind, Message, Position, RoomName, Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use service::{
    rooms::{
        message::{Encoding, MAX_DEPTH, MessageView, PayloadError, from_json},
        position::PositionText,
    },
    ws::rooms_v1::{
        MAX_ID_BYTES, MAX_KEY_BYTES,
        command::{self, Command, Refused},
        event::{self, ErrorCode},
    },
};

/// Longest explanation of what is wrong with a command.
const MAX_DETAIL_BYTES: usize = 512;

/// One of them.
pub fn run(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    match first % 6 {
        0 => data(rest, None),
        1 => data(rest, Some(Encoding::Base64)),
        2 => shown(rest),
        3 => position(rest),
        4 => position_text(rest),
        _ => read(rest),
    }
}

/// `data` and `encoding` of a command.
fn data(json: &[u8], encoding: Option<Encoding>) {
    let Ok(data) = serde_json::from_slice::<&RawValue>(json) else {
        return;
    };
    let json = data.get();
    let text = serde_json::from_str::<String>(json).ok();
    // `None`: deeper than the parser goes, or with something in it that has no
    // place in Rust.
    let depth = serde_json::from_str(json).ok().map(|Depth(depth)| depth);
    let is_text = json.starts_with('"');
    match (from_json(data, encoding), encoding) {
        (Ok((kind, bytes)), _) => {
            let (wanted, spelled) = match (encoding, &text) {
                (Some(_), text) => {
                    assert!(text.is_some());
                    (Kind::Binary, &*bytes)
                }
                (None, Some(text)) => (Kind::Text, text.as_bytes()),
                (None, None) => (Kind::Json, json.as_bytes()),
            };
            assert_eq!((kind, &*bytes), (wanted, spelled));
            assert!(kind != Kind::Json || depth.is_none_or(|depth| depth <= MAX_DEPTH));
            let shown = show(kind, bytes.clone());
            let again = from_json(&shown.0, shown.1).unwrap();
            assert_eq!(again, (kind, bytes));
        }
        (Err(PayloadError::TooDeep), None) => {
            assert!(!is_text && depth.is_none_or(|depth| depth > MAX_DEPTH));
        }
        (Err(PayloadError::Surrogate), None) => assert!(is_text && text.is_none()),
        (Err(PayloadError::NotBase64), Some(_)) => assert!(is_text),
        (Err(PayloadError::NotAString), Some(_)) => assert!(!is_text),
        (Err(error), _) => panic!("{error:?}"),
    }
}

/// How deep arrays and objects are nested.
struct Depth(usize);

impl<'de> Deserialize<'de> for Depth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Deepest)
    }
}

struct Deepest;

impl<'de> Visitor<'de> for Deepest {
    type Value = Depth;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_str<E>(self, _: &str) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Depth, A::Error> {
        let mut deepest = 0;
        while let Some(Depth(depth)) = items.next_element()? {
            deepest = deepest.max(depth);
        }
        Ok(Depth(1 + deepest))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Depth, A::Error> {
        let mut deepest = 0;
        while let Some((IgnoredAny, Depth(depth))) = fields.next_entry()? {
            deepest = deepest.max(depth);
        }
        Ok(Depth(1 + deepest))
    }
}

/// How a message is shown.
fn show(kind: Kind, data: Bytes) -> (Box<RawValue>, Option<Encoding>) {
    let envelope = Envelope {
        message: Message {
            from: None,
            connection: None,
            at: Timestamp::UNIX_EPOCH,
            kind,
            data,
            key: None,
        },
        position: Some(Position {
            epoch: Epoch(1),
            seq: 2,
        }),
    };
    let room = RoomName::parse("lobby").unwrap();
    let view = serde_json::to_string(&MessageView::new(&room, &envelope)).unwrap();
    let shown = view
        .strip_prefix(r#"{"room":"lobby","seq":2,"at":"1970-01-01T00:00:00Z","data":"#)
        .unwrap();
    let (data, encoding) = match shown.strip_suffix(r#","encoding":"base64"}"#) {
        Some(data) => (data, Some(Encoding::Base64)),
        None => (shown.strip_suffix('}').unwrap(), None),
    };
    let mut event = Vec::new();
    event::write_message(&room, &envelope, &mut event);
    assert_eq!(
        event,
        [b"{\"type\":\"message\",", &view.as_bytes()[1..]].concat()
    );
    (RawValue::from_string(data.to_owned()).unwrap(), encoding)
}

/// A message of any other service on the bus: whatever it holds is shown.
fn shown(message: &[u8]) {
    let Some((kind, data)) = message.split_first() else {
        return;
    };
    let kind = [Kind::Text, Kind::Binary, Kind::Json][usize::from(kind % 3)];
    let (shown, encoding) = show(kind, Bytes::copy_from_slice(data));
    let is_shown = match kind {
        Kind::Text => std::str::from_utf8(data).is_ok(),
        Kind::Json => serde_json::from_slice::<&RawValue>(data).is_ok(),
        Kind::Binary => false,
    };
    assert_eq!(encoding.is_none(), is_shown);
    if encoding.is_some() {
        let bytes = from_json(&shown, encoding).unwrap();
        assert_eq!(bytes, (Kind::Binary, Bytes::copy_from_slice(data)));
    }
}

fn position(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk::<16>() else {
        return;
    };
    let bits = u128::from_be_bytes(*bytes);
    let position = PositionText(Position {
        epoch: Epoch((bits >> 64) as u64),
        seq: bits as u64,
    });
    assert_eq!(position.to_string().parse(), Ok(position));
    let json = serde_json::to_string(&position).unwrap();
    assert_eq!(
        serde_json::from_str::<PositionText>(&json).unwrap(),
        position
    );
}

fn position_text(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let read = text.parse::<PositionText>().ok();
    let spelled = read.map(|position| position.to_string());
    assert!(spelled.is_none_or(|spelled| spelled == text));
    let spelling = text.split_once(':').is_some_and(|(epoch, seq)| {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let number = seq.parse::<u64>().is_ok() && !seq.starts_with('+');
        epoch.len() == 16
            && epoch.bytes().all(hex)
            && number
            && (seq == "0" || !seq.starts_with('0'))
    });
    assert_eq!(read.is_some(), spelling);
}

/// A command, or none.
fn read(text: &[u8]) {
    let named = command::read(text);
    let id = named.id.as_deref();
    assert!(id.is_none_or(|id| (1..=MAX_ID_BYTES).contains(&id.len())));
    let value = serde_json::from_slice::<Value>(text);
    if let (Some(id), Ok(value)) = (id, &value) {
        assert_eq!(value["id"], id);
    }
    let kind = match named.command {
        Err(Refused { code, detail }) => {
            assert!(matches!(
                code,
                ErrorCode::Malformed | ErrorCode::UnknownType
            ));
            assert!(
                (1..=MAX_DETAIL_BYTES).contains(&detail.len()),
                "{}",
                detail.len()
            );
            return;
        }
        Ok(Command::Publish(publish)) => {
            let key = publish.key.as_deref();
            assert!(key.is_none_or(|key| (1..=MAX_KEY_BYTES).contains(&key.len())));
            assert!(!publish.room.is_internal());
            "publish"
        }
        Ok(Command::Join(_)) => "join",
        Ok(Command::Leave(leave)) => {
            assert!(!leave.room.is_internal());
            "leave"
        }
        Ok(Command::Auth(_)) => "auth",
        Ok(Command::Presence(presence)) => {
            assert!(!presence.room.is_internal());
            "presence"
        }
        Ok(Command::Ping(_)) => "ping",
    };
    if let Ok(value) = value {
        assert!(value.is_object());
        assert_eq!(value["type"], kind);
    }
}
