//! The accounts, sessions, rooms and messages that the laws use.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::StoreUnderTest;
use crate::{
    Account, ChangeMember, ConnectionId, CreateOutcome, Delivery, Envelope, Kind, MemberOutcome,
    MembershipChange, Message, NewSession, OpenOutcome, Role, Room, RoomBus, RoomName, RoomOutcome,
    Rotate, Seed, Session, SessionId, StoredHash, Subscription, UserId, Username,
};

/// Idle life of a sample session, in milliseconds: 14 days.
pub(super) const IDLE: i64 = 14 * 24 * 3600 * 1000;
/// Absolute life of a sample session, in milliseconds: 90 days.
pub(super) const LIFE: i64 = 90 * 24 * 3600 * 1000;
/// Grace of a sample rotation, in milliseconds.
pub(super) const GRACE: i64 = 10_000;
/// A bound that no sample comes near.
pub(super) const MANY: u32 = 1000;
/// How long a law waits for what must happen; only a broken backend takes it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A moment, `offset` milliseconds after the sample accounts were made. Not a
/// whole second, so that a store which keeps seconds is found out.
pub(super) fn time(offset: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_123 + offset).unwrap()
}

pub(super) fn hash(text: &str) -> StoredHash {
    StoredHash::new(text.to_owned())
}

pub(super) fn account(name: &str) -> Account {
    Account {
        id: UserId::random(),
        username: Username::parse(name).unwrap(),
        hash: hash("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$first"),
        created_at: time(0),
        disabled_at: None,
    }
}

/// An account that is in the store.
pub(super) async fn enrolled(store: &StoreUnderTest, name: &str) -> Account {
    let account = account(name);
    let outcome = store.credentials.create(&account).await.unwrap();
    assert_eq!(outcome, CreateOutcome::Created);
    account
}

pub(super) fn session(user: UserId) -> Session {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    seed[16..].copy_from_slice(Uuid::new_v4().as_bytes());
    Session {
        id: SessionId::random(),
        user,
        seed: Seed::new(seed),
        counter: 0,
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
        created_at: time(0),
        rotated_at: time(0),
        idle_expires_at: time(IDLE),
        expires_at: time(LIFE),
    }
}

/// Opens that session and expects success.
pub(super) async fn opened(store: &StoreUnderTest, account: &Account, session: Session) -> Session {
    let new = NewSession {
        session: session.clone(),
        verified: account.hash.clone(),
    };
    let outcome = store.sessions.open(&new).await.unwrap();
    assert_eq!(outcome, OpenOutcome::Opened);
    session
}

/// A session of that account that is in the store.
pub(super) async fn signed_in(store: &StoreUnderTest, account: &Account) -> Session {
    opened(store, account, session(account.id)).await
}

/// `presented`, shown `offset` milliseconds after sign-in.
pub(super) fn rotate(session: &Session, presented: u32, offset: i64) -> Rotate {
    Rotate {
        session: session.id,
        presented,
        grace: millis(GRACE),
        idle_ttl: millis(IDLE),
        now: time(offset),
    }
}

pub(super) fn millis(ms: i64) -> Duration {
    Duration::from_millis(ms.try_into().unwrap())
}

/// A room that nobody has made yet.
pub(super) fn unmade(title: &str) -> Room {
    Room {
        name: room(),
        title: title.to_owned(),
        presence: false,
        created_at: time(0),
    }
}

/// A room that is in the store, with that owner.
pub(super) async fn founded(store: &StoreUnderTest, owner: &Account) -> Room {
    let room = unmade("The green room");
    let outcome = store.rooms.create_room(&room, owner.id, MANY).await;
    assert_eq!(outcome.unwrap(), RoomOutcome::Created);
    room
}

/// `by` asks, `offset` milliseconds after the room was made, that `user` be that.
pub(super) fn change(
    room: &Room,
    by: &Account,
    user: &Account,
    role: Option<Role>,
    offset: i64,
) -> ChangeMember {
    ChangeMember {
        room: room.name.clone(),
        by: by.id,
        user: user.id,
        role,
        max_members: MANY,
        now: time(offset),
    }
}

/// Makes that change and expects that it is made.
pub(super) async fn changed(store: &StoreUnderTest, change: ChangeMember) -> MembershipChange {
    let outcome = store.rooms.change_member(&change).await.unwrap();
    let MemberOutcome::Changed(made) = outcome else {
        panic!("{outcome:?} of {change:?}");
    };
    let expected = MembershipChange {
        room: change.room,
        user: change.user,
        role: change.role,
        revision: made.revision,
        at: change.now,
    };
    assert_eq!(made, expected);
    made
}

/// What that account is in the room.
pub(super) async fn role(store: &StoreUnderTest, room: &Room, account: &Account) -> Option<Role> {
    let membership = store.rooms.membership(&room.name, account.id).await;
    membership.unwrap().map(|membership| membership.role)
}

/// Polls `call` until it is done or other tasks have had `turns` turns, then
/// drops it: the caller has gone.
pub(super) async fn abandoned<F: Future>(call: F, turns: usize) -> Option<F::Output> {
    let mut call = pin!(call);
    for _ in 0..turns {
        tokio::select! {
            biased;
            done = &mut call => return Some(done),
            () = tokio::task::yield_now() => {}
        }
    }
    None
}

/// What `future` yields, which must be soon.
pub(super) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("gave up waiting for {what}"),
    }
}

/// Waits until `condition` holds, which must be soon.
pub(super) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    soon(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// A room that nobody else is in.
pub(super) fn room() -> RoomName {
    RoomName::parse(&Uuid::new_v4().simple().to_string()).unwrap()
}

pub(super) fn text(data: impl Into<String>) -> Message {
    Message {
        from: Some(UserId::random()),
        connection: Some(ConnectionId::random()),
        at: time(0),
        kind: Kind::Text,
        data: Bytes::from(data.into()),
        key: None,
    }
}

pub(super) async fn listen(bus: &Arc<dyn RoomBus>, room: &RoomName) -> Subscription {
    soon("a subscription", bus.subscribe(room, None))
        .await
        .unwrap()
}

pub(super) async fn deliver(listener: &mut Subscription) -> Delivery {
    soon("a delivery", listener.recv()).await
}

/// The next message, of a listener that has not missed any.
pub(super) async fn hear(listener: &mut Subscription) -> Arc<Envelope> {
    match deliver(listener).await {
        Delivery::Message(envelope) => envelope,
        Delivery::Missed(n) => panic!("missed {n} messages"),
        Delivery::CutOff => panic!("cut off from the bus"),
    }
}

/// The text of the next message.
pub(super) async fn hear_text(listener: &mut Subscription) -> String {
    payload(&*hear(listener).await)
}

/// A text message's payload.
pub(super) fn payload(envelope: &Envelope) -> String {
    String::from_utf8(envelope.message.data.to_vec()).unwrap()
}
