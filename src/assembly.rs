//! The parts of a node, put together: what each role needs, and no more.

use std::{sync::Arc, time::Duration};

use contract::RoomBus;
use tokio_util::task::TaskTracker;

use crate::{
    accounts::{
        Accounts, SessionTimes,
        passwords::{KernelChoice, PasswordService, PasswordSettings, StartError},
        tokens::{EndedSessions, KeyRing, RefreshTokens, TokenIssuer, TokenVerifier},
    },
    app::App,
    config::{Config, HashKernel},
    node_keys::NodeKeys,
    presence::Presence,
    rooms::{MembersOnly, MembershipChanges, RoomLimits, RoomPolicy, Rooms},
    wiring::Stores,
};

/// The sessions that ended lately, for as long as that matters.
pub(crate) fn ended_sessions(config: &Config) -> Arc<EndedSessions> {
    Arc::new(EndedSessions::new(longest_token(config)))
}

/// The memberships that changed lately, for as long as that matters.
pub(crate) fn membership_changes(config: &Config) -> Arc<MembershipChanges> {
    Arc::new(MembershipChanges::new(longest_token(config)))
}

/// Whoever holds a token that is still accepted must find here what has become
/// of its session, and of the membership that it was minted under.
fn longest_token(config: &Config) -> Duration {
    config.tokens.access_ttl + config.tokens.leeway * 2
}

/// The one check of access tokens.
pub(crate) fn verifier(
    config: &Config,
    keys: &NodeKeys,
    ended: Arc<EndedSessions>,
) -> Arc<TokenVerifier> {
    let tokens = &config.tokens;
    let verifier = TokenVerifier::new(
        keys.verification().clone(),
        &tokens.issuer,
        &tokens.audience,
        tokens.leeway,
        ended,
    );
    Arc::new(match keys {
        NodeKeys::Remote(remote) => verifier.with_source(Arc::new(remote.clone())),
        NodeKeys::Signing(_) | NodeKeys::Verifying(_) => verifier,
    })
}

/// Who may join a room.
pub(crate) fn room_policy(stores: &Stores) -> Arc<dyn RoomPolicy> {
    Arc::new(MembersOnly(stores.rooms.clone()))
}

/// What the API has in common with the rest of its node.
pub(crate) struct Common {
    pub(crate) bus: Arc<dyn RoomBus>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) verifier: Arc<TokenVerifier>,
    pub(crate) ended: Arc<EndedSessions>,
}

/// The API of accounts and rooms. Starts the hashing threads.
///
/// # Errors
/// [`StartError`]
pub(crate) fn app(
    config: &Config,
    keys: Arc<KeyRing>,
    stores: &Stores,
    policy: Arc<dyn RoomPolicy>,
    common: Common,
) -> Result<Arc<App>, StartError> {
    let Common {
        bus,
        presence,
        verifier,
        ended,
    } = common;
    let passwords = PasswordService::start(password_settings(config))?;
    let tokens = &config.tokens;
    let issuer = TokenIssuer::new(
        keys.clone(),
        stores.credentials.clone(),
        &tokens.issuer,
        &tokens.audience,
        tokens.access_ttl,
    );
    let rooms = Rooms {
        store: stores.rooms.clone(),
        policy,
        credentials: stores.credentials.clone(),
        sessions: stores.sessions.clone(),
        requests: stores.idempotency.clone(),
        bus: bus.clone(),
        presence,
        issuer: issuer.clone(),
        limits: RoomLimits {
            max_owned: config.rooms.max_owned,
            max_members: config.rooms.max_members,
            max_message_bytes: config.ws.max_message_bytes,
        },
    };
    let accounts = Accounts {
        credentials: stores.credentials.clone(),
        sessions: stores.sessions.clone(),
        bus,
        passwords,
        issuer,
        refresh_tokens: RefreshTokens::new(keys.clone()),
        ended,
        times: SessionTimes {
            idle_ttl: tokens.refresh_idle_ttl,
            absolute_ttl: tokens.refresh_absolute_ttl,
            grace: tokens.refresh_grace,
        },
    };
    Ok(Arc::new(App {
        accounts,
        rooms,
        verifier,
        keys,
        body_limit: config.http.body_limit,
        work: TaskTracker::new(),
    }))
}

/// How passwords are judged and hashed, as the configuration says.
#[must_use]
pub fn password_settings(config: &Config) -> PasswordSettings {
    let passwords = &config.passwords;
    PasswordSettings {
        memory_kib: passwords.memory_kib,
        iterations: passwords.iterations,
        parallelism: passwords.parallelism,
        min_bytes: passwords.min_bytes,
        max_bytes: passwords.max_bytes,
        min_score: passwords.min_score,
        threads: passwords.threads,
        queue: passwords.queue,
        arena_idle: passwords.arena_idle,
        kernel: match passwords.kernel {
            HashKernel::Argon2 => KernelChoice::Argon2,
            HashKernel::Simd => KernelChoice::Simd,
        },
    }
}
