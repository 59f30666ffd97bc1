//! A store in one file.

use crate::program::{FILE, Setup, WITHOUT_DISK, overrides};

#[test]
fn a_url_names_the_file() {
    for (url, path) in [
        ("sqlite:some/where.db", "some/where.db"),
        ("sqlite:///var/lib/accounts.db", "/var/lib/accounts.db"),
    ] {
        let line = format!("store.path = \"{path}\"");
        let structured = ("APP__STORE__PATH", "else.db");
        overrides(("DATABASE_URL", url), structured, "store.path", &line);
    }
    let setup = Setup::new()
        .var("APP__STORE__KIND", "sqlite")
        .var("APP__STORE__PATH", "x.db");
    assert_eq!(
        setup.shown("store.path"),
        "store.path = \"x.db\"  # <- APP__STORE__PATH"
    );
}

#[test]
fn an_odd_path_can_be_loaded_again() {
    let odd = "sqlite:odd \"name\"\\\u{7f}.db";
    let shown = Setup::new()
        .var("DATABASE_URL", odd)
        .run(&["config", "show"])
        .stdout;
    let again =
        Setup::new()
            .write("again.toml", &shown)
            .run(&["--config", "again.toml", "config", "show"]);
    let path = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("store.path = "));
        line.unwrap().split_once("  # <-").unwrap().0.to_owned()
    };
    assert_eq!(path(&shown), path(&again.stdout));
}

#[test]
fn what_is_no_file_is_refused() {
    for (url, reason) in [
        (
            "sqlite://",
            "the path is missing, as in sqlite:data/accounts.db",
        ),
        (
            "sqlite::memory:",
            "accounts have to outlive the process: name a file",
        ),
        (
            "sqlite://a.db?mode=rwc",
            "a SQLite URL takes no parameters here: leave out what follows `?`",
        ),
    ] {
        Setup::new()
            .var("DATABASE_URL", url)
            .refuses(&[&format!("store: {reason} (from DATABASE_URL)")]);
    }
    let file = "[default.store]\nkind = \"sqlite\"\npath = \"a.db\"\npool = 4\n";
    Setup::new().write(FILE, file).refuses(&[&format!(
        "store.pool: there is no such key; the keys here: path (from {FILE})"
    )]);
}

/// Wherever the file is, it is on a disk that goes away.
#[test]
fn a_platform_without_a_disk_is_no_place_for_a_file() {
    for (variable, name) in WITHOUT_DISK {
        let warning = |origin: &str| {
            format!(
                "warning: store: the disk of an instance of {name} ({variable} is set) ends with \
                 it: accounts will be lost, and no two instances have the same; name a database \
                 server in DATABASE_URL (from {origin})\n"
            )
        };
        for setup in [Setup::new, || Setup::new().production()] {
            let setup = || setup().var(variable, "rooms");
            let outcome = setup().check();
            assert_eq!((outcome.code, outcome.stderr), (0, warning("default")));
            let outcome = setup().var("DATABASE_URL", "sqlite:/data/a.db").check();
            assert_eq!((outcome.code, outcome.stderr), (0, warning("DATABASE_URL")));
            let outcome = setup().var(variable, "").check();
            assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
        }
    }
}
