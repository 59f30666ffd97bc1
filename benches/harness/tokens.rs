//! Access tokens that the service accepts, made with its secret or its key.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ::service::accounts::tokens::KeyRing;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Outcome;

/// Seconds for which a token is good: longer than any round.
const LIFE: u64 = 600;

/// The issuer and the audience, unless they are set.
pub(crate) const ISSUER: &str = "service";

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

/// What the service's tokens are signed with.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Signer {
    /// Its `JWT_SECRET`: HS256.
    Secret(String),
    /// Its folder of keys: Ed25519.
    Folder(PathBuf),
}

/// Makes tokens with a key that is read once.
pub(crate) struct Mint {
    header: Header,
    key: EncodingKey,
}

impl Mint {
    /// Reads the key.
    pub(crate) fn new(signer: &Signer) -> Outcome<Self> {
        let (mut header, key) = match signer {
            Signer::Secret(secret) => (
                Header::new(Algorithm::HS256),
                EncodingKey::from_secret(secret.as_bytes()),
            ),
            Signer::Folder(folder) => {
                let mut header = Header::new(Algorithm::EdDSA);
                let ring = KeyRing::from_dir(folder)?;
                let key = ring.jwks().keys.first().ok_or("a ring has a key")?;
                header.kid.clone_from(&key.common.key_id);
                (header, EncodingKey::from_ed_pem(&pem_in(folder)?)?)
            }
        };
        header.typ = Some("at+jwt".to_owned());
        Ok(Self { header, key })
    }

    /// A token for a new user in a new session, who may read and write in `room`.
    pub(crate) fn token(&self, room: &str) -> Outcome<String> {
        self.token_for(Uuid::new_v4(), Uuid::new_v4(), room)
    }

    /// The same for this user in this session.
    fn token_for(&self, user: Uuid, session: Uuid, room: &str) -> Outcome<String> {
        let claims = Claims::new(user, session, room)?;
        Ok(jsonwebtoken::encode(&self.header, &claims, &self.key)?)
    }
}

/// The one key of a folder.
fn pem_in(folder: &Path) -> Outcome<Vec<u8>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            return Ok(std::fs::read(path)?);
        }
    }
    Err(format!("no key in {}", folder.display()).into())
}

/// [`Mint::token`] with a secret.
pub(crate) fn mint(secret: &str, room: &str) -> Outcome<String> {
    Mint::new(&Signer::Secret(secret.to_owned()))?.token(room)
}

/// [`mint`] for this user in this session.
pub(crate) fn mint_for(secret: &str, user: Uuid, session: Uuid, room: &str) -> Outcome<String> {
    Mint::new(&Signer::Secret(secret.to_owned()))?.token_for(user, session, room)
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
