//! Whether an access token is to be accepted: RFC 7515, section 5.2, RFC 7519,
//! section 7.2, and RFC 9068, section 4, one sentence after the other.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{ED25519 as VERIFIES_ED25519, KeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value};
use service::accounts::tokens::verifier::MAX_TOKEN_BYTES;
use uuid::Uuid;

use super::{AUDIENCE, ED25519, ENDED, ISSUER, LEEWAY, NOW, OWN_SEED, PREVIOUS, SECRET, kid, pair};

/// What an acceptable token says.
pub(super) struct Said {
    pub(super) user: Uuid,
    pub(super) session: Uuid,
    pub(super) room: String,
    pub(super) grant: Value,
    pub(super) presence: bool,
    pub(super) exp: i64,
    /// Whether it says what this service writes, as it writes it, and no more.
    pub(super) is_plain: bool,
}

type Why = &'static str;

/// Reads a token; or why it must not be accepted.
pub(super) fn read(token: &str) -> Result<Said, Why> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err("it is too long");
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err("it has not three parts");
    };
    let signed = &token[..header.len() + 1 + claims.len()];
    let signature = URL_SAFE_NO_PAD.decode(signature);
    let signature = signature.map_err(|_| "its signature is not base64url")?;
    let (header, claims) = (object(header)?, object(claims)?);
    let is_unique = header.is_unique && claims.is_unique;
    let (header, claims) = (header.fields, claims.fields);

    let typ = header.get("typ").and_then(Value::as_str).ok_or("no typ")?;
    let typ = typ.strip_prefix("application/").unwrap_or(typ);
    if !typ.eq_ignore_ascii_case("at+jwt") {
        return Err("it is another kind of token");
    }
    if header.get("crit").is_some_and(|crit| !crit.is_null()) {
        return Err("it has critical extensions");
    }
    let kid = match header.get("kid") {
        None | Some(Value::Null) => None,
        Some(kid) => Some(kid.as_str().ok_or("its kid is no string")?),
    };
    let alg = header.get("alg").and_then(Value::as_str).ok_or("no alg")?;
    if !is_signed(kid, alg, signed.as_bytes(), &signature) {
        return Err("no key of ours has signed it");
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    if text("iss") != Some(ISSUER) {
        return Err("it is of another issuer");
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == AUDIENCE,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == AUDIENCE),
        _ => false,
    };
    if !is_for_us {
        return Err("it is for others");
    }
    let id = |name: &str| text(name).and_then(|id| Uuid::parse_str(id).ok());
    let user = id("sub").ok_or("no sub")?;
    let session = id("sid").ok_or("no sid")?;
    let room = text("room").ok_or("no room")?;
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !(1..=64).contains(&room.len()) || !room.bytes().all(in_name) {
        return Err("its room is none");
    }
    let grant = claims.get("grant").ok_or("no grant")?;
    if grant != "r" && grant != "rw" {
        return Err("its grant is none");
    }
    let presence = match claims.get("presence") {
        None => false,
        Some(presence) => presence.as_bool().ok_or("its presence is neither")?,
    };
    text("jti").ok_or("no jti")?;
    let (iat, exp) = (
        number("iat").ok_or("no iat")?,
        number("exp").ok_or("no exp")?,
    );
    let nbf = match claims.get("nbf") {
        None | Some(Value::Null) => None,
        Some(nbf) => Some(nbf.as_i64().ok_or("its nbf is no time")?),
    };
    if iat > NOW + LEEWAY || nbf.is_some_and(|nbf| nbf > NOW + LEEWAY) {
        return Err("its time has not come");
    }
    if exp <= NOW - LEEWAY {
        return Err("its time is over");
    }
    if session == ENDED {
        return Err("its session has ended");
    }
    // RFC 3339 has no year beyond 9999.
    const LAST: i64 = 253_402_207_200;
    let known = ["typ", "alg", "kid"];
    let is_plain = is_unique
        && claims.get("aud").is_some_and(Value::is_string)
        && header.keys().all(|name| known.contains(&name.as_str()))
        && exp < LAST;
    Ok(Said {
        user,
        session,
        room: room.to_owned(),
        grant: grant.clone(),
        presence,
        exp,
        is_plain,
    })
}

/// What a part says. Of two values of one name it is the last that counts here:
/// one that the service needs comes twice in no token that it accepts.
struct Object {
    fields: Map<String, Value>,
    is_unique: bool,
}

fn object(part: &str) -> Result<Object, Why> {
    let json = URL_SAFE_NO_PAD.decode(part);
    let json = json.map_err(|_| "a part of it is not base64url")?;
    serde_json::from_slice(&json).map_err(|_| "a part of it is no JSON object")
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let (mut fields, mut is_unique) = (Map::new(), true);
                while let Some((name, value)) = map.next_entry()? {
                    is_unique &= fields.insert(name, value).is_none();
                }
                Ok(Object { fields, is_unique })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// The key decides on the algorithm. Who names none has a secret.
fn is_signed(named: Option<&str>, alg: &str, message: &[u8], signature: &[u8]) -> bool {
    if named == Some(ED25519) {
        let pair = pair(&OWN_SEED);
        let key = UnparsedPublicKey::new(&VERIFIES_ED25519, pair.public_key());
        return alg == "EdDSA" && key.verify(message, signature).is_ok();
    }
    let mut secrets = vec![SECRET, PREVIOUS];
    secrets.retain(|secret| named.is_none_or(|named| named == kid(secret)));
    alg == "HS256"
        && secrets.iter().any(|secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            hmac::verify(&key, message, signature).is_ok()
        })
}
