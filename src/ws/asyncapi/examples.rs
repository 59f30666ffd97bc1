//! Examples of what is said on sockets: commands as they are read, events as
//! they are written.

use bytes::Bytes;
use contract::{Envelope, Epoch, Kind, Message, Position, RoomName, SessionId, Timestamp, UserId};
use serde_json::{Error, Value, json, to_value};
use uuid::Uuid;

use crate::{
    accounts::tokens::Grant,
    rooms::{message::MessageView, position::PositionText},
    ws::rooms_v1::{
        MAX_ERRORS_IN_A_ROW, MAX_ROOMS,
        command::CommandType,
        error_code::ErrorCode,
        event::{
            Ack, Error as ErrorEvent, Event, Expiring, Gap, Granted, Heartbeat, Limits, Presence,
            Seat, Welcome,
        },
    },
};

/// Longest message, unless it is set otherwise.
pub(super) const MESSAGE_BYTES: usize = 65_536;

/// Messages a second, unless it is set otherwise.
pub(super) const MESSAGES_PER_SECOND: u32 = 100;

/// An example, and what it shows.
pub(super) struct Example {
    pub(super) summary: &'static str,
    pub(super) json: Value,
}

const ROOM: &str = "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10";
const ANN: Uuid = Uuid::from_u128(0x0192_9a6e_7c1f_4d37_8a52_60c3_1f2b_9d04);
const BOB: Uuid = Uuid::from_u128(0x0192_9a70_0d5b_4f0e_b1c8_7e44_a90c_35f2);
const SESSION: Uuid = Uuid::from_u128(0x3f1c_9a52_0f0b_4f3c_9d47_2f6f_5a3f_0c11);
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…";

fn place(seq: u64) -> Position {
    Position {
        epoch: Epoch(0x0123_4567_89ab_cdef),
        seq,
    }
}

/// Of a command.
pub(super) fn of_command(kind: CommandType) -> Vec<Example> {
    let examples = match kind {
        CommandType::Publish => vec![
            ("a text", json!({"id": "1", "room": ROOM, "data": "hello"})),
            (
                "any JSON, said once however often it is sent",
                json!({"id": "2", "room": ROOM, "data": {"move": [4, 7]}, "key": "move-17"}),
            ),
            (
                "bytes",
                json!({"id": "3", "room": ROOM, "data": "AP+A", "encoding": "base64"}),
            ),
        ],
        CommandType::Join => vec![
            ("a room more", json!({"id": "4", "token": TOKEN})),
            (
                "a room, after a break",
                json!({"id": "5", "token": TOKEN, "since": PositionText(place(42)).to_string()}),
            ),
        ],
        CommandType::Leave => vec![("a room less", json!({"id": "6", "room": ROOM}))],
        CommandType::Auth => vec![("a fresh token", json!({"id": "7", "token": TOKEN}))],
        CommandType::Presence => vec![("who is there?", json!({"id": "8", "room": ROOM}))],
        CommandType::Ping => vec![("are you there?", json!({"id": "9"}))],
    };
    let examples = examples.into_iter().map(|(summary, mut json)| {
        json["type"] = kind.name().into();
        Example { summary, json }
    });
    examples.collect()
}

/// Of every event.
pub(super) fn of_events() -> Result<Vec<Example>, Error> {
    let room: RoomName = serde_json::from_value(ROOM.into())?;
    let id = |id: &'static str| Some(id.into());
    let at = |second| Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(second);
    let (now, soon) = (1_767_225_600, at(1_767_226_200));
    let seat = |position, recovered| Seat {
        room: room.clone(),
        grant: Grant::ReadWrite,
        presence: true,
        expires_at: soon,
        position: Some(PositionText(position)),
        recovered,
    };
    let said = |kind, data: &'static [u8], seq| Envelope {
        message: Message {
            from: Some(UserId(ANN)),
            connection: None,
            at: at(now),
            kind,
            data: Bytes::from_static(data),
            key: None,
        },
        position: Some(place(seq)),
    };
    let text = said(Kind::Text, b"hello", 43);
    let json = said(Kind::Json, br#"{"move":[4,7]}"#, 44);
    let bytes = said(Kind::Binary, b"\x00\xff\x80", 46);
    let users = [UserId(ANN), UserId(BOB)];
    let error = |id, room, code: ErrorCode, detail: &'static str| {
        Event::Error(ErrorEvent {
            id,
            room,
            code,
            detail: detail.into(),
        })
    };
    let events = [
        (
            "a socket, opened with `since`",
            Event::Welcome(Welcome {
                user: UserId(ANN),
                session: SessionId(SESSION),
                expires_at: soon,
                seat: seat(place(42), Some(true)),
                limits: Limits {
                    rooms: MAX_ROOMS,
                    message_bytes: MESSAGE_BYTES,
                    messages_per_second: MESSAGES_PER_SECOND,
                    errors_in_a_row: MAX_ERRORS_IN_A_ROW,
                },
                heartbeat: Heartbeat {
                    interval_ms: 25_000,
                    timeout_ms: 8_000,
                },
            }),
        ),
        (
            "to `publish`",
            Event::Ack(Ack {
                id: id("1"),
                room: Some(&room),
                seq: Some(43),
                ..Ack::default()
            }),
        ),
        (
            "to `join`",
            Event::Ack(Ack {
                id: id("4"),
                seat: Some(seat(place(42), None)),
                ..Ack::default()
            }),
        ),
        (
            "to `leave`",
            Event::Ack(Ack {
                id: id("6"),
                room: Some(&room),
                ..Ack::default()
            }),
        ),
        (
            "to `auth`",
            Event::Ack(Ack {
                id: id("7"),
                expires_at: Some(soon),
                ..Ack::default()
            }),
        ),
        (
            "to `ping`",
            Event::Ack(Ack {
                id: id("9"),
                ..Ack::default()
            }),
        ),
        ("a text", Event::Message(MessageView::new(&room, &text))),
        ("JSON", Event::Message(MessageView::new(&room, &json))),
        ("bytes", Event::Message(MessageView::new(&room, &bytes))),
        (
            "what was said before 58 and not heard is lost",
            Event::Gap(Gap {
                room: &room,
                position: Some(PositionText(place(57))),
            }),
        ),
        (
            "the answer",
            Event::Presence(Presence {
                id: id("8"),
                room: ROOM.into(),
                users: Some(&users),
                ..Presence::default()
            }),
        ),
        (
            "news",
            Event::Presence(Presence {
                room: ROOM.into(),
                joined: &users[1..],
                ..Presence::default()
            }),
        ),
        (
            "from now on one only hears",
            Event::Granted(Granted {
                room: &room,
                grant: Grant::Read,
            }),
        ),
        (
            "the socket: `auth` renews it",
            Event::Expiring(Expiring {
                room: None,
                expires_at: soon,
            }),
        ),
        (
            "a seat: `join` renews it",
            Event::Expiring(Expiring {
                room: Some(&room),
                expires_at: soon,
            }),
        ),
        (
            "a command without effect",
            error(
                id("3"),
                Some(&room),
                ErrorCode::NotPermitted,
                "the seat in this room only hears",
            ),
        ),
        (
            "the end of a seat",
            error(
                None,
                Some(&room),
                ErrorCode::Removed,
                "no member of the room any more",
            ),
        ),
    ];
    let examples = events.iter().map(|(summary, event)| {
        Ok(Example {
            summary,
            json: to_value(event)?,
        })
    });
    examples.collect()
}
