//! Arguments and exit codes.

use crate::program::Setup;

#[test]
fn arguments_that_mean_nothing_are_refused() {
    let setup = Setup::new();
    for arguments in [
        &["dance"][..],
        &["config"],
        &["--config"],
        &["config", "show", "x"],
    ] {
        assert_eq!(setup.run(arguments).code, 2, "{arguments:?}");
    }
}
