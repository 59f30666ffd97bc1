//! What is refused, and in which words.

use crate::program::{FILE, Setup};

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
fn a_backend_that_is_not_here_is_named() {
    for variable in ["DATABASE_URL", "DATABASE_URL_FILE"] {
        let setup = Setup::new().write("url", "mysql://user:canary@db/accounts\n");
        let value = match variable {
            "DATABASE_URL" => "mysql://user:canary@db/accounts",
            _ => "url",
        };
        setup
            .var(variable, value)
            .refuses(&[&format!(
                "store: this build has no store for `mysql:`; it has: sqlite, postgres \
                 (from {variable})"
            )])
            .never_says("canary");
    }
    Setup::new().var("DATABASE_URL", "canary").refuses(&[
        "store: not a URL like sqlite:data/accounts.db or postgres://user:password@host/database \
         (from DATABASE_URL)",
    ]);
    Setup::new().var("DATABASE_URL", "sqlite://").refuses(&[
        "store: the path is missing, as in sqlite:data/accounts.db (from DATABASE_URL)",
    ]);
    Setup::new()
        .var("DATABASE_URL", "sqlite::memory:")
        .refuses(&["store: accounts have to outlive the process: name a file (from DATABASE_URL)"]);
    Setup::new()
        .var("DATABASE_URL", "sqlite://a.db?mode=rwc")
        .refuses(&[
            "store: a SQLite URL takes no parameters here: leave out what follows `?` \
             (from DATABASE_URL)",
        ]);
    Setup::new()
        .var("APP__STORE__KIND", "mysql")
        .var("APP__BUS__KIND", "redis")
        .refuses(&[
            "bus.kind: expected memory or nats (from APP__BUS__KIND)",
            "store.kind: expected sqlite or postgres (from APP__STORE__KIND)",
        ]);
}

#[test]
fn a_server_is_named_by_a_url() {
    const POSTGRES: &str = "not a URL like postgres://user:password@host:5432/database";
    const NATS: &str = "not a URL like nats://host:4222 or tls://user:password@host:4222";
    const ESCAPES: &str = "in a user's name or password write `%` as %25, `@` as %40, `:` as %3A, \
                           `/` as %2F, `?` as %3F and `#` as %23";
    for (flat, key, url, reason) in [
        (
            "DATABASE_URL",
            "store.url",
            "postgres://ann:canary@/app",
            &*format!("{POSTGRES}: empty host"),
        ),
        (
            "DATABASE_URL",
            "store.url",
            "postgres:canary",
            &format!("{POSTGRES}: the host is missing"),
        ),
        (
            "DATABASE_URL",
            "store.url",
            "postgresql://ann:12/canary@db/app",
            &format!("{POSTGRES}: {ESCAPES}"),
        ),
        (
            "DATABASE_URL",
            "store.url",
            "postgres://db/app?sslmode=canary",
            "the value of `sslmode` is not valid",
        ),
        (
            "NATS_URL",
            "bus.url",
            "canary",
            &format!("{NATS}: relative URL without a base"),
        ),
        ("NATS_URL", "bus.url", "ws://ann:canary@bus", NATS),
        (
            "NATS_URL",
            "bus.url",
            "nats://ann:canary@bus/path",
            &format!("{NATS}: nothing follows the port; {ESCAPES}"),
        ),
    ] {
        Setup::new()
            .var(flat, url)
            .refuses(&[&format!("{key}: {reason} (from {flat})")])
            .never_says("canary");
        let section = key.split_once('.').unwrap().0;
        let kind = if section == "store" {
            "postgres"
        } else {
            "nats"
        };
        let table = format!("[default.{section}]\nkind = \"{kind}\"\n");
        Setup::new()
            .write(FILE, format!("{table}url = \"{url}\"\n"))
            .refuses(&[&format!("{key}: {reason} (from {FILE})")])
            .never_says("canary");
        let variable = format!("APP__{}__URL_FILE", section.to_ascii_uppercase());
        Setup::new()
            .write(FILE, table)
            .write("url", url)
            .var(&variable, "url")
            .refuses(&[&format!("{key}: {reason} (from {variable})")])
            .never_says("canary");
    }
}

#[test]
fn a_setting_belongs_to_a_kind() {
    Setup::new()
        .var("APP__STORE__KIND", "postgres")
        .var("APP__BUS__KIND", "nats")
        .refuses(&[
            "bus.url: is missing (from APP__BUS__KIND)",
            "store.url: is missing (from APP__STORE__KIND)",
        ]);
    Setup::new()
        .var("APP__STORE__URL", "postgres://canary")
        .var("APP__BUS__HISTORY_REPLICAS", "3")
        .refuses(&[
            "bus.history_replicas: is for bus.kind = \"nats\"; the keys here: capacity, \
             history, history_age, history_bytes (from APP__BUS__HISTORY_REPLICAS)",
            "store.url: is for store.kind = \"postgres\"; the keys here: path \
             (from APP__STORE__URL)",
        ])
        .never_says("canary");
    Setup::new()
        .var("APP__STORE__KIND", "postgres")
        .var("APP__STORE__URL", "postgres://localhost")
        .var("APP__STORE__PATH", "x.db")
        .refuses(&[
            "store.path: is for store.kind = \"sqlite\"; the keys here: url, max_connections \
             (from APP__STORE__PATH)",
        ]);
    Setup::new()
        .var("APP__BUS__KIND", "nats")
        .var("APP__BUS__URL", "nats://localhost")
        .var("APP__BUS__HISTORY_BYTES", "1048576")
        .refuses(&[
            "bus.history_bytes: is for bus.kind = \"memory\"; the keys here: url, prefix, \
             capacity, history, history_age, history_storage, history_replicas, \
             credentials_file, ca_file, cert_file, key_file (from APP__BUS__HISTORY_BYTES)",
        ]);
    let file = "[default.bus]\nkind = \"nats\"\nurl = \"nats://localhost\"\n\
                history = \"canary\"\nhistory_age = 5\nhistory_storage = \"disk\"\n";
    Setup::new().write(FILE, file).refuses(&[
        &format!("bus.history: expected a whole number in range, found text (from {FILE})"),
        &format!("bus.history_age: expected a duration like \"10s\", found a number (from {FILE})"),
        &format!("bus.history_storage: expected file or memory (from {FILE})"),
    ]);
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
                [default.store]\npool = 4\n\
                [default.ws]\necho = \"no\"\nmax_connections = -1\n\
                [default.wss]\necho = true\n";
    let outcome = Setup::new()
        .write(FILE, file)
        .var("APP__HTTP__BIND", "localhost")
        .var("APP__HTTP__BINDS", "127.0.0.1:1")
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
    let known_http = "bind, allowed_origins, body_limit, header_timeout, keep_alive, request_timeout, \
                      max_connections, trusted_proxies, page, docs";
    let known = "roles, http, store, bus, tokens, passwords, rooms, ws, shutdown, log";
    let duration = "a duration is written like \"500ms\", \"10s\", \"5m\", \"12h\" or \"90d\"";
    let mut expected = [
        "APP__: names no key; write APP__, a section, __ and a setting".to_owned(),
        "APP__HTTP__: names no key; write APP__, a section, __ and a setting".to_owned(),
        "bus.capacity: 0 is not from 1 to 65536 (from APP__BUS__CAPACITY)".to_owned(),
        "http.allowed_origins: \"localhost:3000\": an origin is written like \
         https://example.com:8443 (from ALLOWED_ORIGINS)"
            .to_owned(),
        "http.bind: an IP address and a port, like 127.0.0.1:9000 or [::]:9000, is expected (from APP__HTTP__BIND)".to_owned(),
        format!(
            "http.binds: there is no such key; the keys here: {known_http} (from APP__HTTP__BINDS)"
        ),
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
        format!("store.pool: there is no such key; the keys here: path (from {FILE})"),
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
        ("APP__ROOMS__MAX_OWNED", "0", "rooms.max_owned"),
        ("APP__ROOMS__MAX_OWNED", "100001", "rooms.max_owned"),
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
        ("APP__STORE__MAX_CONNECTIONS", "0", "store.max_connections"),
        (
            "APP__STORE__MAX_CONNECTIONS",
            "1001",
            "store.max_connections",
        ),
        ("APP__STORE__MAX_CONNECTIONS", "-1", "store.max_connections"),
        ("APP__BUS__CAPACITY", "65537", "bus.capacity"),
        ("APP__BUS__PREFIX", "a..b", "bus.prefix"),
        ("APP__BUS__PREFIX", ".", "bus.prefix"),
        ("APP__BUS__PREFIX", "a.*", "bus.prefix"),
        ("APP__BUS__PREFIX", "a b", "bus.prefix"),
        ("APP__BUS__PREFIX", &"x".repeat(65), "bus.prefix"),
        ("APP__BUS__HISTORY", "10001", "bus.history"),
        ("APP__BUS__HISTORY", "many", "bus.history"),
        ("APP__BUS__HISTORY_AGE", "59s", "bus.history_age"),
        ("APP__BUS__HISTORY_AGE", "366d", "bus.history_age"),
        ("APP__BUS__HISTORY_STORAGE", "disk", "bus.history_storage"),
        ("APP__BUS__HISTORY_REPLICAS", "2", "bus.history_replicas"),
        ("APP__BUS__HISTORY_REPLICAS", "7", "bus.history_replicas"),
        ("APP__BUS__CERT_FILE", "node.pem", "bus.cert_file"),
        ("APP__BUS__KEY_FILE", "node.key", "bus.key_file"),
    ] {
        let outcome = Setup::new()
            .var("DATABASE_URL", "postgres://localhost/accounts")
            .var("NATS_URL", "nats://localhost")
            .var(variable, value)
            .check();
        assert_eq!(outcome.code, 1, "{variable}={value}");
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert!(
            matches!(lines[..], [line] if line.starts_with(&format!("{key}: "))
                && line.ends_with(&format!("(from {variable})"))),
            "{variable}={value}: {lines:?}"
        );
    }
}

#[test]
fn what_the_process_keeps_has_bounds() {
    for (variable, value, key) in [
        ("APP__BUS__HISTORY", "10001", "bus.history"),
        ("APP__BUS__HISTORY", "-1", "bus.history"),
        ("APP__BUS__HISTORY_AGE", "59s", "bus.history_age"),
        ("APP__BUS__HISTORY_AGE", "366d", "bus.history_age"),
        ("APP__BUS__HISTORY_BYTES", "0", "bus.history_bytes"),
        ("APP__BUS__HISTORY_BYTES", "1048575", "bus.history_bytes"),
        ("APP__BUS__HISTORY_BYTES", "64MB", "bus.history_bytes"),
    ] {
        let outcome = Setup::new().var(variable, value).check();
        assert_eq!(outcome.code, 1, "{variable}={value}");
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert!(
            matches!(lines[..], [line] if line.starts_with(&format!("{key}: "))
                && line.ends_with(&format!("(from {variable})"))),
            "{variable}={value}: {lines:?}"
        );
    }
}
