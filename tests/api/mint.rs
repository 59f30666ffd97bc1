//! Tokens that somebody else made: another back end that shares the secret, or
//! an attacker. Put together by hand, so that they can be wrong in any way.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

/// The secret of every test's service.
pub const SECRET: &str = "a-secret-of-tests-9f2c61d07be84a53";

pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .try_into()
        .unwrap()
}

pub fn claims(room: &str) -> Value {
    json!({
        "iss": "service",
        "aud": "service",
        "sub": Uuid::new_v4(),
        "sid": Uuid::new_v4(),
        "room": room,
        "grant": "rw",
        "iat": now(),
        "exp": now() + 600,
        "jti": Uuid::new_v4(),
    })
}

pub fn token(claims: &Value) -> String {
    signed(&json!({"typ": "at+jwt", "alg": "HS256"}), claims, SECRET)
}

pub fn signed(header: &Value, claims: &Value, secret: &str) -> String {
    signed_text(&header.to_string(), &claims.to_string(), secret)
}

pub fn signed_text(header: &str, claims: &str, secret: &str) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
