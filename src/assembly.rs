//! The parts of a node, put together: what each role needs, and no more.

use std::{sync::Arc, time::Duration};

use contract::{Backoff, RoomBus};
use tokio_util::task::TaskTracker;

use crate::{
    accounts::{
        Accounts, SessionTimes,
        administration::Administration,
        guesses::{GuessSettings, Guesses},
        instruments::AccountInstruments,
        passwords::{KernelChoice, PasswordService, PasswordSettings, StartError},
        second_factor::{PasswordAlone, SecondFactor, sealed::SealedFactors, totp::Totp},
        tokens::{
            EndedSessions, FolderKeys, KeyError, KeyRing, RefreshTokens, TokenIssuer, TokenVerifier,
        },
    },
    app::App,
    audit::{Audit, AuditSettings},
    config::{Config, HashKernel},
    http::instruments::RequestInstruments,
    limits::{Limits, Rates},
    node_keys::NodeKeys,
    presence::Presence,
    readiness::Readiness,
    rooms::{MembersOnly, MembershipChanges, RoomInstruments, RoomLimits, RoomPolicy, Rooms},
    telemetry::{
        metrics::{Counter, Metrics, gauge},
        traces::instruments::TraceInstruments,
    },
    wiring::{Stores, observed::StoreInstruments},
    ws::Gateway,
};

/// What an operator called `operator` works with. To be called in a runtime.
#[must_use]
pub fn administration(config: &Config, stores: &Stores, operator: String) -> Administration {
    Administration {
        credentials: stores.credentials.clone(),
        sessions: stores.sessions.clone(),
        second_factors: stores.second_factors.clone(),
        audit: audit(config, stores),
        operator,
    }
}

/// What hashes and verifies, as the configuration says.
///
/// # Errors
/// [`StartError`]
pub fn passwords(config: &Config) -> Result<PasswordService, StartError> {
    PasswordService::start(password_settings(config))
}

/// What hashes a password for an operator: as everywhere, and one at a time.
///
/// # Errors
/// [`StartError`]
pub fn operators_passwords(config: &Config) -> Result<PasswordService, StartError> {
    PasswordService::start(PasswordSettings {
        threads: 1,
        ..password_settings(config)
    })
}

fn audit(config: &Config, stores: &Stores) -> Audit {
    let settings = AuditSettings {
        table: !config.audit.retention.is_zero(),
        refusals_per_minute: config.audit.refusals_per_minute,
    };
    Audit::start(stores.audit.clone(), settings)
}

/// The sessions that ended lately, for as long as that matters.
pub(crate) fn ended_sessions(config: &Config) -> Arc<EndedSessions> {
    Arc::new(EndedSessions::new(longest_token(config)))
}

/// The memberships that changed lately, for as long as that matters.
pub(crate) fn membership_changes(config: &Config) -> Arc<MembershipChanges> {
    Arc::new(MembershipChanges::new(longest_token(config)))
}

/// For how long a token may be accepted after it was minted. Whoever holds one
/// must find here what has become of its session, and of the membership that it
/// was minted under.
#[must_use]
pub fn longest_token(config: &Config) -> Duration {
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
        // A secret comes from the configuration alone.
        _ if tokens.secret.is_some() => verifier,
        NodeKeys::Signing(_) | NodeKeys::Verifying(_) => {
            let keys = keys.verification().clone();
            let source = FolderKeys::new(tokens.key_dir.clone(), keys);
            verifier.with_source(Arc::new(source))
        }
    })
}

/// How often clients and users may ask.
pub(crate) fn limits(config: &Config) -> Arc<Limits> {
    let limits = &config.limits;
    Arc::new(Limits::new(Rates {
        logins: limits.logins_per_minute,
        registrations: limits.registrations_per_minute,
        refreshes: limits.refreshes_per_minute,
        connects: limits.connects_per_minute,
        user_refreshes: limits.user_refreshes_per_minute,
        user_connects: limits.user_connects_per_minute,
    }))
}

/// Who may join a room.
pub(crate) fn room_policy(stores: &Stores) -> Arc<dyn RoomPolicy> {
    Arc::new(MembersOnly(stores.rooms.clone()))
}

/// What accounts have to show besides a password.
fn second_factor(totp: Option<&Totp>) -> Arc<dyn SecondFactor> {
    match totp {
        Some(totp) => Arc::new(totp.clone()),
        None => Arc::new(PasswordAlone),
    }
}

fn totp(config: &Config, stores: &Stores) -> Result<Option<Totp>, KeyError> {
    let Some(key) = &config.second_factor.totp_key else {
        return Ok(None);
    };
    let factors = SealedFactors::new(stores.second_factors.clone(), key)?;
    Ok(Some(Totp::new(factors, config.tokens.issuer.clone())))
}

/// Rules of one's own, in the place of those that the service has.
#[derive(Debug)]
pub struct Rules {
    /// Who may join a room.
    pub rooms: Arc<dyn RoomPolicy>,
    /// What accounts have to show besides a password; without it, what the
    /// configuration says.
    pub second_factor: Option<Arc<dyn SecondFactor>>,
}

impl Rules {
    /// Those that the service has.
    #[must_use]
    pub fn usual(stores: &Stores) -> Self {
        Self {
            rooms: room_policy(stores),
            second_factor: None,
        }
    }
}

/// What a node counts, beside its [`App`] and its gateway.
pub(crate) struct Instruments {
    pub(crate) requests: RequestInstruments,
    pub(crate) stores: StoreInstruments,
    pub(crate) traces: TraceInstruments,
    /// How often the bus could not be heard for a while.
    pub(crate) interruptions: Counter,
    /// Those of the listener of the API.
    pub(crate) connections: TaskTracker,
}

impl Instruments {
    pub(crate) fn new() -> Self {
        Self {
            requests: RequestInstruments::default(),
            stores: StoreInstruments::default(),
            traces: TraceInstruments::default(),
            interruptions: Counter::default(),
            connections: TaskTracker::new(),
        }
    }

    /// Everything that a node counts.
    pub(crate) fn gather(
        &self,
        stores: Option<&Stores>,
        app: Option<&App>,
        gateway: Option<&Arc<Gateway>>,
        readiness: &Arc<Readiness>,
    ) -> Arc<Metrics> {
        Arc::new(Metrics::gather(|registry| {
            self.requests.register(registry);
            let connections = self.connections.clone();
            registry.register(
                "http_connections",
                "Open connections that are no sockets",
                gauge(move || Some(connections.len() as f64)),
            );
            if let Some(app) = app {
                app.accounts.instruments.register(registry);
                app.accounts.passwords.register(registry);
                app.rooms.instruments.register(registry);
            }
            if let Some(gateway) = gateway {
                gateway.register(registry);
            }
            readiness.register(registry);
            registry.register(
                "bus_interruptions",
                "How often this node could not hear the bus for a while",
                self.interruptions.clone(),
            );
            self.traces.register(registry);
            if let Some(stores) = stores {
                stores.register(&self.stores, registry);
            }
        }))
    }
}

/// What the API has in common with the rest of its node.
pub(crate) struct Common {
    pub(crate) bus: Arc<dyn RoomBus>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) verifier: Arc<TokenVerifier>,
    pub(crate) ended: Arc<EndedSessions>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) passwords: PasswordService,
}

/// The API of accounts and rooms.
///
/// # Errors
/// [`KeyError`]
pub(crate) fn app(
    config: &Config,
    keys: Arc<KeyRing>,
    stores: &Stores,
    rules: Rules,
    common: Common,
) -> Result<Arc<App>, KeyError> {
    let Common {
        bus,
        presence,
        verifier,
        ended,
        limits,
        passwords,
    } = common;
    let audit = audit(config, stores);
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
        policy: rules.rooms,
        credentials: stores.credentials.clone(),
        sessions: stores.sessions.clone(),
        requests: stores.idempotency.clone(),
        bus: bus.clone(),
        presence,
        issuer: issuer.clone(),
        audit: audit.clone(),
        limits: RoomLimits {
            max_owned: config.rooms.max_owned,
            max_members: config.rooms.max_members,
            max_message_bytes: config.ws.max_message_bytes,
        },
        instruments: RoomInstruments::default(),
    };
    let totp = totp(config, stores)?;
    let accounts = Accounts {
        credentials: stores.credentials.clone(),
        sessions: stores.sessions.clone(),
        bus,
        passwords,
        guesses: Guesses::new(
            stores.attempts.clone(),
            keys.pseudonyms()?,
            guess_settings(config),
        ),
        second_factor: rules
            .second_factor
            .unwrap_or_else(|| second_factor(totp.as_ref())),
        totp,
        limits: limits.clone(),
        issuer,
        refresh_tokens: RefreshTokens::new(keys.clone()),
        ended,
        audit,
        times: SessionTimes {
            idle_ttl: tokens.refresh_idle_ttl,
            absolute_ttl: tokens.refresh_absolute_ttl,
            grace: tokens.refresh_grace,
        },
        instruments: AccountInstruments::default(),
    };
    Ok(Arc::new(App {
        accounts,
        rooms,
        limits,
        verifier,
        keys,
        body_limit: config.http.body_limit,
        work: TaskTracker::new(),
    }))
}

fn guess_settings(config: &Config) -> GuessSettings {
    let limits = &config.limits;
    GuessSettings {
        backoff: Backoff {
            free: limits.free_failures,
            first: limits.failure_delay,
            longest: limits.max_failure_delay,
            forgotten_after: limits.failures_forgotten,
        },
        known_address: limits.known_address,
    }
}

fn password_settings(config: &Config) -> PasswordSettings {
    let passwords = &config.passwords;
    PasswordSettings {
        memory_kib: passwords.memory_kib,
        iterations: passwords.iterations,
        parallelism: passwords.parallelism,
        min_bytes: passwords.min_bytes,
        max_bytes: passwords.max_bytes,
        min_score: passwords.min_score,
        context_words: passwords.context_words.clone(),
        threads: passwords.threads,
        queue: passwords.queue,
        arena_idle: passwords.arena_idle,
        kernel: match passwords.kernel {
            HashKernel::Argon2 => KernelChoice::Argon2,
            HashKernel::Simd => KernelChoice::Simd,
        },
    }
}
