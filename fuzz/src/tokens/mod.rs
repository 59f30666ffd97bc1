//! Access and refresh tokens: those that are accepted were signed by a key of
//! ours and say all that they must, as a second reading of RFC 7515 and 9068 has
//! it.
//!
//! | file | what it holds |
//! |---|---|
//! | here | what an input is, and the keys |
//! | `forge` | tokens of all sorts of people |
//! | `second_reading` | whether an access token is to be accepted |
//! | `refresh` | refresh tokens |
//!
//! An input is text. The first letter of its first line says who signs. For an
//! access token the second is the header and the third the claims, each as JSON
//! that is laid over what a valid one has (`"-"` takes away), or, behind `=`, as
//! they are. The fourth is what happens to the token on its way.

mod forge;
mod refresh;
mod second_reading;

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    hkdf,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{SessionId, Timestamp};
use serde_json::json;
use service::accounts::tokens::{
    EndedSessions, Jwks, TokenError, TokenVerifier, VerificationKeys, verifier::MAX_TOKEN_BYTES,
};
use uuid::Uuid;

use super::waiting::wait;

/// The shared secrets: the one that signs, the one before it, and somebody else's.
const SECRET: &str = "a-secret-of-fuzzing-2b7e151628aed2a6";
const PREVIOUS: &str = "the-secret-before-it-abf7158809cf4f3c";
const FOREIGN: &str = "the-secret-of-another-762e7160f38b4da5";

/// Seeds of the Ed25519 keys: ours, and somebody else's.
const OWN_SEED: [u8; 32] = [7; 32];
const FOREIGN_SEED: [u8; 32] = [8; 32];
/// The id of our Ed25519 key.
const ED25519: &str = "ed25519";

/// Who is asked for, of whom, and when.
const ISSUER: &str = "service";
const AUDIENCE: &str = "rooms";
const NOW: i64 = 1_800_000_000;
const LEEWAY: i64 = 5;

/// The session of which tokens are unless they say otherwise, and one that has
/// ended.
const SESSION: Uuid = Uuid::from_u128(0x5e55_0000_0000_4000_8000_0000_0000_0001);
const ENDED: Uuid = Uuid::from_u128(0x5e55_0000_0000_4000_8000_0000_0000_0002);

/// One token.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (signer, first, second, on_its_way) = (line(), line(), line(), line());
    match signer.bytes().next() {
        Some(b'r') => refresh::run(first, second),
        Some(signer) => {
            if let Some(token) = forge::token(signer, first, second) {
                access(&forge::altered(token, on_its_way));
            }
        }
        None => {}
    }
}

fn access(token: &str) {
    let now = Timestamp::from_second(NOW).unwrap();
    let ended = Arc::new(EndedSessions::new(Duration::from_secs(610)));
    ended.insert(SessionId(ENDED), now);
    let leeway = Duration::from_secs(LEEWAY.unsigned_abs());
    let verifier = TokenVerifier::new(Arc::new(keys()), ISSUER, AUDIENCE, leeway, ended);

    let verified = wait(verifier.verify(token, now));
    let said = second_reading::read(token);
    match verified {
        Ok(access) => {
            let said = said.unwrap_or_else(|why| panic!("{token} is accepted: {why}"));
            assert_eq!(access.user.0, said.user);
            assert_eq!(access.session.0, said.session);
            assert_eq!(access.room.as_str(), said.room);
            assert_eq!(json!(access.grant), said.grant);
            assert_eq!(access.presence, said.presence);
            assert_eq!(access.expires_at.as_second(), said.exp);
        }
        Err(TokenError::TooLong) => assert!(token.len() > MAX_TOKEN_BYTES),
        // What is plainly as this service writes it is not refused.
        Err(error) => assert!(
            !said.is_ok_and(|said| said.is_plain),
            "{token} is refused: {error}"
        ),
    }
}

fn keys() -> VerificationKeys {
    let set = json!({"keys": [{
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": ED25519,
        "x": URL_SAFE_NO_PAD.encode(pair(&OWN_SEED).public_key()),
    }]});
    let keys = VerificationKeys::new(Jwks::parse(set.to_string().as_bytes()).unwrap().keys);
    keys.also_accept(&SECRET.to_owned().into()).unwrap();
    keys.also_accept(&PREVIOUS.to_owned().into()).unwrap();
    keys
}

fn pair(seed: &[u8; 32]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed).unwrap()
}

/// The id of a shared secret.
fn kid(secret: &str) -> String {
    let mut id = [0; 9];
    let mut okm = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"key id")
        .extract(secret.as_bytes())
        .expand(&[b"kid"], hkdf::HKDF_SHA256)
        .unwrap()
        .fill(&mut okm)
        .unwrap();
    id.copy_from_slice(&okm[..9]);
    URL_SAFE_NO_PAD.encode(id)
}
