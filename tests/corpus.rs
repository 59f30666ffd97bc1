//! What fuzzers have found so far, given to the same targets again: every file
//! of `fuzz/corpus`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "what a test calls fails as the test does"
)]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Gives every file of a target's corpus to it.
fn replay(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(of, _)| *of == name).unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(&corpus)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", corpus.display());
    for file in files {
        let input = fs::read(&file).unwrap();
        let held = catch_unwind(AssertUnwindSafe(|| target(&input)));
        assert!(held.is_ok(), "{} fails", file.display());
    }
}

#[test]
fn envelopes_that_were_found_are_read_as_their_table_says() {
    replay("envelopes");
}

#[test]
fn requests_that_were_found_have_the_address_that_the_rule_says() {
    replay("forwarded");
}

#[test]
fn frames_that_were_found_are_read_as_the_standard_says() {
    replay("frames");
}

#[test]
fn handshakes_that_were_found_are_read_as_the_standard_says() {
    replay("handshake");
}

#[test]
fn payloads_that_were_found_come_back_as_they_went() {
    replay("payload");
}

#[test]
fn rosters_that_were_found_come_to_know_the_truth() {
    replay("roster");
}

#[test]
fn sessions_that_were_found_do_what_their_clients_are_told() {
    replay("session");
}

#[test]
fn stored_passwords_that_were_found_are_verified_by_their_own_scheme() {
    replay("stored_passwords");
}

#[test]
fn tokens_that_were_found_are_accepted_only_if_they_are_ours() {
    replay("tokens");
}

#[test]
fn no_corpus_is_left_out() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut found: Vec<_> = fs::read_dir(corpus)
        .unwrap()
        .map(|folder| folder.unwrap().file_name())
        .collect();
    found.sort();
    let known: Vec<_> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, known);
}
