//! What was said of one kind of bus, where another is used.

use crate::program::{FILE, Setup, overrides, random_secret};

/// A node of which only the bus is judged.
fn gateway() -> Setup {
    Setup::new()
        .var("APP__ROLES", "gateway")
        .var("JWT_SECRET", random_secret())
}

#[test]
fn a_url_picks_the_kind() {
    overrides(
        ("NATS_URL", "nats://localhost"),
        ("APP__BUS__KIND", "memory"),
        "bus.kind",
        "bus.kind = \"nats\"",
    );
}

/// A file that names servers is no obstacle to one that doesn't.
#[test]
fn another_kind_takes_nothing_over() {
    let file = "[default.bus]\nkind = \"nats\"\nurl = \"nats://bus\"\ncapacity = 7\n";
    let setup = gateway().write(FILE, file).var("APP__BUS__KIND", "memory");
    let outcome = setup.run(&["config", "show"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let shown: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with("bus."))
        .collect();
    assert_eq!(
        shown,
        [
            &*format!("bus.capacity = 7  # <- {FILE}"),
            "bus.history = 100  # <- default",
            "bus.history_age = \"1d\"  # <- default",
            "bus.history_bytes = 67108864  # <- default",
            "bus.kind = \"memory\"  # <- APP__BUS__KIND",
        ]
    );
}

/// What is kept in the process by default is not asked of servers by default.
#[test]
fn each_kind_has_its_own_history() {
    let shown = |setup: &Setup| setup.shown("bus.history");
    let setup = gateway();
    assert_eq!(shown(&setup), "bus.history = 100  # <- default");
    let setup = setup.var("NATS_URL", "nats://localhost");
    assert_eq!(shown(&setup), "bus.history = 0  # <- default");
    let setup = gateway().var("APP__BUS__HISTORY", "5");
    let line = "bus.history = 5  # <- APP__BUS__HISTORY";
    assert_eq!(shown(&setup), line);
    assert_eq!(shown(&setup.var("NATS_URL", "nats://localhost")), line);
    // What only the process has is none of the servers' business.
    let file = "[default.bus]\nkind = \"memory\"\nhistory_bytes = 2097152\n";
    let setup = gateway()
        .write(FILE, file)
        .var("NATS_URL", "nats://localhost");
    assert_eq!(setup.check().code, 0);
}

#[test]
fn a_setting_belongs_to_a_kind() {
    gateway().var("APP__BUS__HISTORY_REPLICAS", "3").refuses(&[
        "bus.history_replicas: is for bus.kind = \"nats\"; the keys here: capacity, \
             history, history_age, history_bytes (from APP__BUS__HISTORY_REPLICAS)",
    ]);
    gateway()
        .var("APP__BUS__KIND", "nats")
        .var("APP__BUS__URL", "nats://localhost")
        .var("APP__BUS__HISTORY_BYTES", "1048576")
        .refuses(&[
            "bus.history_bytes: is for bus.kind = \"memory\"; the keys here: url, prefix, \
             capacity, history, history_age, history_storage, history_replicas, \
             credentials_file, ca_file, cert_file, key_file (from APP__BUS__HISTORY_BYTES)",
        ]);
}
