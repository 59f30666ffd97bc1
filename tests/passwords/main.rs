//! Passwords: judging, hashing and verifying, as the rest of the service sees it.
#![allow(
    clippy::unwrap_used,
    reason = "what a test calls fails as the test does"
)]

mod hashes;
mod legacy;
mod policy;
mod queue;

use contract::StoredHash;
use service::accounts::passwords::{HashError, PasswordService, PasswordSettings, Verdict};

const GOOD: &str = "violet anvil under 7 ferns";

fn start(settings: PasswordSettings) -> PasswordService {
    PasswordService::start(settings).unwrap()
}

fn cheap() -> PasswordService {
    start(PasswordSettings::cheap())
}

async fn verify(
    service: &PasswordService,
    typed: &str,
    stored: Option<&str>,
) -> Result<Verdict, HashError> {
    let stored = stored.map(|phc| StoredHash::new(phc.to_owned()));
    let permit = service.reserve()?;
    permit.verify(service.present(typed), stored.as_ref()).await
}

async fn is_right(service: &PasswordService, typed: &str, stored: &str) -> bool {
    matches!(
        verify(service, typed, Some(stored)).await.unwrap(),
        Verdict::Right { .. }
    )
}

async fn new_hash(service: &PasswordService, typed: &str, inputs: &[&str]) -> StoredHash {
    let permit = service.reserve().unwrap();
    permit.hash_new(typed, inputs).await.unwrap()
}
