//! Accounts don't know what computed their hashes.

use std::sync::Arc;

use rustix::process::Signal;
use test_servers::Place;

use crate::process::Process;

/// Starts the service in `place` with a kernel.
fn start(place: &Arc<Place>, kernel: &str) -> Process {
    let variables = [
        ("APP__PASSWORDS__KERNEL", kernel),
        ("APP__PASSWORDS__MEMORY_KIB", "1024"),
        ("RUST_LOG", "info"),
    ];
    Process::start_at(Arc::clone(place), &variables)
}

/// What the service logged until it was told to end.
fn end(mut service: Process) -> String {
    service.signal(Signal::TERM);
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registered_by_one_kernel_signs_in_by_the_other() {
    let place = Arc::new(Place::new());
    let mut names: Vec<String> = Vec::new();
    for kernel in ["argon2", "simd", "argon2"] {
        let service = start(&place, kernel);
        // At once, so that there are some to be hashed together.
        let logins = names
            .iter()
            .map(|name| service.credentials("/auth/login", name));
        for (name, login) in names
            .iter()
            .zip(futures_util::future::join_all(logins).await)
        {
            let (status, _) = login.unwrap();
            assert_eq!(status, 200, "{name}, by {kernel}");
        }
        for number in 0..6 {
            let name = format!("{kernel}{}-{number}", names.len());
            let (status, _) = service.credentials("/auth/register", &name).await.unwrap();
            assert_eq!(status, 201, "{name}");
            names.push(name);
        }
        let log = end(service);
        assert_eq!(
            log.contains("passwords are hashed by"),
            kernel == "simd",
            "{log}"
        );
    }
}

#[test]
fn a_kernel_that_does_not_exist_is_refused() {
    let variables = [("APP__PASSWORDS__KERNEL", "fast"), ("PORT", "0")];
    let text = crate::refusals::refused(&variables, &[]);
    let line = "passwords.kernel: expected argon2 or simd (from APP__PASSWORDS__KERNEL)";
    assert!(text.contains(line), "{text}");
}
