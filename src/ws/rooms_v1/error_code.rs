//! What can go wrong with a command or a seat: one table, from which codes and
//! the document come.

use serde::Serialize;
use utoipa::ToSchema;

macro_rules! error_codes {
    ($( $(#[doc = $doc:literal])+ $name:ident; )+) => {
        /// What kind of error. `removed` and `seat_expired` end a seat; all
        /// others answer a command, which had no effect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode { $( $(#[doc = $doc])+ $name, )+ }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// What it means, to whoever writes a client.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc),+).trim(), )+ }
            }
        }
    };
}

impl ErrorCode {
    /// Whether it is the client's doing: too many of those in a row, and the
    /// socket is closed.
    #[must_use]
    pub fn is_mistake(self) -> bool {
        !matches!(
            self,
            Self::NotDelivered | Self::Unavailable | Self::Removed | Self::SeatExpired
        )
    }
}

error_codes! {
    /// Not a JSON object, or not with the fields of its type.
    Malformed;
    /// There is no command of this type.
    UnknownType;
    /// The token is not valid, or opens nothing any more.
    TokenRefused;
    /// The token is another user's or another session's.
    OtherSession;
    /// The socket doesn't sit in that room.
    NotJoined;
    /// The seat's grant doesn't allow it.
    NotPermitted;
    /// The socket sits in as many rooms as it may.
    TooManyRooms;
    /// The bus didn't take the message: perhaps nobody has heard it.
    NotDelivered;
    /// The room doesn't tell who is there.
    PresenceOff;
    /// The service can't do it now; try again later.
    Unavailable;
    /// The user is no member of the room any more: the seat has ended.
    Removed;
    /// The seat's token ended, and the seat with it.
    SeatExpired;
}
