//! 200 logins at once: bounded memory, an answer for everybody, and a process
//! that stays alive to its supervisor.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::process::Process;

const MIB: u64 = 1024 * 1024;

/// Resident memory of a process, in bytes.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_logins_at_once() {
    let service = Arc::new(Process::start(&[
        ("RUST_LOG", "warn"),
        // Until they have succeeded they count as failures.
        ("APP__LIMITS__FREE_FAILURES", "200"),
    ]));
    // Before the first hash: nothing of the arenas is in it.
    let idle = resident(service.id());
    let (status, _) = service.credentials("/auth/register", "ann").await.unwrap();
    assert_eq!(status, 201);

    let over = Arc::new(AtomicBool::new(false));
    let watching = {
        let (service, over) = (service.clone(), over.clone());
        tokio::spawn(async move {
            let mut highest = 0;
            let mut alive = 0;
            while !over.load(Ordering::Acquire) {
                highest = highest.max(resident(service.id()));
                assert_eq!(service.get("/livez").await.unwrap(), 200);
                alive += 1;
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            (highest, alive)
        })
    };
    let logins = (0..200).map(|_| {
        let service = service.clone();
        tokio::spawn(async move { service.credentials("/auth/login", "ann").await.unwrap() })
    });
    let logins: Vec<_> = logins.collect();
    let mut signed_in = 0;
    for login in logins {
        match login.await.unwrap() {
            (200, _) => signed_in += 1,
            (503, problem) => assert_eq!(problem["type"], "urn:problem-type:busy"),
            (status, problem) => panic!("{status}: {problem}"),
        }
    }
    over.store(true, Ordering::Release);
    let (highest, alive) = watching.await.unwrap();
    assert!(signed_in > 0 && alive > 0);
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    let bound = idle + cores * 48 * MIB + 16 * MIB;
    assert!(
        highest <= bound,
        "{} MiB, of {} MiB",
        highest / MIB,
        bound / MIB
    );
}
