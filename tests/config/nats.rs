//! Rooms on NATS servers.

use crate::program::{FILE, Setup, is_refused, random_secret};

const URL: &str = "nats://localhost";

/// A node of which only the bus is judged.
fn gateway() -> Setup {
    Setup::new()
        .var("APP__ROLES", "gateway")
        .var("JWT_SECRET", random_secret())
}

#[test]
fn a_url_names_the_servers() {
    let setup = gateway().var("NATS_URL", URL);
    for (key, line) in [
        ("bus.kind", "bus.kind = \"nats\"  # <- NATS_URL"),
        ("bus.url", "# bus.url = (hidden)  # <- NATS_URL"),
    ] {
        assert_eq!(setup.shown(key), line);
    }
}

#[test]
fn what_is_no_url_is_refused_wherever_it_stands() {
    const SHAPE: &str = "not a URL like nats://host:4222 or tls://user:password@host:4222";
    const ESCAPES: &str = "in a user's name or password write `%` as %25, `@` as %40, `:` as %3A, \
                           `/` as %2F, `?` as %3F and `#` as %23";
    for (url, reason) in [
        ("canary", &*format!("{SHAPE}: relative URL without a base")),
        ("ws://ann:canary@bus", SHAPE),
        (
            "nats://ann:canary@bus/path",
            &format!("{SHAPE}: nothing follows the port; {ESCAPES}"),
        ),
    ] {
        let refusal = |source: &str| format!("bus.url: {reason} (from {source})");
        gateway()
            .var("NATS_URL", url)
            .refuses(&[&refusal("NATS_URL")])
            .never_says("canary");
        let table = "[default.bus]\nkind = \"nats\"\n";
        gateway()
            .write(FILE, format!("{table}url = \"{url}\"\n"))
            .refuses(&[&refusal(FILE)])
            .never_says("canary");
        gateway()
            .write(FILE, table)
            .write("url", url)
            .var("APP__BUS__URL_FILE", "url")
            .refuses(&[&refusal("APP__BUS__URL_FILE")])
            .never_says("canary");
    }
}

#[test]
fn the_url_is_a_secret() {
    let url = "nats://canary:canary@localhost,tls://canary:canary@127.0.0.1";
    let file = "[default.bus]\nkind = \"nats\"\n";
    for name in ["NATS_URL", "APP__BUS__URL"] {
        let plain = gateway().write(FILE, file).var(name, url);
        let from_file = gateway()
            .write(FILE, file)
            .write("url", format!("{url}\n"))
            .var(&format!("{name}_FILE"), "url");
        for (setup, suffix) in [(plain, ""), (from_file, "_FILE")] {
            let outcome = setup.run(&["config", "show"]);
            assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
            outcome.never_says("canary");
            assert_eq!(
                setup.shown("bus.url"),
                format!("# bus.url = (hidden)  # <- {name}{suffix}")
            );
        }
        let outcome = gateway()
            .write(FILE, file)
            .write("url", url)
            .var(name, url)
            .var(&format!("{name}_FILE"), "url")
            .check();
        let refusal = format!("{name}: {name}_FILE is set too; only one may be");
        assert_eq!(outcome.stderr.lines().next(), Some(&*refusal));
        assert_eq!(outcome.code, 1);
        outcome.never_says("canary");
    }
    for value in ["4242", "[\"canary\"]", "{ canary = \"canary\" }"] {
        let outcome = gateway()
            .write(FILE, format!("{file}url = {value}\n"))
            .check();
        assert_eq!(outcome.code, 1);
        assert!(
            outcome.stderr.starts_with("bus.url: expected text, found "),
            "{}",
            outcome.stderr
        );
        outcome.never_says("canary").never_says("4242");
    }
}

#[test]
fn production_is_told_where_the_servers_are() {
    Setup::new()
        .production()
        .var("APP__BUS__URL", "")
        .var("APP__BUS__KIND", "nats")
        .refuses(&["bus.url: is missing (from APP__BUS__KIND)"]);
}

#[test]
fn servers_elsewhere_are_warned_about_in_any_profile() {
    for setup in [gateway(), gateway().production()] {
        let setup = setup.var("NATS_URL", "nats://bus.example");
        let outcome = setup.check();
        assert_eq!((outcome.code, &*outcome.stdout), (0, "ok\n"));
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert!(
            matches!(lines[..], [bus]
                if bus.starts_with("warning: bus.url: ") && bus.ends_with("(from NATS_URL)")),
            "{lines:?}"
        );
        let outcome = setup
            .var("NATS_URL", "tls://ann:canary@bus.example")
            .check();
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
    }
}

/// A platform says where the servers are; the rest may stand wherever it likes.
#[test]
fn what_the_servers_are_used_for_is_said_by_any_layer() {
    let file = "[default.bus]\nhistory = 50\nhistory_age = \"1h\"\n\
                [production.bus]\nhistory = 60\n";
    let setup = gateway()
        .write(FILE, file)
        .var("APP__BUS__HISTORY_STORAGE", "memory")
        .var("APP__BUS__HISTORY_REPLICAS", "3")
        .var("APP__BUS__CREDENTIALS_FILE", "nats.creds")
        .var("NATS_URL", URL);
    for (key, line) in [
        ("bus.kind", "bus.kind = \"nats\"  # <- NATS_URL"),
        ("bus.url", "# bus.url = (hidden)  # <- NATS_URL"),
        ("bus.prefix", "bus.prefix = \"service\"  # <- default"),
        (
            "bus.history_storage",
            "bus.history_storage = \"memory\"  # <- APP__BUS__HISTORY_STORAGE",
        ),
        (
            "bus.history_replicas",
            "bus.history_replicas = 3  # <- APP__BUS__HISTORY_REPLICAS",
        ),
        (
            "bus.credentials_file",
            "bus.credentials_file = \"nats.creds\"  # <- APP__BUS__CREDENTIALS_FILE",
        ),
        ("bus.ca_file", "# bus.ca_file is not set  # <- default"),
    ] {
        assert_eq!(setup.shown(key), line);
    }
    for (key, value) in [("bus.history", "50"), ("bus.history_age", "\"1h\"")] {
        assert_eq!(setup.shown(key), format!("{key} = {value}  # <- {FILE}"));
    }
    assert_eq!(
        setup.production().shown("bus.history"),
        format!("bus.history = 60  # <- {FILE}")
    );
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    for (variable, value, key) in [
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
        is_refused(gateway().var("NATS_URL", URL), variable, value, key);
    }
    let file = "[default.bus]\nkind = \"nats\"\nurl = \"nats://localhost\"\n\
                history = \"canary\"\nhistory_age = 5\nhistory_storage = \"disk\"\n";
    gateway().write(FILE, file).refuses(&[
        &format!("bus.history: expected a whole number in range, found text (from {FILE})"),
        &format!("bus.history_age: expected a duration like \"10s\", found a number (from {FILE})"),
        &format!("bus.history_storage: expected file or memory (from {FILE})"),
    ]);
}
