//! Passwords: what is acceptable, how they are hashed, and where.
//!
//! | file | what it holds |
//! |---|---|
//! | `service` | [`PasswordService`]: start, reserve a place, present a password |
//! | `permit` | [`Permit`]: verify, hash, judge and hash |
//! | `policy` | [`Password`], and why a new one is refused |
//! | `stored` | stored hashes of every scheme |
//! | `phc` | those of Argon2, read within bounds and written |
//! | `salted_digest` | SHA-2 digests of other applications, which Argon2id covers |
//! | `bcrypt` | hashes of other applications |
//! | `pool` | the threads that hash, and the queue before them |
//! | `job` | what is before a hash, and what is after |
//! | `turn` | the jobs that a thread does together |
//! | `kernel` | what computes the hash |
//! | `arena` | the memory of one hash |
//! | `settings` | [`PasswordSettings`] |
//! | `instruments` | what is counted and measured |
//!
//! A login takes its place in the queue first, then looks the account up, then
//! verifies, whether or not there is such an account:
//!
//! ```
//! # use service::accounts::passwords::{HashError, PasswordService, Verdict};
//! # use contract::StoredHash;
//! # async fn login(passwords: PasswordService, typed: &str) -> Result<(), HashError> {
//! # async fn look_up() -> Option<StoredHash> { None }
//! let permit = passwords.reserve()?;
//! let stored = look_up().await;
//! match permit.verify(passwords.present(typed), stored.as_ref()).await? {
//!     Verdict::Right { outdated: None } => {}
//!     Verdict::Right { outdated: Some(password) } => {
//!         // Another time will do if there is no place now.
//!         if let Ok(permit) = passwords.reserve() {
//!             let _swap_in = permit.hash(password).await?;
//!         }
//!     }
//!     Verdict::Wrong => {}
//! }
//! # Ok(())
//! # }
//! ```

mod arena;
mod bcrypt;
mod instruments;
mod job;
mod kernel;
mod permit;
mod phc;
mod policy;
mod pool;
mod salted_digest;
mod service;
mod settings;
mod stored;
mod turn;

pub use permit::{HashError, NewPasswordError, Permit, Verdict};
pub use phc::UnreadableHash;
pub use policy::{Password, PasswordRefused, Presented};
pub use pool::Stats;
pub use salted_digest::{DigestAlgorithm, DigestOrder, SaltedDigest};
pub use service::{PasswordService, StartError};
pub use settings::{KernelChoice, PasswordSettings, SettingsError};
