//! The queue before the hashing threads, and the memory of the threads.

use std::time::Duration;

use service::accounts::passwords::{
    HashError, NewPasswordError, PasswordService, PasswordSettings, Stats, Verdict,
};

use crate::{GOOD, cheap, hashes::REFERENCE, is_right, new_hash, start, verify};

#[tokio::test]
async fn a_full_queue_is_busy_at_once_and_recovers() {
    let service = start(PasswordSettings {
        threads: 2,
        queue: Duration::ZERO,
        ..PasswordSettings::cheap()
    });
    let mut permits: Vec<_> = (0..4).map(|_| service.reserve().unwrap()).collect();
    let busy = service.reserve();
    assert!(
        matches!(&busy, Err(HashError::Busy { retry_after }) if *retry_after > Duration::ZERO),
        "no place for a fifth"
    );
    let stats = service.stats();
    assert_eq!(
        (stats.places, stats.taken, stats.refused, stats.done),
        (4, 4, 1, 0)
    );

    // A permit that is dropped gives its place back, and so does one that is used.
    drop(permits.pop());
    permits.push(service.reserve().unwrap());
    for permit in permits {
        assert!(matches!(
            permit.verify(service.present(GOOD), None).await.unwrap(),
            Verdict::Wrong
        ));
    }
    assert_eq!(service.stats().taken, 0);
    let refused = service.reserve().unwrap().hash_new("short", &[]).await;
    assert!(matches!(refused, Err(NewPasswordError::Refused(_))));
    let unreadable = verify(&service, GOOD, Some("x")).await;
    assert!(matches!(unreadable, Err(HashError::Unreadable(_))));
    assert_eq!(service.stats().taken, 0);
}

#[tokio::test]
async fn strangers_leave_a_quarter_of_the_places() {
    let service = start(PasswordSettings {
        threads: 2,
        queue: Duration::ZERO,
        ..PasswordSettings::cheap()
    });
    let mut permits: Vec<_> = (0..3)
        .map(|_| service.reserve_for_stranger().unwrap())
        .collect();
    assert!(matches!(
        service.reserve_for_stranger(),
        Err(HashError::Busy { .. })
    ));
    permits.push(service.reserve().unwrap());
    assert!(matches!(service.reserve(), Err(HashError::Busy { .. })));
    drop(permits);
    drop(service.reserve_for_stranger().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn arenas_are_as_many_as_threads_whatever_the_number_of_logins() {
    let service = start(PasswordSettings {
        memory_kib: 1024,
        threads: 2,
        queue: Duration::from_secs(60),
        ..PasswordSettings::cheap()
    });
    let logins: Vec<_> = (0..200)
        .map(|_| {
            let permit = service.reserve().unwrap();
            tokio::spawn(permit.verify(service.present(GOOD), None))
        })
        .collect();
    for login in logins {
        assert!(matches!(login.await.unwrap().unwrap(), Verdict::Wrong));
    }
    let stats = service.stats();
    assert_eq!((stats.done, stats.taken), (200, 0));
    assert!(stats.arena_peak_bytes <= 2 * 1024 * 1024, "{stats:?}");
}

#[tokio::test]
async fn a_dearer_stored_hash_grows_an_arena_for_its_own_time_alone() {
    let service = cheap();
    let dear = start(PasswordSettings {
        memory_kib: 4096,
        ..PasswordSettings::cheap()
    });
    let stored = new_hash(&dear, GOOD, &[]).await;
    assert!(is_right(&service, GOOD, stored.as_str()).await);
    let stats = service.stats();
    assert_eq!(
        (stats.arena_bytes, stats.arena_peak_bytes),
        (0, 4096 * 1024)
    );
    assert!(!is_right(&service, "wrong", REFERENCE[2].1).await);
    assert_eq!(service.stats().arena_bytes, 64 * 1024);
}

#[tokio::test]
async fn an_idle_thread_frees_its_arena_and_works_again() {
    let service = start(PasswordSettings {
        threads: 1,
        arena_idle: Duration::from_millis(1),
        ..PasswordSettings::cheap()
    });
    for _ in 0..3 {
        new_hash(&service, GOOD, &[]).await;
        until(&service, |stats| stats.arena_bytes == 0).await;
    }
    let keeps = start(PasswordSettings {
        threads: 1,
        arena_idle: Duration::MAX,
        ..PasswordSettings::cheap()
    });
    new_hash(&keeps, GOOD, &[]).await;
    assert_eq!(keeps.stats().arena_bytes, 64 * 1024);
}

async fn until(service: &PasswordService, seen: impl Fn(Stats) -> bool) {
    let wait = async {
        while !seen(service.stats()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| panic!("{:?}", service.stats()));
}
