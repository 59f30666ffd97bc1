//! What an account has to show besides its password: the rule, which can be
//! another.
//!
//! | file | what it holds |
//! |---|---|
//! | [`totp`] | codes of an authenticator app (RFC 6238) |
//! | [`sealed`] | what is kept of an account, sealed |
//! | `enrolment` | the use cases: an account gets a second factor, and gives it up |

mod enrolment;
pub mod sealed;
pub mod totp;

use std::fmt;

use async_trait::async_trait;
use contract::{BoxError, StoreError, Timestamp, UserId};
use secrecy::SecretString;
use serde_json::Value;

/// Asked at each sign-in, once the password was right and the account may sign
/// in: whoever doesn't know the password learns nothing of second factors.
///
/// Another than [`Totp`](totp::Totp) is chosen in `second_factor` in
/// `src/assembly.rs`. It keeps what it has to in the
/// [`SecondFactorStore`](contract::SecondFactorStore). Passkeys, for one: `judge`
/// without an answer makes a challenge of WebAuthn, keeps it in the account's
/// record for some minutes, and hands it to the client as `data`; the answer is
/// what the browser makes of it, as JSON.
#[async_trait]
pub trait SecondFactor: fmt::Debug + Send + Sync {
    /// Judges what was sent besides the password. An answer that was right once
    /// is not right again.
    ///
    /// It is asked once for each sign-in; attempts are counted and delayed as
    /// those at the password are.
    ///
    /// # Errors
    /// [`SecondFactorError`]: nobody is signed in.
    async fn judge(
        &self,
        user: UserId,
        answer: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<Judgement, SecondFactorError>;
}

/// What a second factor says to a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The account has none; an answer is no matter.
    NotNeeded,
    /// It was shown.
    Right,
    /// It was not.
    Wrong,
    /// Nothing was sent, and something has to be.
    Required(Challenge),
}

/// What the client is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What kind of answer is wanted, as in `totp`.
    pub kind: &'static str,
    /// What the answer is made of, if it is made of anything.
    pub data: Option<Value>,
}

/// Why a second factor has no judgement.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept of the account can't be opened: it was sealed with another
    /// key, or changed by somebody else.
    #[error("what is kept of the second factor can't be opened")]
    Sealed,
    /// Whatever else it needs failed.
    #[error("the second factor can't be judged")]
    Failed(#[source] BoxError),
}

/// The rule where there is no other: a password is enough.
#[derive(Debug, Clone, Copy)]
pub struct PasswordAlone;

#[async_trait]
impl SecondFactor for PasswordAlone {
    async fn judge(
        &self,
        _: UserId,
        _: Option<&SecretString>,
        _: Timestamp,
    ) -> Result<Judgement, SecondFactorError> {
        Ok(Judgement::NotNeeded)
    }
}
