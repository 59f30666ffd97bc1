//! Arguments and exit codes.

use crate::program::Setup;

#[test]
fn the_command_line_says_how_it_is_used() {
    let setup = Setup::new();
    for arguments in [
        &["dance"][..],
        &["config"],
        &["--config"],
        &["config", "show", "x"],
    ] {
        assert_eq!(setup.run(arguments).code, 2, "{arguments:?}");
    }
    for arguments in [&[][..], &["serve"]] {
        let outcome = setup.run(arguments);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(
            outcome.stdout.contains("0.0.0.0:9000"),
            "{}",
            outcome.stdout
        );
    }
}
