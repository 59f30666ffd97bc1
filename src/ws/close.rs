//! Why a socket is closed: one table, from which code, documents and labels
//! come. 4000-4499 mean "come back", 4500-4999 "don't".

use bytes::Bytes;

macro_rules! close_codes {
    ($( $(#[doc = $doc:literal])+ $name:ident = $code:literal, $label:literal, $reconnect:literal, $text:literal; )+) => {
        /// Why the service closes a socket.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Close { $( $(#[doc = $doc])+ $name, )+ }

        impl Close {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// The code on the wire (RFC 6455, section 7.4).
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $( Self::$name => $code, )+ }
            }

            /// A short name for logs and metrics.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $( Self::$name => $label, )+ }
            }

            /// What happened, to whoever writes a client.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc),+).trim(), )+ }
            }

            /// Whether the client should come back, and with what.
            #[must_use]
            pub const fn reconnect(self) -> &'static str {
                match self { $( Self::$name => $reconnect, )+ }
            }

            /// Whether the client should come back, by the code alone.
            #[must_use]
            pub const fn is_temporary(self) -> bool {
                matches!(self.code(), 1012 | 1013 | 4000..=4499)
            }

            /// The reason on the wire; at most 123 bytes.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }
        }
    };
}

close_codes! {
    /// A frame that RFC 6455 doesn't allow.
    ProtocolError = 1002, "protocol_error", "no: mend the client", "protocol error";
    /// A text message that is not UTF-8.
    NotUtf8 = 1007, "not_utf8", "no: mend the client", "text is not UTF-8";
    /// A message longer than `ws.max_message_bytes`, in one frame or many.
    TooBig = 1009, "too_big", "no: send smaller messages", "message too big";
    /// The service is going down; others take over.
    Restarting = 1012, "restarting", "yes, at once, with jitter", "service restarting";
    /// The bus didn't take a message of this socket; it was heard by nobody.
    NotDelivered = 1013, "not_delivered", "yes, later; say it again", "message not delivered, try again later";
    /// The access token ended.
    TokenExpired = 4401, "token_expired", "yes, with a fresh token", "access token expired";
    /// The reader fell behind by more than its backlog holds, or the peer left a
    /// ping without an answer.
    TooSlow = 4408, "too_slow", "yes; messages may have been missed", "too slow to read or to answer, messages may have been missed";
    /// The service lost messages of the room, so this socket would have missed some.
    StateLost = 4410, "state_lost", "yes; messages were missed", "messages were missed";
    /// More messages a second than `ws.max_messages_per_second`.
    TooFast = 4429, "too_fast", "yes, and slow down", "sending too fast";
    /// The session was ended: logout, revocation, password change or refresh reuse.
    Revoked = 4503, "revoked", "no: sign in again", "session ended";
    /// The token's grant doesn't allow what the socket did, or its bearer was
    /// removed from the room.
    NotPermitted = 4507, "not_permitted", "no", "not permitted";
    /// Ten commands in a row were mistakes.
    TooManyErrors = 4509, "too_many_errors", "no: mend the client", "too many errors in a row";
}

macro_rules! peer_codes {
    ($( $name:ident = $code:literal, $text:literal; )+) => {
        /// With which code a client closes a socket, as far as it is one of RFC
        /// 6455 (section 7.4.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum PeerClose {
            $( #[doc = $text] $name, )+
            /// A code that clients may choose.
            Other,
        }

        impl PeerClose {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+ Self::Other];

            /// That of the code in a close frame; `None` is a frame without one.
            #[must_use]
            pub const fn of(code: Option<u16>) -> Self {
                match code {
                    None => Self::NoStatus,
                    $( Some($code) => Self::$name, )+
                    Some(_) => Self::Other,
                }
            }

            /// The code, as a label.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $( Self::$name => stringify!($code), )+
                    Self::Other => "other",
                }
            }
        }
    };
}

peer_codes! {
    Normal = 1000, "It is done.";
    GoingAway = 1001, "Its page or its process goes away.";
    Protocol = 1002, "It could not read a frame.";
    Unacceptable = 1003, "It can't take such data.";
    NoStatus = 1005, "It doesn't say.";
    NotUtf8 = 1007, "It was sent a text that is not UTF-8.";
    Policy = 1008, "It does not want what it was sent.";
    TooBig = 1009, "It was sent too much.";
    NoExtension = 1010, "It misses an extension.";
    Unexpected = 1011, "It broke.";
}

impl Close {
    /// The whole close frame, as a server sends it.
    #[must_use]
    pub fn wire(self) -> Bytes {
        let mut payload = self.code().to_be_bytes().to_vec();
        payload.extend_from_slice(self.reason().as_bytes());
        super::wire::frame(super::wire::OpCode::Close, &payload)
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as Code;

    use super::*;

    #[test]
    fn codes_are_unique_ascending_and_allowed_on_the_wire() {
        assert!(
            Close::ALL
                .windows(2)
                .all(|pair| pair[0].code() < pair[1].code())
        );
        for close in Close::ALL {
            assert!(Code::from(close.code()).is_allowed(), "{close:?}");
            assert!(close.reason().len() <= 123, "{close:?}");
        }
    }

    #[test]
    fn the_range_says_whether_to_come_back() {
        for close in Close::ALL {
            assert_eq!(
                close.is_temporary(),
                close.reconnect().starts_with("yes"),
                "{close:?}"
            );
        }
    }
}
