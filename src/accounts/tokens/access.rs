//! Access tokens: JWTs after RFC 9068, with the room and the grant that the
//! gateway needs.

use std::{sync::Arc, time::Duration};

use contract::{Role, RoomName, SessionId, Timestamp, UserId};
use jsonwebtoken::Header;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::keys::KeyRing;

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
}

/// Mints access tokens.
#[derive(Debug, Clone)]
pub struct TokenIssuer {
    keys: Arc<KeyRing>,
    issuer: String,
    audience: String,
    ttl: Duration,
}

impl TokenIssuer {
    /// Tokens from `issuer` for `audience` that live for `ttl`, in whole seconds.
    #[must_use]
    pub fn new(keys: Arc<KeyRing>, issuer: &str, audience: &str, ttl: Duration) -> Self {
        Self {
            keys,
            issuer: issuer.into(),
            audience: audience.into(),
            ttl,
        }
    }

    /// Mints a token that ends with its session if that is sooner. Returns it
    /// with its life in seconds.
    ///
    /// # Errors
    /// The cryptographic library's, which a loaded key doesn't cause.
    pub fn issue(
        &self,
        user: UserId,
        session: SessionId,
        access: &RoomAccess,
        session_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(String, u64), jsonwebtoken::errors::Error> {
        let iat = now.as_second();
        let ttl = i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX);
        let exp = iat.saturating_add(ttl).min(session_expires_at.as_second());
        let mut header = Header::new(self.keys.algorithm);
        header.typ = Some(TYP.into());
        header.kid = Some(self.keys.kid.clone());
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: user,
            sid: session,
            room: &access.room,
            grant: access.grant,
            presence: access.presence,
            iat,
            exp,
            jti: Uuid::new_v4(),
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.keys.signing)?;
        Ok((token, u64::try_from(exp - iat).unwrap_or(0)))
    }
}
