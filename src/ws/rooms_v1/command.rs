//! What a client says: one JSON object a message. Fields that are not known
//! are ignored, so that a newer client is understood as far as it can be.

use std::borrow::Cow;

use contract::RoomName;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{MAX_ID_BYTES, MAX_KEY_BYTES, error_code::ErrorCode};
use crate::rooms::{message::Encoding, position::PositionText, schema::RoomNameSchema};

/// Longest explanation of what is wrong with a command, in bytes: parsers quote
/// what they found.
const MAX_DETAIL_BYTES: usize = 256;

const NO_OBJECT: &str = "a command is a JSON object";

macro_rules! command_types {
    ($( $name:ident = $text:literal; )+) => {
        /// What kind of command, as `type` says it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum CommandType { $( #[doc = concat!("`", $text, "`")] $name, )+ }

        impl CommandType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// Its name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }

            fn of(name: &str) -> Option<Self> {
                match name { $( $text => Some(Self::$name), )+ _ => None }
            }
        }
    };
}

command_types! {
    Publish = "publish";
    Join = "join";
    Leave = "leave";
    Auth = "auth";
    Presence = "presence";
    Ping = "ping";
}

/// A command. No `Debug`: some hold a token.
pub enum Command<'a> {
    /// Says something in a room.
    Publish(Publish<'a>),
    /// Takes a seat in a room, or renews it.
    Join(Join<'a>),
    /// Gives a seat up.
    Leave(Leave),
    /// Lets the socket live on.
    Auth(Auth<'a>),
    /// Asks who is in a room.
    Presence(Presence),
    /// Asks for an `ack`, so that a client that sees no pings knows that the
    /// service is there.
    Ping(Ping),
}

/// Says something in a room. The `ack` has its `seq`.
#[derive(Deserialize, ToSchema)]
pub struct Publish<'a> {
    /// One of the rooms that the socket sits in, with the grant `rw`.
    #[schema(value_type = RoomNameSchema)]
    pub room: RoomName,
    /// A string is a text message; any other JSON value is a message of its
    /// own kind. With `encoding`, a string that holds a binary message.
    #[serde(borrow)]
    #[schema(value_type = serde_json::Value)]
    pub data: &'a RawValue,
    /// What `data` holds, if not the message itself.
    pub encoding: Option<Encoding>,
    /// Names the message, for a client that may have to repeat it: as long as
    /// the service keeps it, it is said once. 1 to 64 bytes.
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 64)]
    pub key: Option<Cow<'a, str>>,
}

/// Takes a seat in the room of a token, or renews the seat that is there. The
/// `ack` has the `seat`; what was missed follows it.
#[derive(Deserialize, ToSchema)]
pub struct Join<'a> {
    /// A room token of the socket's own user and session.
    #[serde(borrow)]
    pub token: Cow<'a, str>,
    /// Where the client left the room: what was said since comes first.
    pub since: Option<PositionText>,
}

/// Gives a seat up.
#[derive(Deserialize, ToSchema)]
pub struct Leave {
    /// The room.
    #[schema(value_type = RoomNameSchema)]
    pub room: RoomName,
}

/// Lets the socket live until the token ends, and the seat in the token's room
/// too, if there is one. The `ack` has the new `expires_at`.
#[derive(Deserialize, ToSchema)]
pub struct Auth<'a> {
    /// A fresh access token of the socket's own user and session.
    #[serde(borrow)]
    pub token: Cow<'a, str>,
}

/// Asks who is in a room; a `presence` answers.
#[derive(Deserialize, ToSchema)]
pub struct Presence {
    /// One of the rooms that the socket sits in, if it tells who is there.
    #[schema(value_type = RoomNameSchema)]
    pub room: RoomName,
}

/// Asks for an `ack`.
#[derive(Deserialize, ToSchema)]
pub struct Ping {}

/// A command with the name that its answer bears.
pub struct Named<'a> {
    /// The name.
    pub id: Option<Cow<'a, str>>,
    /// The command, or why it is none.
    pub command: Result<Command<'a>, Refused>,
}

/// Why a message is no command.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// What kind of mistake.
    pub code: ErrorCode,
    /// More of it, for whoever mends the client.
    pub detail: String,
}

impl Refused {
    fn malformed(detail: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::Malformed,
            detail: detail.into(),
        }
    }
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        let mut detail = error.to_string();
        if detail.len() > MAX_DETAIL_BYTES {
            const CUT: &str = " ...";
            detail.truncate(detail.floor_char_boundary(MAX_DETAIL_BYTES - CUT.len()));
            detail.push_str(CUT);
        }
        Self::malformed(detail)
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

/// Reads a message.
#[must_use]
pub fn read(text: &[u8]) -> Named<'_> {
    // Serde would take an array of the fields, too.
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Named {
            id: None,
            command: Err(Refused::malformed(NO_OBJECT)),
        };
    }
    let head: Head<'_> = match serde_json::from_slice(text) {
        Ok(head) => head,
        Err(error) => {
            return Named {
                id: None,
                command: Err(error.into()),
            };
        }
    };
    if let Some(id) = &head.id
        && !(1..=MAX_ID_BYTES).contains(&id.len())
    {
        let detail = format!("an id has 1 to {MAX_ID_BYTES} bytes");
        return Named {
            id: None,
            command: Err(Refused::malformed(detail)),
        };
    }
    Named {
        id: head.id,
        command: body(&head.kind, text),
    }
}

fn body<'a>(kind: &str, text: &'a [u8]) -> Result<Command<'a>, Refused> {
    let Some(kind) = CommandType::of(kind) else {
        return Err(Refused {
            code: ErrorCode::UnknownType,
            detail: "there is no command of this type".to_owned(),
        });
    };
    Ok(match kind {
        CommandType::Publish => {
            let publish: Publish<'_> = serde_json::from_slice(text)?;
            if let Some(key) = &publish.key
                && !(1..=MAX_KEY_BYTES).contains(&key.len())
            {
                let detail = format!("a key has 1 to {MAX_KEY_BYTES} bytes");
                return Err(Refused::malformed(detail));
            }
            Command::Publish(publish)
        }
        CommandType::Join => Command::Join(serde_json::from_slice(text)?),
        CommandType::Leave => Command::Leave(serde_json::from_slice(text)?),
        CommandType::Auth => Command::Auth(serde_json::from_slice(text)?),
        CommandType::Presence => Command::Presence(serde_json::from_slice(text)?),
        CommandType::Ping => Command::Ping(serde_json::from_slice(text)?),
    })
}
