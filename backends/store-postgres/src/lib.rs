//! Accounts, sessions and rooms in PostgreSQL, for any number of nodes at once.
//!
//! | file | what it holds |
//! |---|---|
//! | `settings` | [`PostgresSettings`]: the URL, read and judged |
//! | `store` | [`PostgresStore`]: the pool, and how long anything may take |
//! | `lease` | a connection for one call, and what becomes of it afterwards |
//! | `turns` | writes that no late one may overtake |
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
//! | `error` | what an error of PostgreSQL means to the service |
//!
//! How a write is made durable and whole, under READ COMMITTED:
//! - A call is one statement, which is a transaction by itself, wherever one
//!   statement can be right. It counts only once it has run to its end: the
//!   commit comes after the last row, and a commit that fails shows there. So a
//!   `RETURNING` is always read with `fetch_all`, never by its first row.
//! - A statement that waited for a row sees the row as it is now, and the rest
//!   of the database as it was when the statement began. What must not slip
//!   past a change of another row locks that row first.
//! - Locks are taken in one order, so nothing deadlocks: the account before its
//!   sessions and before a room that it makes, the room before its members;
//!   sessions by their id, members by the user's. A member's reference to the
//!   account waits for no change of the account. The purge waits for nobody.
//! - A future that is dropped half-way has its transaction rolled back before
//!   the connection can be had by anyone else, and what it has sent already
//!   arrives before the next write of its kind.
//! - Every wait has a bound, on the server and here, so a server that hangs, or
//!   a network that loses everything in silence, is an error and not a wait.

mod accounts;
mod attempts;
mod audit;
mod error;
mod idempotency;
mod lease;
mod legacy;
mod members;
mod rooms;
mod rows;
mod schema;
mod second_factors;
mod sessions;
mod settings;
mod store;
mod turns;

pub use settings::PostgresSettings;
pub use store::PostgresStore;
