//! The hashing threads as the kernel sees them. One test, alone in its
//! process: any other pool's threads and memory would be counted too.
#![allow(
    clippy::unwrap_used,
    reason = "what a test calls fails as the test does"
)]
#![cfg(target_os = "linux")]

use std::{fs, time::Duration};

use service::accounts::passwords::{PasswordService, PasswordSettings, Verdict};

/// The niceness of each hashing thread of this process.
fn hashing_threads() -> Vec<i32> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task").unwrap() {
        // A thread may end while it is looked at.
        let Ok(stat) = fs::read_to_string(task.unwrap().path().join("stat")) else {
            continue;
        };
        let (head, fields) = stat.rsplit_once(") ").unwrap();
        if head.contains("(password-") {
            // Field 19 of proc(5), where `fields` begins with the third.
            found.push(fields.split(' ').nth(16).unwrap().parse().unwrap());
        }
    }
    found
}

/// Resident memory of this process, in KiB.
fn resident_kib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn two_hundred_logins_take_two_threads_and_two_arenas() {
    let service = PasswordService::start(PasswordSettings {
        threads: 2,
        iterations: 1,
        queue: Duration::from_secs(600),
        ..PasswordSettings::recommended()
    })
    .unwrap();
    let own = rustix::process::getpriority_process(None).unwrap();
    until("two threads of lower priority", || {
        hashing_threads() == [(own + 10).min(19); 2]
    })
    .await;

    let before = resident_kib("VmRSS:");
    let logins: Vec<_> = (0..200)
        .map(|_| {
            let permit = service.reserve().unwrap();
            tokio::spawn(permit.verify(service.present("violet anvil under 7 ferns"), None))
        })
        .collect();
    for login in logins {
        assert!(matches!(login.await.unwrap().unwrap(), Verdict::Wrong));
    }
    let grown = resident_kib("VmHWM:") - before;
    assert!(grown <= (2 * 48 + 16) * 1024, "{grown} KiB");
    assert_eq!(service.stats().done, 200);

    // A permit keeps the threads; they end with it.
    let permit = service.reserve().unwrap();
    let last = permit.verify(service.present("x"), None);
    drop(service);
    assert!(matches!(last.await.unwrap(), Verdict::Wrong));
    until("no hashing thread", || hashing_threads().is_empty()).await;
    let left = resident_kib("VmRSS:").saturating_sub(before);
    assert!(left <= 16 * 1024, "{left} KiB");
}
