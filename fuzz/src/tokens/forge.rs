//! Tokens of all sorts of people: of this service, of another one, and of those
//! who have no key and try what might be taken for one.

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    AUDIENCE, ED25519, FOREIGN, FOREIGN_SEED, ISSUER, NOW, OWN_SEED, PREVIOUS, SECRET, SESSION,
    kid, pair,
};

/// A token with that header and those claims; `None` if nobody is called so.
pub(super) fn token(signer: u8, header: &str, claims: &str) -> Option<String> {
    let own = pair(&OWN_SEED);
    let sha256 = |key: &[u8]| Signer::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, key)));
    let (signer, alg, kid) = match signer {
        b's' => (sha256(SECRET.as_bytes()), "HS256", Some(kid(SECRET))),
        b'p' => (sha256(PREVIOUS.as_bytes()), "HS256", Some(kid(PREVIOUS))),
        // A back end that has the secret need not know its id.
        b'u' => (sha256(SECRET.as_bytes()), "HS256", None),
        b'f' => (sha256(FOREIGN.as_bytes()), "HS256", Some(kid(SECRET))),
        b'l' => {
            let key = hmac::Key::new(hmac::HMAC_SHA512, SECRET.as_bytes());
            (Signer::Hmac(Box::new(key)), "HS512", Some(kid(SECRET)))
        }
        b'e' => (Signer::Ed25519(own), "EdDSA", Some(ED25519.to_owned())),
        b'g' => {
            let foreign = pair(&FOREIGN_SEED);
            (Signer::Ed25519(foreign), "EdDSA", Some(ED25519.to_owned()))
        }
        // What everybody knows of the key, as if it were a secret.
        b'k' => {
            let public = own.public_key().as_ref();
            (sha256(public), "HS256", Some(ED25519.to_owned()))
        }
        b'n' => (Signer::Nobody, "none", Some(kid(SECRET))),
        b'=' => return Some(header.to_owned()),
        _ => return None,
    };
    let mut head = json!({"typ": "at+jwt", "alg": alg});
    if let Some(kid) = kid {
        head["kid"] = kid.into();
    }
    let said = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": SESSION,
        "sid": SESSION,
        "room": "lobby",
        "grant": "rw",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "1",
    });
    let message = format!("{}.{}", part(head, header), part(said, claims));
    let signature = signer.sign(message.as_bytes());
    Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

enum Signer {
    Hmac(Box<hmac::Key>),
    Ed25519(Ed25519KeyPair),
    Nobody,
}

impl Signer {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Nobody => Vec::new(),
        }
    }
}

/// A header, or claims: what is valid, with what is said otherwise.
fn part(valid: Value, said: &str) -> String {
    if let Some(as_it_is) = said.strip_prefix('=') {
        return URL_SAFE_NO_PAD.encode(as_it_is);
    }
    let mut part = match valid {
        Value::Object(valid) => valid,
        _ => Map::new(),
    };
    let Ok(said) = serde_json::from_str::<Map<String, Value>>(said) else {
        return URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    };
    for (name, value) in said {
        match value.as_str() {
            Some("-") => part.remove(&name),
            _ => part.insert(name, value),
        };
    }
    URL_SAFE_NO_PAD.encode(Value::Object(part).to_string())
}

/// What comes of a token on its way: `cut N` leaves so many characters, `at N TEXT`
/// writes over them, anything else is added at its end.
pub(super) fn altered(token: String, how: &str) -> String {
    let mut words = how.splitn(3, ' ');
    let (what, at) = (words.next(), words.next());
    let at = at.and_then(|at| at.parse::<usize>().ok());
    match (what, at) {
        (Some("cut"), Some(at)) => token.chars().take(at).collect(),
        (Some("at"), Some(at)) => {
            let over: Vec<char> = words.next().unwrap_or_default().chars().collect();
            let token = token.chars().enumerate();
            let over = |i: usize| i.checked_sub(at).and_then(|i| over.get(i).copied());
            token.map(|(i, old)| over(i).unwrap_or(old)).collect()
        }
        _ => token + how,
    }
}
