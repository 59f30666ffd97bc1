//! What is refused, and in which words.

use crate::program::{FILE, Setup, is_refused};

#[test]
fn two_ports_that_contradict_are_refused() {
    Setup::new()
        .var("PORT", "8080")
        .var("GATEWAY_BIND_ADDR", "0.0.0.0:9000")
        .refuses(&[
            "http.bind: PORT is set too, to another port (8080); unset one of them \
                    (from GATEWAY_BIND_ADDR)",
        ]);
    Setup::new()
        .var("PORT", "http")
        .refuses(&["http.bind: expected a port, 0 to 65535 (from PORT)"]);
}

/// An empty allow-list is a decision, which nobody makes by a stray comma.
#[test]
fn an_empty_list_is_said_aloud() {
    for (variable, key) in [
        ("ALLOWED_ORIGINS", "http.allowed_origins"),
        ("APP__HTTP__TRUSTED_PROXIES", "http.trusted_proxies"),
        ("APP__ROLES", "roles"),
    ] {
        for value in [",", " ", " , ,"] {
            Setup::new().var(variable, value).refuses(&[&format!(
                "{key}: expected a list like `a,b`, or `[]` for an empty one (from {variable})"
            )]);
        }
    }
}

#[test]
#[cfg(unix)]
fn a_file_without_an_end_is_not_read_to_it() {
    let outcome = Setup::new().run(&["--config", "/dev/zero", "config", "check"]);
    assert_eq!(
        outcome.stderr,
        "--config: can't read /dev/zero: it is larger than 64 KiB\n"
    );
    assert_eq!(outcome.code, 1);
    Setup::new()
        .var("JWT_SECRET_FILE", "/dev/zero")
        .refuses(&["JWT_SECRET_FILE: can't read /dev/zero: it is larger than 64 KiB"]);
}

#[test]
fn a_store_that_is_not_here_is_named() {
    for variable in ["DATABASE_URL", "DATABASE_URL_FILE"] {
        let value = match variable {
            "DATABASE_URL" => "mysql://user:canary@db/accounts",
            _ => "url",
        };
        let outcome = Setup::new()
            .write("url", "mysql://user:canary@db/accounts\n")
            .var(variable, value)
            .check();
        let said = &*outcome.never_says("canary").stderr;
        assert!(
            said.starts_with("store: this build has no store for `mysql:`; it has: ")
                && said.ends_with(&format!(" (from {variable})\n"))
                && said.lines().count() == 1,
            "{said}"
        );
    }
    let outcome = Setup::new().var("DATABASE_URL", "canary").check();
    let said = &*outcome.never_says("canary").stderr;
    assert!(said.starts_with("store: not a URL like "), "{said}");
    let outcome = Setup::new()
        .var("APP__STORE__KIND", "mysql")
        .var("APP__BUS__KIND", "redis")
        .check();
    let said: Vec<&str> = outcome.stderr.lines().collect();
    assert!(
        matches!(said[..], [bus, store]
            if bus.starts_with("bus.kind: expected ") && bus.ends_with(" (from APP__BUS__KIND)")
                && store.starts_with("store.kind: expected ")
                && store.ends_with(" (from APP__STORE__KIND)")),
        "{said:?}"
    );
}

#[test]
#[cfg(unix)]
fn what_is_not_text_is_refused() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let setup = Setup::new()
        .write("secret", b"canary\xff")
        .var("PORT", OsStr::from_bytes(b"80\xff"))
        .var("JWT_SECRET_FILE", "secret");
    setup
        .refuses(&[
            "PORT: is not UTF-8",
            "JWT_SECRET_FILE: can't read secret: it is not UTF-8",
        ])
        .never_says("canary");
}

#[test]
fn every_mistake_is_listed_with_its_key_and_source() {
    let file = "[default]\nrolls = 1\n\
                [default.http]\nbody_limit = \"big\"\nheader_timeout = 5\nrequest_timeout = \"soon\"\n\
                [default.ws]\necho = \"no\"\nmax_connections = -1\n\
                [default.wss]\necho = true\n";
    let outcome = Setup::new()
        .write(FILE, file)
        .var("APP__HTTP__BIND", "localhost")
        .var("APP__SHUTDOWN__DELAY", "1s")
        .var("APP__NOPE", "1")
        .var("APP__LOG__FORMAT", "xml")
        .var("APP__ROLES", "auth,admin")
        .var("APP__BUS__CAPACITY", "0")
        .var("APP__PASSWORDS__THREADS", "many")
        .var("APP__WS__ALLOW_MISSING_ORIGIN", "yes")
        .var("APP__TOKENS__LEEWAY", "2m")
        .var("APP__", "1")
        .var("APP__HTTP__", "1")
        .var("ALLOWED_ORIGINS", "localhost:3000,https://fine.example")
        .var("RUST_LOG", "a=b=c")
        .check();
    let mut lines: Vec<&str> = outcome.stderr.lines().collect();
    lines.sort_unstable();
    let known = "roles, http, store, bus, tokens, passwords, second_factor, audit, limits, rooms, ws, shutdown, log, metrics, traces";
    let duration = "a duration is written like \"500ms\", \"10s\", \"5m\", \"12h\" or \"90d\"";
    let mut expected = [
        "APP__: names no key; write APP__, a section, __ and a setting".to_owned(),
        "APP__HTTP__: names no key; write APP__, a section, __ and a setting".to_owned(),
        "bus.capacity: 0 is not from 1 to 65536 (from APP__BUS__CAPACITY)".to_owned(),
        "http.allowed_origins: \"localhost:3000\": an origin is written like \
         https://example.com:8443 (from ALLOWED_ORIGINS)"
            .to_owned(),
        "http.bind: an IP address and a port, like 127.0.0.1:9000 or [::]:9000, is expected (from APP__HTTP__BIND)".to_owned(),
        format!("http.body_limit: expected a whole number in range, found text (from {FILE})"),
        format!(
            "http.header_timeout: expected a duration like \"10s\", found a number (from {FILE})"
        ),
        format!("http.request_timeout: \"soon\": {duration} (from {FILE})"),
        "log.filter: not a filter: error parsing level filter: expected one of \"off\", \"error\", \
         \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5 (from RUST_LOG)"
            .to_owned(),
        "log.format: expected pretty or json (from APP__LOG__FORMAT)".to_owned(),
        format!("nope: there is no such key; the keys here: {known} (from APP__NOPE)"),
        "passwords.threads: expected a whole number (from APP__PASSWORDS__THREADS)".to_owned(),
        "roles: expected auth or gateway (from APP__ROLES)".to_owned(),
        format!("rolls: there is no such key; the keys here: {known} (from {FILE})"),
        "shutdown.delay: there is no such key; the keys here: drain_delay, close_jitter, deadline \
         (from APP__SHUTDOWN__DELAY)"
            .to_owned(),
        "tokens.leeway: 2m is not from 0s to 1m (from APP__TOKENS__LEEWAY)".to_owned(),
        "ws.allow_missing_origin: expected `true` or `false` \
         (from APP__WS__ALLOW_MISSING_ORIGIN)"
            .to_owned(),
        format!("ws.echo: expected true or false, found text (from {FILE})"),
        format!(
            "ws.max_connections: expected a whole number in range, found a negative number \
             (from {FILE})"
        ),
        format!("wss: there is no such key; the keys here: {known} (from {FILE})"),
    ];
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!((outcome.code, &*outcome.stdout), (1, ""));
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    for (variable, value, key) in [
        ("APP__HTTP__BODY_LIMIT", "0", "http.body_limit"),
        ("APP__HTTP__HEADER_TIMEOUT", "0s", "http.header_timeout"),
        ("APP__HTTP__REQUEST_TIMEOUT", "1h", "http.request_timeout"),
        ("APP__HTTP__MAX_CONNECTIONS", "0", "http.max_connections"),
        ("APP__TOKENS__ISSUER", &"x".repeat(257), "tokens.issuer"),
        ("APP__TOKENS__ACCESS_TTL", "25h", "tokens.access_ttl"),
        ("APP__TOKENS__ACCESS_TTL", "0s", "tokens.access_ttl"),
        (
            "APP__TOKENS__REFRESH_IDLE_TTL",
            "91d",
            "tokens.refresh_idle_ttl",
        ),
        (
            "APP__TOKENS__REFRESH_ABSOLUTE_TTL",
            "30s",
            "tokens.refresh_absolute_ttl",
        ),
        ("APP__TOKENS__REFRESH_GRACE", "6m", "tokens.refresh_grace"),
        ("APP__TOKENS__JWKS_URL", "auth.internal", "tokens.jwks_url"),
        (
            "APP__TOKENS__JWKS_URL",
            "ftp://auth/keys",
            "tokens.jwks_url",
        ),
        (
            "APP__TOKENS__JWKS_URL",
            "file://host/keys",
            "tokens.jwks_url",
        ),
        (
            "APP__TOKENS__JWKS_URL",
            "https://auth.example/keys",
            "tokens.jwks_url",
        ),
        ("APP__PASSWORDS__MEMORY_KIB", "7", "passwords.memory_kib"),
        (
            "APP__PASSWORDS__MEMORY_KIB",
            "1048577",
            "passwords.memory_kib",
        ),
        ("APP__PASSWORDS__ITERATIONS", "0", "passwords.iterations"),
        ("APP__PASSWORDS__ITERATIONS", "21", "passwords.iterations"),
        ("APP__PASSWORDS__PARALLELISM", "17", "passwords.parallelism"),
        ("APP__PASSWORDS__MIN_BYTES", "2000", "passwords.min_bytes"),
        ("APP__PASSWORDS__MAX_BYTES", "32", "passwords.max_bytes"),
        ("APP__PASSWORDS__MIN_SCORE", "5", "passwords.min_score"),
        ("APP__PASSWORDS__QUEUE", "0s", "passwords.queue"),
        (
            "APP__LIMITS__LOGINS_PER_MINUTE",
            "1000001",
            "limits.logins_per_minute",
        ),
        ("APP__LIMITS__FREE_FAILURES", "0", "limits.free_failures"),
        ("APP__LIMITS__FAILURE_DELAY", "2h", "limits.failure_delay"),
        (
            "APP__LIMITS__FAILURE_DELAY",
            "16m",
            "limits.max_failure_delay",
        ),
        (
            "APP__LIMITS__MAX_FAILURE_DELAY",
            "0s",
            "limits.max_failure_delay",
        ),
        (
            "APP__LIMITS__FAILURES_FORGOTTEN",
            "14m",
            "limits.failures_forgotten",
        ),
        ("APP__LIMITS__KNOWN_ADDRESS", "366d", "limits.known_address"),
        ("APP__ROOMS__MAX_OWNED", "0", "rooms.max_owned"),
        ("APP__ROOMS__MAX_OWNED", "100001", "rooms.max_owned"),
        (
            "APP__PASSWORDS__CONTEXT_WORDS",
            "[\"\"]",
            "passwords.context_words",
        ),
        ("APP__ROOMS__MAX_MEMBERS", "0", "rooms.max_members"),
        ("APP__ROOMS__MAX_MEMBERS", "100001", "rooms.max_members"),
        ("APP__WS__MAX_MESSAGE_BYTES", "0", "ws.max_message_bytes"),
        ("APP__WS__MAX_MESSAGE_BYTES", "2000000", "ws.backlog_bytes"),
        ("APP__WS__HEARTBEAT_TIMEOUT", "26s", "ws.heartbeat_timeout"),
        ("APP__WS__BACKLOG_MESSAGES", "0", "ws.backlog_messages"),
        ("APP__WS__WRITE_TIMEOUT", "0s", "ws.write_timeout"),
        ("APP__SHUTDOWN__DEADLINE", "1s", "shutdown.deadline"),
        ("APP__SHUTDOWN__DRAIN_DELAY", "24s", "shutdown.deadline"),
        ("APP__SHUTDOWN__CLOSE_JITTER", "26s", "shutdown.deadline"),
        ("APP__ROLES", "[]", "roles"),
        ("APP__ROLES", "gateway,gateway", "roles"),
        ("APP__ROLES", "auth,gateway,auth", "roles"),
        (
            "APP__HTTP__TRUSTED_PROXIES",
            "lb.internal",
            "http.trusted_proxies",
        ),
        (
            "APP__HTTP__TRUSTED_PROXIES",
            "[10.0.0.1",
            "http.trusted_proxies",
        ),
        ("APP__BUS__CAPACITY", "65537", "bus.capacity"),
        ("APP__BUS__HISTORY", "10001", "bus.history"),
        ("APP__BUS__HISTORY", "many", "bus.history"),
        ("APP__BUS__HISTORY_AGE", "59s", "bus.history_age"),
        ("APP__BUS__HISTORY_AGE", "366d", "bus.history_age"),
    ] {
        is_refused(Setup::new(), variable, value, key);
    }
}
