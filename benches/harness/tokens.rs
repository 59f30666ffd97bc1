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
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    let claims = Claims {
        iss: "service",
        aud: "service",
        sub: Uuid::new_v4(),
        sid: Uuid::new_v4(),
        room,
        grant: "rw",
        iat: now,
        exp: now + LIFE,
        jti: Uuid::new_v4(),
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&header, &claims, &key)?)
}
