//! What production refuses, and what is worth a warning anywhere.

use secrecy::ExposeSecret;

use super::{
    Config, MetricsBind, Profile, Role,
    bounds::{Bounds, Refusal},
    jwks_url::is_plain_remote,
    platform::WithoutDisk,
    secret,
};

/// The one decision that development doesn't ask for.
pub(super) const TRUSTED_PROXIES: &str = "http.trusted_proxies";

/// OWASP Password Storage Cheat Sheet (2024): pairs of Argon2id memory (KiB)
/// and passes, with one lane, that are equally strong.
const OWASP_ARGON2ID: [(u32, u32); 5] = [
    (47_104, 1),
    (19_456, 2),
    (12_288, 3),
    (9_216, 4),
    (7_168, 5),
];

impl Config {
    /// Refuses values that can't be meant, in any profile.
    pub(super) fn check(&self, bounds: &mut Bounds) {
        let named = Role::ALL.iter().filter(|role| self.runs(**role)).count();
        bounds.require(
            "roles",
            named > 0 && named == self.roles.len(),
            "expected auth, gateway or both, each once",
        );
        self.http.check(bounds);
        if self.runs(Role::Auth) {
            self.store.settings().check(bounds);
        }
        self.bus.settings().check(bounds);
        self.tokens.check(bounds);
        bounds.together(
            "tokens.jwks_url",
            &["roles"],
            self.tokens.jwks_url.is_none() || !self.runs(Role::Auth),
            "is for a gateway alone: a node with auth has its own keys, and auth is among the",
        );
        self.passwords.check(bounds);
        self.second_factor.check(bounds);
        self.audit.check(bounds);
        self.limits.check(bounds);
        self.rooms.check(bounds);
        self.ws.check(bounds);
        self.shutdown.check(bounds);
        self.log.check(bounds);
        self.traces.check(bounds);
    }
}

/// What is unsafe on the internet.
pub(super) fn unsafe_in_production(config: &Config) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let tokens = &config.tokens;
    const TOKENS: &str = "sign in as anybody";
    for (key, secret, can) in [
        ("tokens.secret", &tokens.secret, TOKENS),
        ("tokens.previous_secret", &tokens.previous_secret, TOKENS),
        (
            "second_factor.totp_key",
            &config.second_factor.totp_key,
            "open the second factors of a stolen database",
        ),
    ] {
        let Some(secret) = secret else {
            continue;
        };
        let weaknesses = secret::weaknesses(secret.expose_secret());
        if !weaknesses.is_empty() {
            let listed: Vec<String> = weaknesses.iter().map(ToString::to_string).collect();
            refusals.push(Refusal::new(
                key,
                format!(
                    "whoever guesses it can {can}: it {}; make one with `openssl rand -hex 32`",
                    listed.join(", it ")
                ),
            ));
        }
    }
    if config.http.allowed_origins.any() {
        refusals.push(Refusal::new(
            "http.allowed_origins",
            "`*` lets any web page call; name the pages",
        ));
    }
    if let [role] = &*config.roles
        && !config.bus.kind().shared
    {
        refusals.push(Refusal {
            key: "roles",
            others: &["bus"],
            reason: format!(
                "{} alone has to hear from the other nodes which sessions ended, and the {} bus \
                 ends with this process",
                role.name(),
                config.bus.kind().name
            ),
        });
    }
    let passwords = &config.passwords;
    let strong = !config.runs(Role::Auth)
        || OWASP_ARGON2ID.iter().any(|&(memory_kib, iterations)| {
            passwords.memory_kib >= memory_kib && passwords.iterations >= iterations
        });
    if !strong {
        refusals.push(Refusal {
            key: "passwords.memory_kib",
            others: &["passwords.iterations"],
            reason: format!(
                "Argon2id with {} KiB and passwords.iterations = {} is weaker than OWASP asks for; \
                 at least {}",
                passwords.memory_kib,
                passwords.iterations,
                OWASP_ARGON2ID
                    .map(|(memory_kib, iterations)| format!("{memory_kib} KiB x {iterations}"))
                    .join(", or ")
            ),
        });
    }
    if config.http.trusted_proxies.is_none() {
        refusals.push(Refusal::new(
            TRUSTED_PROXIES,
            "say which reverse proxies stand in front of this service, so that callers can't \
             choose their own address: a list of addresses or networks, or [] if there are none",
        ));
    }
    if config.runs(Role::Auth) && !config.store.kind().shared && config.bus.kind().shared {
        refusals.push(Refusal {
            key: "store",
            others: &["bus"],
            reason: format!(
                "several nodes, each with a {} store of its own, don't know each other's \
                 accounts: with the {} bus, name one database in DATABASE_URL",
                config.store.kind().name,
                config.bus.kind().name
            ),
        });
    }
    refusals
}

/// Accounts on a disk that goes away with the instance.
fn lost_store(config: &Config, platform: WithoutDisk) -> Option<Refusal> {
    let local = config.runs(Role::Auth) && !config.store.kind().shared;
    local.then(|| {
        Refusal::new(
            "store",
            format!(
                "the disk of an instance of {} ({} is set) ends with it: accounts will be lost, \
                 and no two instances have the same; name a database server in DATABASE_URL",
                platform.name, platform.variable
            ),
        )
    })
}

/// What works, and is probably not meant.
pub(super) fn doubtful(config: &Config, without_disk: Option<WithoutDisk>) -> Vec<Refusal> {
    let mut doubts = Vec::new();
    doubts.extend(without_disk.and_then(|platform| lost_store(config, platform)));
    let plain: Vec<&str> = config.http.allowed_origins.plain_remote().collect();
    if !plain.is_empty() {
        doubts.push(Refusal::new(
            "http.allowed_origins",
            format!(
                "whoever sits on the network can change pages that come without TLS: {}",
                plain.join(", ")
            ),
        ));
    }
    if config.profile == Profile::Production && config.metrics.bind == MetricsBind::Http {
        doubts.push(Refusal::new(
            "metrics.bind",
            "whoever can call the API can read how much the service has to do, and at what it \
             fails, unless a proxy keeps /metrics to itself; an address and port of its own, which \
             isn't public, needs no proxy",
        ));
    }
    if let Some(url) = &config.tokens.jwks_url {
        if is_plain_remote(url.as_url()) {
            doubts.push(Refusal::new(
                "tokens.jwks_url",
                format!(
                    "whoever sits on the network can replace keys that come without TLS, and so \
                     sign in as anybody: {url}"
                ),
            ));
        }
        if config.tokens.secret.is_some() {
            doubts.push(Refusal {
                key: "tokens.jwks_url",
                others: &["tokens.secret"],
                reason: "is not used: tokens.secret is set, and verifies alone".to_owned(),
            });
        }
    }
    if config.traces.headers.is_some()
        && let Some(endpoint) = &config.traces.endpoint
        && is_plain_remote(endpoint.as_url())
    {
        doubts.push(Refusal {
            key: "traces.endpoint",
            others: &["traces.headers"],
            reason: format!(
                "whoever sits on the network can read headers that go without TLS: {endpoint}"
            ),
        });
    }
    let everyone = config.http.trusted_proxies.as_ref().is_some_and(|proxies| {
        proxies
            .networks()
            .iter()
            .any(|network| network.prefix_len() == 0)
    });
    if everyone {
        doubts.push(Refusal::new(
            TRUSTED_PROXIES,
            "this is everybody, so callers can choose their own address",
        ));
    }
    if config.runs(Role::Auth) {
        doubts.extend(config.store.settings().doubt());
    }
    doubts.extend(config.bus.settings().doubt());
    doubts
}
