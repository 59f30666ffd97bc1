//! What whoever is on the bus, too, may say there: envelopes, and the events by
//! which nodes tell each other who ended and who is there.

use std::{collections::BTreeSet, time::Duration};

use bus_nats::envelope::{self, EnvelopeError};
use bytes::Bytes;
use contract::{ConnectionId, Kind, Message, Timestamp, UserId};
use service::{
    accounts::tokens::EndedSessions,
    news::{ControlEvent, News},
    presence::{event::PresenceEvent, roster::Roster},
    rooms::MembershipChanges,
};
use tokio::time::Instant;
use uuid::Uuid;

/// What comes before a payload has at most so many bytes.
const MAX_HEAD: usize = 34;
/// Least bytes of a user, or of a session, in an event: 32 digits.
const MIN_ITEM: usize = 32;

/// One message, or what is said in one room.
pub fn run(input: &[u8]) {
    match input.split_first() {
        Some((b'{', _)) => control(input),
        Some((b'\n', lines)) => presence(lines),
        Some(_) => message(input),
        None => {}
    }
}

/// An envelope is read as a second reading of its table does, and comes back.
fn message(bytes: &[u8]) {
    let read = envelope::decode(Bytes::copy_from_slice(bytes));
    assert_eq!(read, expected(bytes));
    let Ok(message) = read else {
        return;
    };
    let written = envelope::encode(&message);
    assert!(written.len() <= MAX_HEAD + message.data.len());
    // What it says besides, in flags that nobody has given a meaning, is lost.
    assert_eq!(written.len(), bytes.len());
    assert_eq!(envelope::decode(written), Ok(message));
}

fn expected(bytes: &[u8]) -> Result<Message, EnvelopeError> {
    let (&format, rest) = bytes.split_first().ok_or(EnvelopeError::Short)?;
    if format != 1 {
        return Err(EnvelopeError::Format(format));
    }
    let (&flags, rest) = rest.split_first().ok_or(EnvelopeError::Short)?;
    let (at, mut rest) = rest.split_first_chunk().ok_or(EnvelopeError::Short)?;
    let at = Timestamp::from_millisecond(i64::from_be_bytes(*at));
    let at = at.map_err(|_| EnvelopeError::Time)?;
    let (mut from, mut connection) = (None, None);
    if flags & 2 != 0 {
        let (id, payload) = rest.split_first_chunk().ok_or(EnvelopeError::Short)?;
        (from, rest) = (Some(UserId(Uuid::from_bytes(*id))), payload);
    }
    if flags & 4 != 0 {
        let (id, payload) = rest.split_first_chunk().ok_or(EnvelopeError::Short)?;
        (connection, rest) = (Some(ConnectionId(u64::from_be_bytes(*id))), payload);
    }
    let kind = match (flags & 8 != 0, flags & 1 != 0) {
        (true, _) => Kind::Json,
        (false, true) => Kind::Text,
        (false, false) => Kind::Binary,
    };
    if kind != Kind::Binary && std::str::from_utf8(rest).is_err() {
        return Err(EnvelopeError::Utf8);
    }
    Ok(Message {
        from,
        connection,
        at,
        kind,
        data: Bytes::copy_from_slice(rest),
        key: None,
    })
}

fn carrying(json: &[u8]) -> Message {
    Message {
        from: None,
        connection: None,
        at: Timestamp::UNIX_EPOCH,
        kind: Kind::Text,
        data: Bytes::copy_from_slice(json),
        key: None,
    }
}

/// An event comes back, has no more in it than was sent, and what it says holds.
fn control(json: &[u8]) {
    let Ok(event) = ControlEvent::from_message(&carrying(json)) else {
        return;
    };
    let written = serde_json::to_vec(&event).unwrap();
    let again = ControlEvent::from_message(&carrying(&written)).unwrap();
    assert_eq!(again, event);
    let news = match event {
        ControlEvent::SessionsEnded { sessions, .. } => News {
            sessions,
            memberships: Vec::new(),
        },
        ControlEvent::MembershipsChanged { memberships } => News {
            sessions: Vec::new(),
            memberships,
        },
        ControlEvent::News { news, .. } => news,
        ControlEvent::NewsWanted { .. } => return,
    };
    let items = news.sessions.len() + news.memberships.len();
    assert!(items * MIN_ITEM <= json.len());

    let now = Timestamp::UNIX_EPOCH;
    let memory = Duration::from_secs(610);
    let ended = EndedSessions::new(memory);
    for session in &news.sessions {
        ended.insert(*session, now);
    }
    assert!(news.sessions.iter().all(|id| ended.contains(*id, now)));
    let changes = MembershipChanges::new(memory);
    for change in &news.memberships {
        assert!(!change.room.is_internal());
        let knew = changes.knows(change);
        assert_eq!(changes.insert(change, now), !knew);
    }
    assert!(news.memberships.iter().all(|change| changes.knows(change)));
}

/// Whatever strangers say in a room's presence room, a line each: who is here by
/// this node is there, and nobody is whom no one has named.
fn presence(lines: &[u8]) {
    let here = UserId(Uuid::from_u128(1));
    let mut roster = Roster::new();
    assert!(roster.enter(here));
    let mut now = Instant::now();
    let mut named = BTreeSet::from([here]);
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(event) = PresenceEvent::from_message(&carrying(line)) else {
            now += Duration::from_secs(5);
            roster.expire(now);
            continue;
        };
        let written = serde_json::to_vec(&event).unwrap();
        let again = PresenceEvent::from_message(&carrying(&written)).unwrap();
        assert_eq!(again, event);
        if let PresenceEvent::Changed { joined: users, .. } | PresenceEvent::Roll { users, .. } =
            &event
        {
            assert!(users.len() * MIN_ITEM <= line.len());
            named.extend(users);
        }
        roster.hear(event, now);
        let users = roster.users();
        assert!(users.contains(&here) && users.is_sorted());
        assert!(users.iter().all(|user| named.contains(user)));
    }
}
