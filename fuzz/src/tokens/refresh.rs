//! Refresh tokens: what can be read comes back as it was, and only what was given
//! out in a session, under a secret that is accepted, is authentic there.
//!
//! The first line says whose token it is, by its letter, and which by its number:
//! `s7` is the eighth of the session, `p7` that under the secret before, `f7` under
//! a foreign one, `o7` another session's; `=` has the token itself behind it. The
//! second is what happens to it on its way.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{Seed, Session, SessionId, Timestamp, UserId};
use service::accounts::tokens::{KeyRing, RefreshToken, RefreshTokens};
use uuid::Uuid;

use super::{ENDED, FOREIGN, PREVIOUS, SECRET, SESSION, forge};

/// `sid | counter | HMAC-SHA256`.
const BYTES: usize = 16 + 4 + 32;

pub(super) fn run(whose: &str, on_its_way: &str) {
    let Some(letter) = whose.chars().next() else {
        return;
    };
    let rest = &whose[letter.len_utf8()..];
    let counter = rest.parse().unwrap_or(0);
    let token = match letter {
        's' => issued(SECRET, &session(SESSION, counter)),
        'p' => issued(PREVIOUS, &session(SESSION, counter)),
        'f' => issued(FOREIGN, &session(SESSION, counter)),
        'o' => issued(SECRET, &session(ENDED, counter)),
        _ => rest.to_owned(),
    };
    judge(&forge::altered(token, on_its_way));
}

fn judge(text: &str) {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let bytes = bytes.filter(|bytes| bytes.len() == BYTES);
    let token = RefreshToken::parse(text);
    assert_eq!(token.is_some(), bytes.is_some(), "{text}");
    let (Some(token), Some(bytes)) = (token, bytes) else {
        return;
    };
    assert_eq!(token.session().0.as_bytes(), &bytes[..16]);
    assert_eq!(token.counter().to_be_bytes(), bytes[16..20]);
    assert_eq!(format!("{token:?}"), "RefreshToken(..)");

    let mut tokens = keys(SECRET);
    tokens = tokens.with_previous(&PREVIOUS.to_owned().into()).unwrap();
    let tokens = RefreshTokens::new(Arc::new(tokens));
    // A session's row has moved on meanwhile, or not; its tokens are the same.
    for row in [token.counter(), 0, 1000] {
        let authentic = tokens.is_authentic(&token, &session(SESSION, row)).unwrap();
        let of = session(SESSION, token.counter());
        let was_issued = [SECRET, PREVIOUS]
            .iter()
            .any(|key| issued(key, &of) == text);
        assert_eq!(authentic, was_issued, "{text}");
    }
}

fn keys(secret: &str) -> KeyRing {
    KeyRing::from_secret(&secret.to_owned().into()).unwrap()
}

fn issued(secret: &str, session: &Session) -> String {
    let tokens = RefreshTokens::new(Arc::new(keys(secret)));
    tokens.current(session).unwrap()
}

fn session(id: Uuid, counter: u32) -> Session {
    let at = Timestamp::UNIX_EPOCH;
    Session {
        id: SessionId(id),
        user: UserId(Uuid::nil()),
        seed: Seed::new([id.as_bytes()[15]; 32]),
        counter,
        user_agent: None,
        created_at: at,
        rotated_at: at,
        idle_expires_at: at,
        expires_at: at,
    }
}
