//! The one check of access tokens, for HTTP requests and WebSocket handshakes
//! alike (EF-SEC-02).

use std::{sync::Arc, time::Duration};

use contract::{RoomName, SessionId, Timestamp, UserId};
use jsonwebtoken::{Validation, errors::ErrorKind};
use serde::Deserialize;

use super::{
    access::{AccessToken, Grant, TYP},
    claims::ExtraClaims,
    ended::EndedSessions,
    verification::{KeySource, VerificationKey, VerificationKeys},
};

/// Longest access token, in bytes; ours have about 500.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// Why a token is refused. For the log: a client learns only that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("too long")]
    TooLong,
    /// Not a JWT.
    #[error("not a JWT")]
    Malformed,
    /// Not an access token (`typ`), so perhaps another kind of token of this issuer.
    #[error("not of type at+jwt")]
    Type,
    /// Has `crit`: extensions that must be understood, of which we know none.
    #[error("has critical extensions")]
    Critical,
    /// Names no key of ours, or none where one must be named.
    #[error("unknown key")]
    UnknownKey,
    /// The algorithm is not the key's, or the signature is not of this key.
    #[error("bad signature")]
    Signature,
    /// A claim is missing or has no meaning here; also a wrong issuer or audience.
    #[error("bad claims")]
    Claims,
    /// Its time has not come.
    #[error("not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// Its session has ended.
    #[error("session ended")]
    SessionEnded,
}

/// What must be there; whether `iss` and `aud` are the right ones the library
/// checks.
#[derive(Deserialize)]
struct Claims {
    /// One (RFC 7519, section 4.1.1), where the library takes several.
    #[serde(rename = "iss")]
    _iss: String,
    sub: UserId,
    sid: SessionId,
    room: RoomName,
    grant: Grant,
    #[serde(default)]
    presence: bool,
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
    #[serde(rename = "jti")]
    _jti: String,
    #[serde(flatten)]
    extra: ExtraClaims,
}

/// Verifies access tokens.
#[derive(Debug)]
pub struct TokenVerifier {
    keys: Arc<VerificationKeys>,
    source: Option<Arc<dyn KeySource>>,
    issuer: String,
    audience: String,
    leeway: i64,
    ended: Arc<EndedSessions>,
}

impl TokenVerifier {
    /// Accepts tokens from `issuer` for `audience`, with `leeway` (whole
    /// seconds) for clocks that differ, whose session is not among `ended`.
    #[must_use]
    pub fn new(
        keys: Arc<VerificationKeys>,
        issuer: &str,
        audience: &str,
        leeway: Duration,
        ended: Arc<EndedSessions>,
    ) -> Self {
        let leeway = i64::try_from(leeway.as_secs()).unwrap_or(i64::MAX);
        Self {
            keys,
            source: None,
            issuer: issuer.into(),
            audience: audience.into(),
            leeway,
            ended,
        }
    }

    /// The same, whose keys come from `source`.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn KeySource>) -> Self {
        self.source = Some(source);
        self
    }

    /// Checks everything about a token. If it names a key that isn't known, and
    /// there is where newer ones come from, they are waited for.
    ///
    /// # Errors
    /// [`TokenError`], the first reason to refuse it.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<AccessToken, TokenError> {
        match (self.check(token, now), &self.source) {
            (Err(TokenError::UnknownKey), Some(source)) => {
                source.refresh().await;
                self.check(token, now)
            }
            (checked, _) => checked,
        }
    }

    fn check(&self, token: &str, now: Timestamp) -> Result<AccessToken, TokenError> {
        // Before anything parses it.
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::InvalidAlgorithmName => TokenError::Signature,
            _ => TokenError::Malformed,
        })?;
        let typ = header.typ.as_deref().unwrap_or_default();
        let typ = typ.strip_prefix("application/").unwrap_or(typ);
        if !typ.eq_ignore_ascii_case(TYP) {
            return Err(TokenError::Type);
        }
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let keys = self.keys.current();
        let mut claims = Err(TokenError::UnknownKey);
        for key in keys.candidates(header.kid.as_deref()) {
            claims = self.claims(token, key);
            // One that is not of this key may be of the next.
            if !matches!(claims, Err(TokenError::Signature)) {
                break;
            }
        }
        let claims = claims?;

        let seconds = now.as_second();
        let latest_start = seconds.saturating_add(self.leeway);
        if claims.iat > latest_start || claims.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(TokenError::NotYetValid);
        }
        if claims.exp.saturating_add(self.leeway) <= seconds {
            return Err(TokenError::Expired);
        }
        if !claims.extra.are_valid() {
            return Err(TokenError::Claims);
        }
        let expires_at = Timestamp::from_second(claims.exp).map_err(|_| TokenError::Claims)?;
        self.check_session(claims.sid, now)?;
        Ok(AccessToken {
            user: claims.sub,
            session: claims.sid,
            room: claims.room,
            grant: claims.grant,
            presence: claims.presence,
            expires_at,
            claims: claims.extra,
        })
    }

    /// What a token says that this key has signed.
    fn claims(&self, token: &str, key: &VerificationKey) -> Result<Claims, TokenError> {
        // The key says which algorithm, never the token.
        let mut validation = Validation::new(key.algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        // Times are checked against the caller's `now`.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let token = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
        let token = token.map_err(|error| match error.kind() {
            ErrorKind::InvalidToken | ErrorKind::Base64(_) => TokenError::Malformed,
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => TokenError::Signature,
            _ => TokenError::Claims,
        })?;
        Ok(token.claims)
    }

    /// Checks again that a session has not ended since its token was verified.
    ///
    /// # Errors
    /// [`TokenError::SessionEnded`].
    pub fn check_session(&self, session: SessionId, now: Timestamp) -> Result<(), TokenError> {
        if self.ended.contains(session, now) {
            Err(TokenError::SessionEnded)
        } else {
            Ok(())
        }
    }
}
