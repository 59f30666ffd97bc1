//! The use cases by themselves, with times of their own.

use std::{sync::Arc, time::Duration};

use contract::Backoff;
use service::{
    accounts::{
        Accounts, SessionTimes,
        guesses::{GuessSettings, Guesses},
        instruments::AccountInstruments,
        second_factor::PasswordAlone,
        tokens::{EndedSessions, KeyRing, RefreshTokens, TokenIssuer, TokenVerifier},
    },
    assembly,
    audit::{Audit, AuditSettings},
    config::Config,
    limits::{Limits, Rates},
    wiring,
};

use super::{ACCESS, GRACE, IDLE, LEEWAY, LIFE};

/// The use cases, and what verifies, on the stores and the bus of a service.
pub async fn of_a_service(config: &Config) -> (Accounts, TokenVerifier) {
    let backends = wiring::open(config).await.unwrap();
    let stores = backends.stores.unwrap();
    let secret = config.tokens.secret.as_ref().unwrap();
    let keys = Arc::new(KeyRing::from_secret(secret).unwrap());
    let millis = |ms: i64| Duration::from_millis(ms.unsigned_abs());
    let (ttl, leeway) = (millis(ACCESS), millis(LEEWAY));
    let ended = Arc::new(EndedSessions::new(ttl + 2 * leeway));
    let (issuer, audience) = ("service", "service");
    let audit = AuditSettings {
        table: false,
        refusals_per_minute: 0,
    };
    let never = GuessSettings {
        backoff: Backoff {
            free: 1,
            first: Duration::ZERO,
            longest: Duration::ZERO,
            forgotten_after: Duration::ZERO,
        },
        known_address: Duration::ZERO,
    };
    let verification = keys.verification().clone();
    let accounts = Accounts {
        credentials: stores.credentials.clone(),
        sessions: stores.sessions,
        bus: backends.bus,
        passwords: assembly::passwords(config).unwrap(),
        guesses: Guesses::new(stores.attempts, keys.pseudonyms().unwrap(), never),
        second_factor: Arc::new(PasswordAlone),
        totp: None,
        limits: Arc::new(Limits::new(Rates::default())),
        issuer: TokenIssuer::new(keys.clone(), stores.credentials, issuer, audience, ttl),
        refresh_tokens: RefreshTokens::new(keys),
        ended: ended.clone(),
        audit: Audit::start(stores.audit, audit),
        times: SessionTimes {
            idle_ttl: millis(IDLE),
            absolute_ttl: millis(LIFE),
            grace: millis(GRACE),
        },
        instruments: AccountInstruments::default(),
    };
    let verifier = TokenVerifier::new(verification, issuer, audience, leeway, ended);
    (accounts, verifier)
}
