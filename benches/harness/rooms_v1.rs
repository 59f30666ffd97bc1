//! `rooms.v1` as far as the load client speaks it: by hand, as its frames.

/// What is offered before `bearer`.
pub(crate) const PROTOCOL: &str = "rooms.v1, ";

/// What comes before and after the payload of a message, in which nothing has
/// to be escaped.
const BEFORE: &[u8] = br#""data":""#;
const AFTER: &[u8] = br#""}"#;

/// A message with nothing in it, whose number is one of a run's.
const EMPTY: &str = concat!(
    r#"{"type":"message","room":"bench-0","seq":10000,"#,
    r#""from":"00000000-0000-0000-0000-000000000000","#,
    r#""at":"2026-01-01T00:00:00.123456Z","data":""}"#
);

/// Bytes that a message has around its payload.
pub(crate) const AROUND: usize = EMPTY.len();

/// The command that says a payload in a room.
pub(crate) fn publish(room: &str, payload: &[u8]) -> Vec<u8> {
    let mut command = format!(r#"{{"type":"publish","room":"{room}","#).into_bytes();
    command.extend_from_slice(BEFORE);
    command.extend_from_slice(payload);
    command.extend_from_slice(AFTER);
    command
}

/// The payload of a message, of `length` bytes; `None` if it is another event.
pub(crate) fn data(event: &[u8], length: usize) -> Option<&[u8]> {
    let end = event.strip_suffix(AFTER)?;
    let (before, payload) = end.split_at_checked(end.len().checked_sub(length)?)?;
    before.ends_with(BEFORE).then_some(payload)
}
