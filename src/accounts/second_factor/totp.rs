//! Codes of an authenticator app: six digits, another every 30 s (RFC 6238,
//! with the SHA-1 that all apps know).

use async_trait::async_trait;
use contract::{FactorSwap, Timestamp, UserId, Username};
use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Challenge, Judgement, SecondFactor, SecondFactorError, sealed::SealedFactors};

/// RFC 4226, section 4: 160 bits.
const SECRET_BYTES: usize = 20;

/// How often a change is tried that others have been faster with.
const ATTEMPTS: usize = 3;

/// Codes of an authenticator app.
#[derive(Debug, Clone)]
pub struct Totp {
    factors: SealedFactors,
    issuer: String,
}

/// What an authenticator app is to be told.
pub struct Enrolment {
    /// The secret, in base32, to type.
    pub secret: SecretString,
    /// The same as `otpauth://`, to scan.
    pub uri: SecretString,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is done.
    Done,
    /// The code was not right, or there was nothing to change.
    WrongCode,
}

/// What is kept of an account.
struct State {
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    /// Somebody has shown a code of it: sign-ins take one from then on.
    confirmed: bool,
    /// No code of this step or before is right any more (RFC 6238, section 5.2).
    last_step: u64,
}

impl Totp {
    /// Keeps secrets in `factors`; apps show them under the name of `issuer`.
    #[must_use]
    pub fn new(factors: SealedFactors, issuer: String) -> Self {
        Self { factors, issuer }
    }

    /// Makes a secret for an account, which counts once it is confirmed, and
    /// takes the place of one that was not; `None` if the account has one that
    /// was.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn begin(
        &self,
        user: UserId,
        name: &Username,
    ) -> Result<Option<Enrolment>, SecondFactorError> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        aws_lc_rs::rand::fill(secret.as_mut()).map_err(failed)?;
        let state = State {
            secret,
            confirmed: false,
            last_step: 0,
        };
        for _ in 0..ATTEMPTS {
            let expected = match self.find(user).await? {
                Some((_, kept)) if kept.confirmed => return Ok(None),
                Some((version, _)) => Some(version),
                None => None,
            };
            if self.factors.keep(user, expected, state.encode()).await? == FactorSwap::Swapped {
                return self.enrolment(&state, name).map(Some);
            }
        }
        Err(failed(Contended))
    }

    /// Has sign-ins take a code from now on, if this one is right.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn confirm(
        &self,
        user: UserId,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<Change, SecondFactorError> {
        self.use_code(user, code, now, |state| !state.confirmed)
            .await
    }

    /// Has sign-ins take no code any more, if this one is right.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn remove(
        &self,
        user: UserId,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<Change, SecondFactorError> {
        let used = self.use_code(user, code, now, |state| state.confirmed);
        if used.await? == Change::WrongCode {
            return Ok(Change::WrongCode);
        }
        for _ in 0..ATTEMPTS {
            let Some((version, _)) = self.find(user).await? else {
                return Ok(Change::Done);
            };
            if self.factors.forget(user, version).await? == FactorSwap::Swapped {
                return Ok(Change::Done);
            }
        }
        Err(failed(Contended))
    }

    /// Whether the code is right for a secret that is as it is to be; it, and all
    /// before it, are not right from then on.
    async fn use_code(
        &self,
        user: UserId,
        code: &SecretString,
        now: Timestamp,
        is_to_be: impl Fn(&State) -> bool,
    ) -> Result<Change, SecondFactorError> {
        for _ in 0..ATTEMPTS {
            let Some((version, state)) = self.find(user).await? else {
                return Ok(Change::WrongCode);
            };
            let step = state.step_of(code, now)?;
            let Some(step) = step.filter(|step| *step > state.last_step) else {
                return Ok(Change::WrongCode);
            };
            if !is_to_be(&state) {
                return Ok(Change::WrongCode);
            }
            let used = State {
                confirmed: true,
                last_step: step,
                ..state
            };
            let kept = self.factors.keep(user, Some(version), used.encode());
            if kept.await? == FactorSwap::Swapped {
                return Ok(Change::Done);
            }
            // Somebody used a code meanwhile: was it this one?
        }
        Ok(Change::WrongCode)
    }

    async fn find(&self, user: UserId) -> Result<Option<(Uuid, State)>, SecondFactorError> {
        let Some(opened) = self.factors.find(user).await? else {
            return Ok(None);
        };
        let state = State::decode(&opened.data).ok_or(SecondFactorError::Sealed)?;
        Ok(Some((opened.version, state)))
    }

    fn enrolment(&self, state: &State, name: &Username) -> Result<Enrolment, SecondFactorError> {
        let secret = Zeroizing::new(Secret::new_stack(*state.secret).to_base32());
        let mut uri = Url::parse("otpauth://totp/").map_err(failed)?;
        let label = format!("{}:{}", self.issuer, name.as_str());
        uri.path_segments_mut()
            .map_err(|()| failed(NoPath))?
            .pop_if_empty()
            .push(&label);
        uri.query_pairs_mut()
            .append_pair("secret", &secret)
            .append_pair("issuer", &self.issuer);
        Ok(Enrolment {
            secret: SecretString::from(secret.as_str()),
            uri: String::from(uri).into(),
        })
    }
}

#[async_trait]
impl SecondFactor for Totp {
    async fn judge(
        &self,
        user: UserId,
        answer: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<Judgement, SecondFactorError> {
        match self.find(user).await? {
            Some((_, state)) if state.confirmed => {}
            _ => return Ok(Judgement::NotNeeded),
        }
        let Some(code) = answer else {
            return Ok(Judgement::Required(Challenge {
                kind: "totp",
                data: None,
            }));
        };
        let used = self.use_code(user, code, now, |state| state.confirmed);
        Ok(match used.await? {
            Change::Done => Judgement::Right,
            Change::WrongCode => Judgement::Wrong,
        })
    }
}

impl State {
    /// The confirmation, the step in big-endian order, the secret.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.confirmed)];
        bytes.extend(self.last_step.to_be_bytes());
        bytes.extend(self.secret.iter());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (confirmed, rest) = bytes.split_first()?;
        let (last_step, secret) = rest.split_first_chunk()?;
        Some(Self {
            secret: Zeroizing::new(secret.try_into().ok()?),
            confirmed: *confirmed == 1,
            last_step: u64::from_be_bytes(*last_step),
        })
    }

    /// The step that the code is of: this one, the one before or the next one.
    fn step_of(
        &self,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<Option<u64>, SecondFactorError> {
        let totp = Builder::new()
            .with_secret(Secret::new_stack(*self.secret))
            .build()
            .map_err(failed)?;
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        Ok(totp.check(code.expose_secret(), seconds))
    }
}

/// Others were faster each time.
#[derive(Debug, thiserror::Error)]
#[error("the second factor is being changed by others")]
struct Contended;

/// What the URL crate could say of a URL without a host.
#[derive(Debug, thiserror::Error)]
#[error("the URL has no path")]
struct NoPath;

fn failed(error: impl Into<contract::BoxError>) -> SecondFactorError {
    SecondFactorError::Failed(error.into())
}
