//! Socket.IO's protocol over Engine.IO's WebSocket, as far as the load client
//! speaks it: by hand, as its frames.

/// Where it is served.
pub(crate) const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

/// A text that wants [`PONG`].
pub(crate) const PING: &[u8] = b"2";
/// The answer.
pub(crate) const PONG: &[u8] = b"3";

/// What comes before and after the payload of an event, in which nothing has to
/// be escaped.
const BEFORE: &[u8] = br#"42["message",""#;
const AFTER: &[u8] = br#""]"#;

/// The first packet: connects to the main namespace, and names the room.
pub(crate) fn connect(room: &str) -> Vec<u8> {
    format!(r#"40{{"room":"{room}"}}"#).into_bytes()
}

/// The event that says a payload.
pub(crate) fn publish(payload: &[u8]) -> Vec<u8> {
    [BEFORE, payload, AFTER].concat()
}

/// The payload of an event; `None` if it is another packet.
pub(crate) fn data(packet: &[u8]) -> Option<&[u8]> {
    packet.strip_prefix(BEFORE)?.strip_suffix(AFTER)
}
