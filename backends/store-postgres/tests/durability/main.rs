//! The server itself: what survives its end and the network's, who may connect,
//! and what is refused.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod callers;
mod network;
mod nodes;
mod refusal;
mod rooms;
mod survival;
mod values;

use std::{error::Error, time::Duration};

use contract::{
    Account, ChangeMember, CreateOutcome, CredentialStore, IdempotentRequest, NewSession,
    OpenOutcome, Role, Room, RoomName, RoomOutcome, RoomStore, Rotate, Seed, Session, SessionId,
    SessionStore, StoreError, StoredHash, Timestamp, UserId, Username,
};
use store_postgres::{PostgresSettings, PostgresStore};
use test_servers::{Database, Postgres};

fn time(offset: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_123 + offset).unwrap()
}

fn account(name: &str) -> Account {
    Account {
        id: UserId::random(),
        username: Username::parse(name).unwrap(),
        hash: StoredHash::new("$argon2id$the-hash".to_owned()),
        created_at: time(0),
        disabled_at: None,
    }
}

fn session(user: UserId) -> Session {
    Session {
        id: SessionId::random(),
        user,
        seed: Seed::new([7; 32]),
        counter: 0,
        user_agent: None,
        created_at: time(0),
        rotated_at: time(0),
        idle_expires_at: time(1000),
        expires_at: time(2000),
    }
}

async fn enrolled(store: &PostgresStore, name: &str) -> Account {
    let account = account(name);
    let outcome = store.create(&account).await.unwrap();
    assert_eq!(outcome, CreateOutcome::Created);
    account
}

fn opening(account: &Account) -> NewSession {
    NewSession {
        session: session(account.id),
        verified: account.hash.clone(),
    }
}

async fn signed_in(store: &PostgresStore, account: &Account) -> Session {
    let new = opening(account);
    assert_eq!(store.open(&new).await.unwrap(), OpenOutcome::Opened);
    new.session
}

fn rotate(session: &Session, presented: u32) -> Rotate {
    Rotate {
        session: session.id,
        presented,
        grace: Duration::from_millis(10),
        idle_ttl: Duration::from_millis(500),
        now: time(1),
    }
}

/// A room that nobody has made yet.
fn room() -> Room {
    Room {
        name: RoomName::parse(&UserId::random().to_string()).unwrap(),
        title: "The green room".to_owned(),
        presence: true,
        created_at: time(0),
    }
}

/// A room that is in the store.
async fn founded(store: &PostgresStore, owner: &Account) -> Room {
    let room = room();
    let outcome = store.create_room(&room, owner.id, 1000).await.unwrap();
    assert_eq!(outcome, RoomOutcome::Created);
    room
}

fn change(room: &Room, by: &Account, user: &Account, role: Option<Role>) -> ChangeMember {
    ChangeMember {
        room: room.name.clone(),
        by: by.id,
        user: user.id,
        role,
        max_members: 1000,
        now: time(1),
    }
}

fn request(account: &Account, key: &str) -> IdempotentRequest {
    IdempotentRequest {
        user: account.id,
        key: key.to_owned(),
        fingerprint: [7; 32],
        now: time(1),
        abandoned_after: Duration::from_secs(30),
    }
}

async fn connect(url: &str, max_connections: u32) -> Result<PostgresStore, StoreError> {
    let settings = PostgresSettings {
        url: url.to_owned(),
        max_connections,
    };
    PostgresStore::connect(&settings).await
}

/// A store in a database of its own, and the database.
async fn store() -> (PostgresStore, Database) {
    let database = Postgres::shared().database();
    let store = connect(&database.url, 4).await.unwrap();
    (store, database)
}

/// Everything that a log would show of an error.
fn told(error: &StoreError) -> String {
    let mut told = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        told.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    told
}

/// The same database under another host, port, user or password.
fn through(url: &str, authority: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    let path = &rest[rest.find('/').unwrap()..];
    format!("postgres://{authority}{path}")
}
