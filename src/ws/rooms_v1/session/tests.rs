use std::time::Duration;

use contract::{Epoch, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const LIMITS: SessionLimits = SessionLimits {
    messages_per_second: 100,
    heartbeat_interval: Duration::from_secs(25),
    heartbeat_timeout: Duration::from_secs(8),
};

struct Subject {
    session: Session,
    user: UserId,
    id: SessionId,
    start: Instant,
}

impl Subject {
    fn new() -> Self {
        let (user, id, start) = (UserId::random(), SessionId::random(), Instant::now());
        let token = token(user, id, "lobby");
        let end = end(start, 600);
        Self {
            session: Session::new(&token, end, LIMITS, start),
            user,
            id,
            start,
        }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn say(&mut self, command: &Value) -> Action {
        self.say_at(command, self.start)
    }

    fn say_at(&mut self, command: &Value, now: Instant) -> Action {
        let frame = Frame::Message {
            kind: Kind::Text,
            data: command.to_string().into(),
        };
        self.session.on_frame(frame, now)
    }

    fn join(&mut self, room: &str, seconds: u64) -> Action {
        let Action::Verify(verify) = self.say(&json!({"type": "join", "id": "j", "token": "t"}))
        else {
            panic!("a token is to be verified");
        };
        let token = token(self.user, self.id, room);
        let verified = Some((token, end(self.start, seconds)));
        self.session.verified(verify, verified, self.start)
    }

    /// Joins a room and is seated.
    fn sit(&mut self, room: &str, seconds: u64) {
        let Action::Take(take) = self.join(room, seconds) else {
            panic!("a seat is to be taken");
        };
        self.session.seated(&take, Grant::ReadWrite, self.start);
    }
}

fn token(user: UserId, session: SessionId, room: &str) -> AccessToken {
    AccessToken {
        user,
        session,
        room: RoomName::parse(room).unwrap(),
        grant: Grant::ReadWrite,
        presence: false,
        expires_at: Timestamp::UNIX_EPOCH,
        claims: ExtraClaims::default(),
    }
}

fn end(start: Instant, seconds: u64) -> End {
    End {
        at: start + Duration::from_secs(seconds),
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

/// The event of a frame of less than 64 KiB.
#[track_caller]
fn event(action: &Action) -> Value {
    let frame = match action {
        Action::Reply(frame) | Action::ReplyAndClose(frame, _) | Action::Leave(_, frame) => frame,
        other => panic!("no frame: {other:?}"),
    };
    let head = if frame[1] < 126 { 2 } else { 4 };
    serde_json::from_slice(&frame[head..]).unwrap()
}

#[test]
fn a_publish_is_for_the_bus_and_its_ack_has_the_number() {
    let mut subject = Subject::new();
    let publish = json!({"type": "publish", "id": "1", "room": "lobby", "data": [1], "key": "k"});
    let Action::Publish(publish) = subject.say(&publish) else {
        panic!("something is to be said");
    };
    assert_eq!((publish.kind, &*publish.data), (Kind::Json, &b"[1]"[..]));
    assert!(publish.key.is_some());
    let position = Position {
        epoch: Epoch(1),
        seq: 7,
    };
    let ack = subject
        .session
        .published(publish.id, &publish.room, Some(Some(position)));
    let expected = json!({"type": "ack", "id": "1", "room": "lobby", "seq": 7});
    assert_eq!(event(&ack), expected);
}

#[test]
fn what_the_bus_did_not_take_is_an_error() {
    let mut subject = Subject::new();
    let room = RoomName::parse("lobby").unwrap();
    let failed = subject.session.published(Some("1".into()), &room, None);
    let error = event(&failed);
    assert_eq!(
        (&error["code"], &error["id"]),
        (&json!("not_delivered"), &json!("1"))
    );
}

#[test]
fn a_join_takes_a_seat_and_a_second_one_renews_it() {
    let mut subject = Subject::new();
    let Action::Take(take) = subject.join("attic", 600) else {
        panic!("a seat is to be taken");
    };
    assert_eq!(take.token.room.as_str(), "attic");
    let seat = subject.session.seated(&take, Grant::Read, subject.start);
    assert_eq!(seat.grant, Grant::Read);
    let publish = json!({"type": "publish", "room": "attic", "data": 1});
    assert_eq!(event(&subject.say(&publish))["code"], "not_permitted");

    let renewed = event(&subject.join("attic", 900));
    assert_eq!(renewed["seat"]["grant"], "rw");
    assert!(matches!(subject.say(&publish), Action::Publish(_)));
}

#[test]
fn there_is_no_seat_without_a_seat() {
    let mut subject = Subject::new();
    for (why, code) in [
        (NoSeat::NotPermitted, "token_refused"),
        (NoSeat::Unavailable, "unavailable"),
    ] {
        let Action::Take(take) = subject.join("attic", 600) else {
            panic!("a seat is to be taken");
        };
        let error = event(&subject.session.not_seated(take, why));
        assert_eq!(
            (&error["code"], &error["room"]),
            (&json!(code), &json!("attic"))
        );
        assert_eq!(subject.session.seats().len(), 1);
    }
}

#[test]
fn the_end_of_a_token_is_told_a_minute_before_it_comes() {
    let mut subject = Subject::new();
    subject.sit("attic", 300);
    assert_eq!(subject.session.on_time(subject.at(24)), Action::Nothing);
    assert_eq!(subject.session.on_time(subject.at(240)), {
        let room = RoomName::parse("attic").unwrap();
        Action::Reply(expiring(Some(&room), end(subject.start, 300)))
    });
    let Action::Leave(room, _) = subject.session.on_time(subject.at(300)) else {
        panic!("the seat has ended");
    };
    assert_eq!(room.as_str(), "attic");
    // The socket's own, and its first seat's.
    let told = subject.session.on_time(subject.at(540));
    assert_eq!(event(&told).get("room"), None);
    assert_eq!(
        event(&subject.session.on_time(subject.at(540)))["room"],
        "lobby"
    );
    let over = subject.session.on_time(subject.at(600));
    assert_eq!(over, Action::Close(Close::TokenExpired));
}

#[test]
fn a_short_life_is_told_a_quarter_of_it_before_its_end() {
    let mut subject = Subject::new();
    subject.sit("attic", 20);
    assert_eq!(subject.session.on_time(subject.at(14)), Action::Nothing);
    assert_eq!(
        event(&subject.session.on_time(subject.at(15)))["room"],
        "attic"
    );
}

#[test]
fn a_fresh_token_lets_socket_and_seat_live_on() {
    let mut subject = Subject::new();
    let Action::Verify(verify) = subject.say(&json!({"type": "auth", "token": "t"})) else {
        panic!("a token is to be verified");
    };
    let fresh = token(subject.user, subject.id, "lobby");
    let verified = Some((fresh, end(subject.start, 1200)));
    let ack = subject.session.verified(verify, verified, subject.start);
    assert_eq!(event(&ack)["type"], "ack");
    assert_eq!(subject.session.on_time(subject.at(600)), Action::Ping);
    assert_eq!(subject.session.seats().len(), 1);
}

#[test]
fn a_token_that_is_refused_or_somebody_elses_changes_nothing() {
    let mut subject = Subject::new();
    let stranger = token(UserId::random(), subject.id, "lobby");
    let elsewhere = token(subject.user, SessionId::random(), "lobby");
    for (token, code) in [
        (None, "token_refused"),
        (Some(stranger), "other_session"),
        (Some(elsewhere), "other_session"),
    ] {
        let Action::Verify(verify) = subject.say(&json!({"type": "auth", "token": "t"})) else {
            panic!("a token is to be verified");
        };
        let verified = token.map(|token| (token, end(subject.start, 9000)));
        let refused = subject.session.verified(verify, verified, subject.start);
        assert_eq!(event(&refused)["code"], code);
    }
    assert_eq!(
        subject.session.on_time(subject.at(600)),
        Action::Close(Close::TokenExpired)
    );
}

#[test]
fn a_membership_that_changes_changes_the_seat() {
    let mut subject = Subject::new();
    let room = RoomName::parse("lobby").unwrap();
    let less = subject.session.on_granted(&room, Some(Grant::Read));
    assert_eq!(
        event(&less),
        json!({"type": "granted", "room": "lobby", "grant": "r"})
    );
    let publish = json!({"type": "publish", "room": "lobby", "data": 1});
    assert_eq!(event(&subject.say(&publish))["code"], "not_permitted");
    assert_eq!(
        subject.session.on_granted(&room, Some(Grant::Read)),
        Action::Nothing
    );
    let gone = subject.session.on_granted(&room, None);
    assert_eq!(event(&gone)["code"], "removed");
    assert!(subject.session.seats().is_empty());
    assert_eq!(event(&subject.say(&publish))["code"], "not_joined");
    assert_eq!(subject.session.on_granted(&room, None), Action::Nothing);
}

#[test]
fn the_tenth_mistake_in_a_row_is_the_last() {
    let mut subject = Subject::new();
    let mistake = json!({"type": "shout", "id": "1"});
    for _ in 0..9 {
        assert!(matches!(subject.say(&mistake), Action::Reply(_)));
    }
    subject.say(&json!({"type": "ping"}));
    for _ in 0..9 {
        assert!(matches!(subject.say(&mistake), Action::Reply(_)));
    }
    let last = subject.say(&mistake);
    assert!(matches!(
        &last,
        Action::ReplyAndClose(_, Close::TooManyErrors)
    ));
    assert_eq!(event(&last)["id"], "1");
}

#[test]
fn what_the_service_could_not_do_is_no_mistake_of_the_clients() {
    let mut subject = Subject::new();
    let room = RoomName::parse("lobby").unwrap();
    for _ in 0..20 {
        let failed = subject.session.published(None, &room, None);
        assert!(matches!(failed, Action::Reply(_)));
        let Action::Take(take) = subject.join("attic", 600) else {
            panic!("a seat is to be taken");
        };
        let failed = subject.session.not_seated(take, NoSeat::Unavailable);
        assert!(matches!(failed, Action::Reply(_)));
    }
}

#[test]
fn nothing_is_taken_after_the_end() {
    let mut subject = Subject::new();
    let late = subject.at(600);
    let said = subject.say_at(&json!({"type": "ping"}), late);
    assert_eq!(said, Action::Close(Close::TokenExpired));
}

#[test]
fn a_token_is_not_in_what_is_printed() {
    let mut subject = Subject::new();
    let verify = subject.say(&json!({"type": "join", "token": Uuid::nil()}));
    assert!(!format!("{verify:?}").contains(&Uuid::nil().to_string()));
}
