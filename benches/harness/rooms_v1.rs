//! `rooms.v1` as far as the load client speaks it: by hand, as its frames.

use super::publisher::PAYLOAD;

/// What is offered before `bearer`.
pub(crate) const PROTOCOL: &str = "rooms.v1, ";

/// What comes before and after the payload of a message, in which nothing has
/// to be escaped.
const BEFORE: &[u8] = br#""data":""#;
const AFTER: &[u8] = br#""}"#;

/// The command that says a payload in a room.
pub(crate) fn publish(room: &str, payload: &[u8; PAYLOAD]) -> Vec<u8> {
    let mut command = format!(r#"{{"type":"publish","room":"{room}","#).into_bytes();
    command.extend_from_slice(BEFORE);
    command.extend_from_slice(payload);
    command.extend_from_slice(AFTER);
    command
}

/// The payload of a message; `None` if it is another event.
pub(crate) fn data(event: &[u8]) -> Option<&[u8]> {
    let end = event.strip_suffix(AFTER)?;
    let (before, payload) = end.split_at_checked(end.len().checked_sub(PAYLOAD)?)?;
    before.ends_with(BEFORE).then_some(payload)
}
