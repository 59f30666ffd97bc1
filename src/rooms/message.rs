//! What people say, as JSON carries it: the member `data` and, for bytes, its
//! `encoding`. One rule for HTTP and for sockets, in both directions.
//!
//! | `data` | `encoding` | the message |
//! |---|---|---|
//! | a string | | text |
//! | any other value | | that value, spelled as it was sent |
//! | a string | `base64` | bytes |

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use contract::{Envelope, Kind, Message, MessageKey, RoomName, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::schema::RoomNameSchema;

/// How deep arrays and objects in `data` may be nested: some JSON parsers take
/// 128 levels and no more, and a message has levels of its own around it.
pub const MAX_DEPTH: usize = 100;

/// How `data` stands for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// RFC 4648, section 4: the standard alphabet, padded.
    Base64,
}

/// Why `data` can't be said. The texts are shown to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// A string with an escape that stands for no character.
    #[error("`data` has half of a surrogate pair, which is no character")]
    Surrogate,
    /// Arrays in arrays in arrays.
    #[error("`data` is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// `encoding` wants a string, and `data` is none.
    #[error("with `encoding`, `data` is a string")]
    NotAString,
    /// A string that is no base64.
    #[error("`data` is not base64 of the standard alphabet, padded")]
    NotBase64,
}

/// What a message with that `data` and `encoding` holds.
///
/// # Errors
/// [`PayloadError`]
pub fn from_json(
    data: &RawValue,
    encoding: Option<Encoding>,
) -> Result<(Kind, Bytes), PayloadError> {
    let json = data.get();
    let is_string = json.starts_with('"');
    match encoding {
        None if is_string => {
            let text: String = serde_json::from_str(json).map_err(|_| PayloadError::Surrogate)?;
            Ok((Kind::Text, text.into()))
        }
        None if depth(json) > MAX_DEPTH => Err(PayloadError::TooDeep),
        None => Ok((Kind::Json, Bytes::copy_from_slice(json.as_bytes()))),
        Some(Encoding::Base64) if is_string => {
            let text: String = serde_json::from_str(json).map_err(|_| PayloadError::NotBase64)?;
            let bytes = STANDARD.decode(text).map_err(|_| PayloadError::NotBase64)?;
            Ok((Kind::Binary, bytes.into()))
        }
        Some(Encoding::Base64) => Err(PayloadError::NotAString),
    }
}

/// How deep a valid JSON text is nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `data` on its way out.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Data<'a> {
    /// A string.
    Text(&'a str),
    /// Any other value, as it was spelled.
    Json(&'a RawValue),
    /// A string that stands for bytes.
    Base64(String),
}

impl<'a> Data<'a> {
    /// What a message holds. Text or JSON that is none, which nobody can say
    /// through this service, is shown as the bytes that it is.
    #[must_use]
    pub fn of(message: &'a Message) -> Self {
        let text = std::str::from_utf8(&message.data).ok();
        let data = match message.kind {
            Kind::Text => text.map(Self::Text),
            Kind::Json => text
                .and_then(|text| serde_json::from_str(text).ok())
                .map(Self::Json),
            Kind::Binary => None,
        };
        data.unwrap_or_else(|| Self::Base64(STANDARD.encode(&message.data)))
    }

    /// The `encoding` that goes with it.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        matches!(self, Self::Base64(_)).then_some(Encoding::Base64)
    }
}

/// A message.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView<'a> {
    /// Where it was said.
    #[schema(value_type = RoomNameSchema)]
    pub room: &'a RoomName,
    /// Its number in the room's order; absent where rooms have none. Numbers
    /// grow, and may be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seq: Option<u64>,
    /// Who said it; absent if the service did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>, nullable = false)]
    pub from: Option<UserId>,
    /// When the service took it.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What was said: a string, any other JSON, or, with `encoding`, a string
    /// that stands for bytes.
    #[schema(value_type = serde_json::Value)]
    pub data: Data<'a>,
    /// How `data` stands for bytes, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub encoding: Option<Encoding>,
}

impl<'a> MessageView<'a> {
    /// A message of `room`.
    #[must_use]
    pub fn new(room: &'a RoomName, envelope: &'a Envelope) -> Self {
        let message = &envelope.message;
        let data = Data::of(message);
        Self {
            room,
            seq: envelope.position.map(|position| position.seq),
            from: message.from,
            at: message.at,
            encoding: data.encoding(),
            data,
        }
    }
}

/// Names a message that `user` may have to say again in `room`, by the `key`
/// that it gave it. `way` tells keys of HTTP (`http:`) from those of sockets
/// (`ws:`): a client that uses one for both means two messages.
#[must_use]
pub fn message_key(way: &str, user: UserId, room: &RoomName, key: &str) -> MessageKey {
    let named = [
        user.0.as_bytes(),
        room.as_str().as_bytes(),
        &[0],
        way.as_bytes(),
        key.as_bytes(),
    ]
    .concat();
    let hash = digest(&SHA256, &named);
    let bytes = hash.as_ref().iter().take(16);
    MessageKey(bytes.fold(0, |number, byte| number << 8 | u128::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn said(json: &str, encoding: Option<Encoding>) -> Result<(Kind, Vec<u8>), PayloadError> {
        from_json(&raw(json), encoding).map(|(kind, data)| (kind, data.to_vec()))
    }

    fn shown(kind: Kind, data: &[u8]) -> String {
        let envelope = Envelope {
            message: Message {
                from: None,
                connection: None,
                at: Timestamp::UNIX_EPOCH,
                kind,
                data: Bytes::copy_from_slice(data),
                key: None,
            },
            position: None,
        };
        let room = RoomName::parse("lobby").unwrap();
        serde_json::to_string(&MessageView::new(&room, &envelope)).unwrap()
    }

    fn in_message(data: &str) -> String {
        format!("{{\"room\":\"lobby\",\"at\":\"1970-01-01T00:00:00Z\",{data}}}")
    }

    #[test]
    fn a_string_is_text_and_comes_back_as_one() {
        for (json, text) in [
            (r#""""#, ""),
            (r#""hi""#, "hi"),
            (r#""\u00fc\n\ud83d\ude00""#, "ü\n😀"),
            (r#""{\"a\":1}""#, r#"{"a":1}"#),
        ] {
            let (kind, data) = said(json, None).unwrap();
            assert_eq!((kind, &*data), (Kind::Text, text.as_bytes()));
            let spelled = serde_json::to_string(text).unwrap();
            let shown = shown(kind, &data);
            assert_eq!(shown, in_message(&format!("\"data\":{spelled}")));
        }
    }

    #[test]
    fn any_other_value_keeps_its_spelling() {
        for json in [
            "null",
            "true",
            "1.50",
            "1e400",
            "123456789012345678901234567890",
            "-0",
            "[ 1,\t2 ]",
            r#"{"b":1,"a":"\u00fc","a":2}"#,
            "{}",
        ] {
            let (kind, data) = said(json, None).unwrap();
            assert_eq!((kind, &*data), (Kind::Json, json.as_bytes()));
            assert_eq!(shown(kind, &data), in_message(&format!("\"data\":{json}")));
        }
    }

    #[test]
    fn bytes_are_base64_in_both_directions() {
        for (json, bytes) in [
            (r#""""#, &b""[..]),
            (r#""AP+A""#, b"\0\xff\x80"),
            (r#""\u0041P8=""#, b"\0\xff"),
        ] {
            let (kind, data) = said(json, Some(Encoding::Base64)).unwrap();
            assert_eq!((kind, &*data), (Kind::Binary, bytes));
            let base64 = STANDARD.encode(bytes);
            let data_of = format!("\"data\":\"{base64}\",\"encoding\":\"base64\"");
            assert_eq!(shown(kind, &data), in_message(&data_of));
        }
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for json in [r#""\ud800""#, r#""\udc00\ud800""#] {
            assert_eq!(said(json, None), Err(PayloadError::Surrogate));
        }
        for json in [
            r#""AP8""#,
            r#""AP9=""#,
            r#""AP-_""#,
            r#""AP8=\n""#,
            r#""\ud800""#,
        ] {
            let said = said(json, Some(Encoding::Base64));
            assert_eq!(said, Err(PayloadError::NotBase64), "{json}");
        }
        for json in ["null", "7", r#"["AP8="]"#] {
            let said = said(json, Some(Encoding::Base64));
            assert_eq!(said, Err(PayloadError::NotAString), "{json}");
        }
    }

    #[test]
    fn nesting_has_a_bound_that_strings_do_not_count_for() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(said(&nested(MAX_DEPTH), None).is_ok());
        assert_eq!(
            said(&nested(MAX_DEPTH + 1), None),
            Err(PayloadError::TooDeep)
        );
        assert_eq!(said(&nested(30_000), None), Err(PayloadError::TooDeep));
        let brackets = "[{".repeat(MAX_DEPTH);
        assert!(said(&format!(r#"["\\\"{brackets}"]"#), None).is_ok());
        let wide = format!("[{}[]]", "[],".repeat(MAX_DEPTH));
        assert!(said(&wide, None).is_ok());
    }

    #[test]
    fn what_is_not_what_it_says_is_shown_as_bytes() {
        let shown = shown(Kind::Json, b"{");
        assert_eq!(shown, in_message(r#""data":"ew==","encoding":"base64""#));
        let shown = self::shown(Kind::Text, b"\xff");
        assert_eq!(shown, in_message(r#""data":"/w==","encoding":"base64""#));
    }

    #[test]
    fn a_key_is_of_one_user_room_and_way() {
        let (ann, bob) = (UserId::random(), UserId::random());
        let room = |name: &str| RoomName::parse(name).unwrap();
        let keys = [
            message_key("http:", ann, &room("lobby"), "1"),
            message_key("http:", bob, &room("lobby"), "1"),
            message_key("http:", ann, &room("attic"), "1"),
            message_key("ws:", ann, &room("lobby"), "1"),
            message_key("http:", ann, &room("lobby"), "2"),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key));
        }
        assert_eq!(keys[0], message_key("http:", ann, &room("lobby"), "1"));
    }

    #[test]
    fn a_key_is_the_same_on_every_node_and_version() {
        let nil = UserId(uuid::Uuid::nil());
        let key = message_key("ws:", nil, &RoomName::parse("lobby").unwrap(), "1");
        // SHA-256 of 16 zero bytes, `lobby`, a zero byte, `ws:1`.
        assert_eq!(
            format!("{:032x}", key.0),
            "79f8b8b101b9c3f5b50247234b1b8ad3"
        );
    }
}
