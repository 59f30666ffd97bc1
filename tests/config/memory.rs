//! Rooms inside the process.

use crate::program::{Setup, is_refused, random_secret};

#[test]
fn what_the_process_keeps_has_bounds() {
    for (variable, value, key) in [
        ("APP__BUS__HISTORY", "-1", "bus.history"),
        ("APP__BUS__HISTORY_BYTES", "0", "bus.history_bytes"),
        ("APP__BUS__HISTORY_BYTES", "1048575", "bus.history_bytes"),
        ("APP__BUS__HISTORY_BYTES", "64MB", "bus.history_bytes"),
    ] {
        is_refused(Setup::new(), variable, value, key);
    }
}

#[test]
fn a_role_alone_does_not_live_on_the_memory_bus() {
    for role in ["auth", "gateway"] {
        let reason = format!(
            "roles: {role} alone has to hear from the other nodes which sessions ended, and the \
             memory bus ends with this process"
        );
        let setup = Setup::new()
            .var("APP__ROLES", role)
            .var("JWT_SECRET", random_secret());
        let outcome = setup.check();
        assert_eq!((outcome.code, &*outcome.stdout), (0, "ok\n"));
        assert_eq!(
            outcome.stderr,
            format!("warning: {reason}; production refuses it (from APP__ROLES)\n")
        );
        setup
            .production()
            .refuses(&[&format!("{reason} (from APP__ROLES)")]);
    }
    let setup = Setup::new()
        .production()
        .var("JWT_SECRET", random_secret())
        .var("APP__ROLES", "auth")
        .var("APP__BUS__CAPACITY", "50");
    let outcome = setup.check();
    assert!(
        outcome
            .stderr
            .ends_with("(from APP__BUS__CAPACITY, APP__ROLES)\n"),
        "{}",
        outcome.stderr
    );
}
