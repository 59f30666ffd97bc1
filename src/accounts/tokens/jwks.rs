//! A JWK set (RFC 7517) that somebody else wrote: the Ed25519 keys in it
//! (RFC 8037), and why the rest is left out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use super::verification::{KeySet, VerificationKey};

/// Bytes of an Ed25519 public key (RFC 8032).
const PUBLIC_KEY: usize = 32;

/// Why a document gives no keys.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// Not a JWK set.
    #[error("it is not a JWK set")]
    NotAJwkSet(#[source] serde_json::Error),
    /// No key that can verify our tokens.
    #[error("it has no Ed25519 key that verifies{}", list(ignored))]
    NoKey {
        /// What is in it.
        ignored: Vec<Ignored>,
    },
}

fn list(ignored: &[Ignored]) -> String {
    ignored.iter().map(|key| format!("; {key}")).collect()
}

/// A key that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {position}{} {reason}", kid.as_deref().map(|kid| format!(" ({kid:?})")).unwrap_or_default())]
pub struct Ignored {
    /// Its place in the set, from 1.
    pub position: usize,
    /// Its id, cut to 64 characters.
    pub kid: Option<String>,
    /// Why.
    pub reason: &'static str,
}

/// What a JWK set gives.
#[derive(Debug)]
pub struct Jwks {
    /// Its keys that verify; at least one.
    pub keys: KeySet,
    /// What else is in it.
    pub ignored: Vec<Ignored>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// What counts of a key; as it comes, since one that is malformed must not
/// spoil the others.
#[derive(Deserialize)]
struct Key {
    kty: Option<Value>,
    crv: Option<Value>,
    kid: Option<Value>,
    alg: Option<Value>,
    #[serde(rename = "use")]
    usage: Option<Value>,
    key_ops: Option<Value>,
    x: Option<Value>,
    d: Option<Value>,
}

impl Jwks {
    /// Takes a document apart.
    ///
    /// # Errors
    /// [`JwksError`]
    pub fn parse(document: &[u8]) -> Result<Self, JwksError> {
        let document: Document = serde_json::from_slice(document).map_err(JwksError::NotAJwkSet)?;
        let mut keys = KeySet::default();
        let mut ignored = Vec::new();
        for (index, value) in document.keys.into_iter().enumerate() {
            let kid = value.get("kid").and_then(Value::as_str).map(cut);
            match verification_key(value) {
                Ok((kid, key)) if !keys.contains(&kid) => keys.insert(kid, key),
                Ok(_) => ignored.push((index, kid, "has the id of another key")),
                Err(reason) => ignored.push((index, kid, reason)),
            }
        }
        let ignored = ignored
            .into_iter()
            .map(|(index, kid, reason)| Ignored {
                position: index + 1,
                kid,
                reason,
            })
            .collect();
        if keys.is_empty() {
            return Err(JwksError::NoKey { ignored });
        }
        Ok(Self { keys, ignored })
    }
}

fn verification_key(value: Value) -> Result<(String, VerificationKey), &'static str> {
    let key: Key = serde_json::from_value(value).map_err(|_| "is not a JWK")?;
    let is = |value: &Option<Value>, text: &str| value.as_ref().is_some_and(|value| value == text);
    if is(&key.kty, "oct") {
        // Everybody who reads the document could mint tokens with it.
        return Err("is a shared secret, which must never be published");
    }
    if key.d.is_some() {
        return Err("is a private key, which must never be published");
    }
    if !is(&key.kty, "OKP") || !is(&key.crv, "Ed25519") {
        return Err("is not an Ed25519 key");
    }
    if key.alg.is_some() && !is(&key.alg, "EdDSA") {
        return Err("is for another algorithm than EdDSA");
    }
    let verifies = match &key.key_ops {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|name| name == "verify"),
        Some(_) => false,
    };
    if !verifies || (key.usage.is_some() && !is(&key.usage, "sig")) {
        return Err("is not for signatures");
    }
    let kid = match key.kid {
        Some(Value::String(kid)) if !kid.is_empty() => kid,
        _ => return Err("has no id (kid)"),
    };
    let x = match &key.x {
        Some(Value::String(x)) => x,
        _ => return Err("has no public key (x)"),
    };
    match URL_SAFE_NO_PAD.decode(x) {
        Ok(bytes) if bytes.len() == PUBLIC_KEY => Ok((
            kid,
            VerificationKey::ed25519(DecodingKey::from_ed_der(&bytes)),
        )),
        _ => Err("is not 32 bytes in base64url"),
    }
}

fn cut(kid: &str) -> String {
    kid.chars().take(64).collect()
}
