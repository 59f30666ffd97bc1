//! The file itself: what survives, who may read it, and what is refused.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod callers;
mod refusal;
mod rooms;
mod survival;

use std::{error::Error, time::Duration};

use contract::{
    Account, ChangeMember, CreateOutcome, CredentialStore, IdempotentRequest, NewSession,
    OpenOutcome, Role, Room, RoomName, RoomOutcome, RoomStore, Rotate, Seed, Session, SessionId,
    SessionStore, StoreError, StoredHash, Timestamp, UserId, Username,
};
use sqlx_core::{connection::Connection, raw_sql::raw_sql, sql_str::AssertSqlSafe};
use sqlx_sqlite::{SqliteConnectOptions, SqliteConnection};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

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

async fn enrolled(store: &SqliteStore, name: &str) -> Account {
    let account = account(name);
    let outcome = store.create(&account).await.unwrap();
    assert_eq!(outcome, CreateOutcome::Created);
    account
}

async fn signed_in(store: &SqliteStore, account: &Account) -> Session {
    let session = session(account.id);
    let new = NewSession {
        session: session.clone(),
        verified: account.hash.clone(),
    };
    assert_eq!(store.open(&new).await.unwrap(), OpenOutcome::Opened);
    session
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
async fn founded(store: &SqliteStore, owner: &Account) -> Room {
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

/// A store in a folder of its own, and the folder.
async fn store() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data.db"))
        .await
        .unwrap();
    (store, folder)
}

/// Somebody else at the file, as an operator with the `sqlite3` shell.
async fn operator(folder: &TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.path().join("data.db"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap();
}
