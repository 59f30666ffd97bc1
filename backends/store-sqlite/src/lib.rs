//! Accounts, sessions and rooms in one SQLite file.
//!
//! | file | what it holds |
//! |---|---|
//! | `store` | [`SqliteStore`]: one writer, a few readers |
//! | `file` | the data file: its folder, its mode |
//! | `schema` | the migrations, compiled in |
//! | `accounts` | the `CredentialStore` |
//! | `sessions` | the `SessionStore` |
//! | `rooms` | the `RoomStore` |
//! | `members` | a change of who is in a room, and the end of the room |
//! | `idempotency` | the `IdempotencyStore` |
//! | `audit` | the `AuditLog` |
//! | `attempts` | the `AttemptStore` |
//! | `second_factors` | the `SecondFactorStore` |
//! | `legacy` | the `LegacyAccounts` |
//! | `rows` | columns to domain types and back |
//! | `error` | what an error of SQLite means to the service |
//!
//! How a write is made durable and whole:
//! - WAL with `synchronous=FULL`: a commit that was confirmed is on the disk.
//! - There is one writing connection, so writes queue in the service, where
//!   waiting costs nothing, and not on SQLite's file lock, where it is polled.
//! - A write of several statements is one `BEGIN IMMEDIATE` transaction; a
//!   write of one statement is a transaction by itself.
//! - A statement's outcome counts only once it has run to its end: a commit
//!   that fails (a full disk) shows there. So outside a transaction a
//!   `RETURNING` is always read with `fetch_all`, never by its first row.
//! - A future that is dropped half-way queues a rollback before the connection
//!   can be had by anyone else.

mod accounts;
mod attempts;
mod audit;
mod error;
mod file;
mod idempotency;
mod legacy;
mod members;
mod rooms;
mod rows;
mod schema;
mod second_factors;
mod sessions;
mod store;

pub use store::SqliteStore;
