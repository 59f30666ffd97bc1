//! What was said of one kind of store, where another is used.

use crate::program::{FILE, Setup, WITHOUT_DISK};

#[test]
fn a_url_picks_the_kind() {
    let file = "[default.store]\nkind = \"sqlite\"\npath = \"else.db\"\nmax_connections = 3\n";
    let setup = Setup::new()
        .write(FILE, file)
        .var("DATABASE_URL", "postgres://localhost/accounts");
    for (key, line) in [
        (
            "store.kind",
            "store.kind = \"postgres\"  # <- DATABASE_URL".to_owned(),
        ),
        (
            "store.max_connections",
            format!("store.max_connections = 3  # <- {FILE}"),
        ),
    ] {
        assert_eq!(setup.shown(key), line);
    }
    let setup = setup.var("APP__STORE__MAX_CONNECTIONS", "4");
    assert_eq!(
        setup.shown("store.max_connections"),
        "store.max_connections = 4  # <- APP__STORE__MAX_CONNECTIONS"
    );
}

/// A file that names a server is no obstacle to one that doesn't.
#[test]
fn another_kind_takes_nothing_over() {
    let file = "[default.store]\nkind = \"postgres\"\nurl = \"postgres://db/accounts\"\n";
    let setup = Setup::new()
        .write(FILE, file)
        .var("DATABASE_URL", "sqlite:here.db");
    let outcome = setup.run(&["config", "show"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let shown: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.contains("store."))
        .collect();
    assert_eq!(
        shown,
        [
            "store.kind = \"sqlite\"  # <- DATABASE_URL",
            "store.path = \"here.db\"  # <- DATABASE_URL",
        ]
    );
}

#[test]
fn a_setting_belongs_to_a_kind() {
    Setup::new()
        .var("APP__STORE__KIND", "sqlite")
        .var("APP__STORE__PATH", "x.db")
        .var("APP__STORE__URL", "postgres://canary")
        .refuses(&[
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
    // What no kind has is a mistake with any.
    let file = "[default.store]\nkind = \"sqlite\"\npath = \"x.db\"\npool = 4\n";
    Setup::new()
        .write(FILE, file)
        .var("DATABASE_URL", "postgres://localhost/accounts")
        .refuses(&[&format!(
            "store.pool: there is no such key; the keys here: url, max_connections (from {FILE})"
        )]);
}

#[test]
fn a_platform_without_a_disk_is_fine_with_a_database() {
    for (variable, _) in WITHOUT_DISK {
        let outcome = Setup::new()
            .production()
            .var(variable, "rooms")
            .var("DATABASE_URL", "postgres://localhost/accounts")
            .check();
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
    }
}
