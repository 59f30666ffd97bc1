//! Whether the page is served.

use crate::program::{FILE, Setup};

#[test]
fn the_page_is_for_development_unless_it_is_asked_for() {
    let shown = |setup: Setup| setup.shown("http.page");
    assert_eq!(shown(Setup::new()), "http.page = true  # <- default");
    let production = || Setup::new().production();
    assert_eq!(shown(production()), "http.page = false  # <- default");
    assert_eq!(
        shown(production().var("APP__HTTP__PAGE", "true")),
        "http.page = true  # <- APP__HTTP__PAGE"
    );
    assert_eq!(
        shown(production().write(FILE, "[production.http]\npage = true\n")),
        format!("http.page = true  # <- {FILE}")
    );
    assert_eq!(
        shown(Setup::new().var("APP__HTTP__PAGE", "false")),
        "http.page = false  # <- APP__HTTP__PAGE"
    );
    Setup::new()
        .var("APP__HTTP__PAGE", "yes")
        .refuses(&["http.page: expected `true` or `false` (from APP__HTTP__PAGE)"]);
}
