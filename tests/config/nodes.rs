//! Several nodes, each with a file of its own.

use crate::program::{Setup, WITHOUT_DISK};

#[test]
fn several_nodes_want_one_database() {
    let nats = ("NATS_URL", "nats://localhost");
    let sqlite = ("DATABASE_URL", "sqlite:data/accounts.db");
    let refusal = "store: several nodes, each with a sqlite store of its own, don't know each \
                   other's accounts: with the nats bus, name one database in DATABASE_URL";
    Setup::new()
        .production()
        .var(nats.0, nats.1)
        .var(sqlite.0, sqlite.1)
        .refuses(&[&format!("{refusal} (from DATABASE_URL, NATS_URL)")]);
    let outcome = Setup::new()
        .var(nats.0, nats.1)
        .var(sqlite.0, sqlite.1)
        .check();
    assert_eq!(
        (outcome.code, &*outcome.stderr),
        (
            0,
            &*format!("warning: {refusal}; production refuses it (from DATABASE_URL, NATS_URL)\n")
        )
    );
    let cluster = Setup::new()
        .production()
        .var(nats.0, nats.1)
        .var("DATABASE_URL", "postgres://localhost/accounts")
        .check();
    assert_eq!((cluster.code, &*cluster.stderr), (0, ""));
    // Nor is it said of what stands in for a store that is refused.
    Setup::new()
        .production()
        .var(nats.0, nats.1)
        .var("APP__STORE__URL", "")
        .var("APP__STORE__KIND", "postgres")
        .refuses(&["store.url: is missing (from APP__STORE__KIND)"]);
}

#[test]
fn a_gateway_keeps_nothing_on_a_disk() {
    for (variable, _) in WITHOUT_DISK {
        let outcome = Setup::new()
            .production()
            .var(variable, "rooms")
            .var("APP__ROLES", "gateway")
            .var("NATS_URL", "nats://localhost")
            .check();
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
    }
}
