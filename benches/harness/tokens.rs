//! Access tokens that the service accepts, made from its `JWT_SECRET`.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use uuid::Uuid;

use super::Outcome;

/// Seconds for which a token is good: longer than any round.
const LIFE: u64 = 600;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    aud: &'static str,
    sub: Uuid,
    sid: Uuid,
    room: &'a str,
    grant: &'static str,
    iat: u64,
    exp: u64,
    jti: Uuid,
}

/// A secret of 48 random characters.
pub(crate) fn secret() -> String {
    let pair = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    pair.chars().take(48).collect()
}

/// A token for a new user in a new session, who may read and write in `room`.
pub(crate) fn mint(secret: &str, room: &str) -> Outcome<String> {
    mint_for(secret, Uuid::new_v4(), Uuid::new_v4(), room)
}

/// A token for this user in this session, who may read and write in `room`.
pub(crate) fn mint_for(secret: &str, user: Uuid, session: Uuid, room: &str) -> Outcome<String> {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    let claims = Claims::new(user, session, room)?;
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&header, &claims, &key)?)
}

/// The claims of a token for a new user in a new session.
pub(crate) fn claims(room: &str) -> Outcome<impl Serialize> {
    Claims::new(Uuid::new_v4(), Uuid::new_v4(), room)
}

impl<'a> Claims<'a> {
    fn new(user: Uuid, session: Uuid, room: &'a str) -> Outcome<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok(Self {
            iss: "service",
            aud: "service",
            sub: user,
            sid: session,
            room,
            grant: "rw",
            iat: now,
            exp: now + LIFE,
            jti: Uuid::new_v4(),
        })
    }
}
