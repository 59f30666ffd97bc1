//! Access tokens: JWTs after RFC 9068, with the room and the grant that the
//! gateway needs.

use std::{fmt, sync::Arc, time::Duration};

use contract::{
    CredentialStore, Role, RoomName, Session, SessionId, StoreError, Timestamp, UserId,
};
use jsonwebtoken::Header;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{claims::ExtraClaims, keys::KeyRing, verifier::MAX_TOKEN_BYTES};

/// The `typ` of an access token (RFC 9068, section 2.1).
pub(super) const TYP: &str = "at+jwt";

/// What a token allows in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Grant {
    /// Hear.
    #[serde(rename = "r")]
    Read,
    /// Hear and speak.
    #[serde(rename = "rw")]
    ReadWrite,
}

impl From<Role> for Grant {
    fn from(role: Role) -> Self {
        if role.may_speak() {
            Self::ReadWrite
        } else {
            Self::Read
        }
    }
}

/// What a token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomAccess {
    /// The room (`room`).
    pub room: RoomName,
    /// What it allows there (`grant`).
    pub grant: Grant,
    /// Whether it tells who is there (`presence`; not if that is absent).
    pub presence: bool,
}

/// What a valid access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Whose it is (`sub`).
    pub user: UserId,
    /// The session that it was issued in (`sid`).
    pub session: SessionId,
    /// The room that it opens (`room`).
    pub room: RoomName,
    /// What it allows there (`grant`).
    pub grant: Grant,
    /// Whether its room tells who is there (`presence`; not if that is absent).
    pub presence: bool,
    /// When it ends (`exp`), in whole seconds.
    pub expires_at: Timestamp,
    /// The claims of one's own.
    pub claims: ExtraClaims,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: UserId,
    sid: SessionId,
    room: &'a RoomName,
    grant: Grant,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    presence: bool,
    iat: i64,
    exp: i64,
    jti: Uuid,
    #[serde(flatten)]
    extra: ExtraClaims,
}

/// Why no access token was minted.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// What it would say of its user can't be found out.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody would take it: what is too much are the claims of one's own.
    #[error("an access token would have {bytes} bytes, of {MAX_TOKEN_BYTES} at most")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// The cryptographic library failed, which a loaded key doesn't cause.
    #[error("signing a token failed")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// Mints access tokens.
#[derive(Clone)]
pub struct TokenIssuer {
    keys: Arc<KeyRing>,
    accounts: Arc<dyn CredentialStore>,
    issuer: String,
    audience: String,
    ttl: Duration,
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenIssuer")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

impl TokenIssuer {
    /// Tokens from `issuer` for `audience` that live for `ttl`, in whole
    /// seconds; what they say of their users comes from `accounts`.
    #[must_use]
    pub fn new(
        keys: Arc<KeyRing>,
        accounts: Arc<dyn CredentialStore>,
        issuer: &str,
        audience: &str,
        ttl: Duration,
    ) -> Self {
        Self {
            keys,
            accounts,
            issuer: issuer.into(),
            audience: audience.into(),
            ttl,
        }
    }

    /// Mints a token of a session that ends with it if that is sooner. Returns
    /// it with its life in seconds.
    ///
    /// # Errors
    /// [`IssueError`]
    pub async fn issue(
        &self,
        session: &Session,
        access: &RoomAccess,
        now: Timestamp,
    ) -> Result<(String, u64), IssueError> {
        let iat = now.as_second();
        let ttl = i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX);
        let exp = iat.saturating_add(ttl).min(session.expires_at.as_second());
        let mut header = Header::new(self.keys.algorithm);
        header.typ = Some(TYP.into());
        header.kid = Some(self.keys.kid.clone());
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: session.user,
            sid: session.id,
            room: &access.room,
            grant: access.grant,
            presence: access.presence,
            iat,
            exp,
            jti: Uuid::new_v4(),
            extra: ExtraClaims::of(session, &*self.accounts).await?,
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.keys.signing)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IssueError::TooLong { bytes: token.len() });
        }
        Ok((token, u64::try_from(exp - iat).unwrap_or(0)))
    }
}
