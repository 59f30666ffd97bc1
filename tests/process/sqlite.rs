//! A file that can't be opened is named.

use crate::{
    process::{FILE, bare_output},
    refusals::{error, refused},
};

#[test]
fn a_store_that_cannot_be_opened_is_named() {
    let text = refused(
        &[("DATABASE_URL", "sqlite:/proc/accounts.db"), ("PORT", "0")],
        &[],
    );
    let line = "error: store.path (from DATABASE_URL): can't make `/proc/accounts.db`: ";
    assert!(error(&text).starts_with(line), "{text}");
}

/// Whichever command needs the store, and wherever its path was set.
#[test]
fn the_source_of_a_setting_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = "[default.store]\nkind = \"sqlite\"\npath = \"/proc/accounts.db\"\n";
    std::fs::write(dir.path().join(FILE), file).unwrap();
    for arguments in [&["serve"][..], &["user", "disable", "ann"]] {
        let output = bare_output(dir.path(), &[("PORT", "0")], arguments);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        let line = format!("error: store.path (from {FILE}): can't make `/proc/accounts.db`: ");
        assert!(error(&text).starts_with(&line), "{text}");
    }
}
