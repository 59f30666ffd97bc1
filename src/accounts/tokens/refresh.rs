//! Refresh tokens: `base64url(sid | counter | HMAC-SHA256(key, sid | counter))`
//! with a key that HKDF derives from the server's secret and the session's
//! seed. A dump of the database lacks the one, a leak of the secret the other.

use std::{fmt, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{Seed, Session, SessionId};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::keys::{KeyError, KeyRing, RefreshSecret};

const MAC: usize = 32;
const SIGNED: usize = 16 + 4;
const TOKEN: usize = SIGNED + MAC;

/// A refresh token as presented: parsed, not yet authenticated.
#[derive(Clone)]
pub struct RefreshToken {
    bytes: Zeroizing<[u8; TOKEN]>,
}

impl RefreshToken {
    /// Takes what a client sent apart; `None` if it is no refresh token.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        match URL_SAFE_NO_PAD.decode_slice(token, bytes.as_mut()) {
            Ok(TOKEN) => Some(Self { bytes }),
            _ => None,
        }
    }

    /// Which session it says that it is of.
    #[must_use]
    pub fn session(&self) -> SessionId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.bytes[..16]);
        SessionId(Uuid::from_bytes(id))
    }

    /// Which of the session's tokens it says that it is.
    #[must_use]
    pub fn counter(&self) -> u32 {
        let mut counter = [0; 4];
        counter.copy_from_slice(&self.bytes[16..SIGNED]);
        u32::from_be_bytes(counter)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}

/// Derives and authenticates refresh tokens.
#[derive(Debug, Clone)]
pub struct RefreshTokens {
    keys: Arc<KeyRing>,
}

impl RefreshTokens {
    /// Tokens of this deployment.
    #[must_use]
    pub fn new(keys: Arc<KeyRing>) -> Self {
        Self { keys }
    }

    /// The session's current token: the same for the same row, so that a
    /// repeated refresh gives the same child.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn current(&self, session: &Session) -> Result<String, KeyError> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        bytes[..16].copy_from_slice(session.id.0.as_bytes());
        bytes[16..SIGNED].copy_from_slice(&session.counter.to_be_bytes());
        let tag = hmac::sign(&key(&self.keys.refresh, &session.seed)?, &bytes[..SIGNED]);
        bytes[SIGNED..].copy_from_slice(tag.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(bytes.as_ref()))
    }

    /// Whether a presented token was given out in this session, now or before,
    /// under this secret or another that is accepted beside it; compared in
    /// constant time.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn is_authentic(&self, token: &RefreshToken, session: &Session) -> Result<bool, KeyError> {
        let (signed, mac) = token.bytes.split_at(SIGNED);
        for secret in [
            Some(&self.keys.refresh),
            self.keys.previous_refresh.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            let key = key(secret, &session.seed)?;
            if token.session() == session.id && hmac::verify(&key, signed, mac).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn key(secret: &RefreshSecret, seed: &Seed) -> Result<hmac::Key, KeyError> {
    let key = secret.expand(seed.as_bytes())?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
}
