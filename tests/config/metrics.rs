//! Where metrics are served.

use crate::program::Setup;

#[test]
fn metrics_are_off_in_production_unless_it_is_said_where() {
    let shown = |setup: Setup| setup.shown("metrics.bind");
    assert_eq!(shown(Setup::new()), "metrics.bind = \"http\"  # <- default");
    let production = || Setup::new().production();
    assert_eq!(shown(production()), "metrics.bind = \"off\"  # <- default");
    assert_eq!(
        shown(production().var("APP__METRICS__BIND", "127.0.0.1:9464")),
        "metrics.bind = \"127.0.0.1:9464\"  # <- APP__METRICS__BIND"
    );
    for wrong in ["9464", "localhost:9464", "on"] {
        Setup::new().var("APP__METRICS__BIND", wrong).refuses(&[
            "metrics.bind: off, http, or an IP address and a port, like 127.0.0.1:9464, is \
             expected (from APP__METRICS__BIND)",
        ]);
    }
}

#[test]
fn production_warns_of_metrics_beside_the_api() {
    let bound = |address| Setup::new().production().var("APP__METRICS__BIND", address);
    let outcome = bound("http").check();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .starts_with("warning: metrics.bind: whoever can call the API"),
        "{}",
        outcome.stderr
    );
    assert_eq!(bound("127.0.0.1:9464").check().stderr, "");
}
