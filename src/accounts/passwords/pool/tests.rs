use std::{
    sync::mpsc,
    task::{Context, Waker},
};

use super::*;

fn pool(threads: usize) -> Pool {
    Pool::start(&PoolSettings {
        threads,
        queue: Duration::from_secs(1),
        arena_idle: Duration::from_secs(60),
        arena_bytes: 64 * 1024,
        usual_blocks: 64,
        expected: Duration::from_millis(50),
    })
    .unwrap()
}

/// Keeps the one thread of a pool at work until the sender is used.
async fn block(
    pool: &Pool,
) -> (
    mpsc::Sender<()>,
    tokio::task::JoinHandle<Result<(), Crashed>>,
) {
    let (release, released) = mpsc::channel();
    let (begin, begun) = oneshot::channel();
    let place = pool.reserve().unwrap();
    let blocked = tokio::spawn(place.run(move |_| {
        begin.send(()).unwrap();
        released.recv().unwrap();
    }));
    begun.await.unwrap();
    (release, blocked)
}

#[tokio::test]
async fn a_caller_who_has_gone_is_skipped() {
    let pool = pool(1);
    let (release, blocked) = block(&pool).await;
    let mut gone = Box::pin(pool.reserve().unwrap().run(|_| unreachable!()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(gone.as_mut().poll(&mut context).is_pending());
    let stays = tokio::spawn(pool.reserve().unwrap().run(|_| 7));
    drop(gone);
    assert_eq!(pool.stats().taken, 3);
    release.send(()).unwrap();
    blocked.await.unwrap().unwrap();
    assert_eq!(stays.await.unwrap().unwrap(), 7);
    let stats = pool.stats();
    assert_eq!((stats.done, stats.skipped, stats.taken), (2, 1, 0));
}

#[tokio::test]
async fn a_panic_is_an_error_for_its_caller_alone() {
    let pool = pool(1);
    for round in 0..3 {
        let crash = pool.reserve().unwrap().run(|_| panic!("on purpose")).await;
        assert!(matches!(crash, Err(Crashed)));
        let fine = pool.reserve().unwrap().run(move |_| round).await;
        assert_eq!(fine.unwrap(), round);
    }
    assert_eq!(pool.stats().taken, 0);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_recovers() {
    let pool = pool(1);
    let (release, blocked) = block(&pool).await;
    let mut waiting = Vec::new();
    let full = loop {
        match pool.reserve() {
            Ok(place) => waiting.push(tokio::spawn(place.run(|_| ()))),
            Err(full) => break full,
        }
    };
    // A second's work at 50 ms each, one of them the blocker.
    assert_eq!(waiting.len(), 19);
    assert_eq!(full.retry_after, Duration::from_secs(1));
    assert_eq!(pool.stats().refused, 1);
    release.send(()).unwrap();
    blocked.await.unwrap().unwrap();
    for job in waiting {
        job.await.unwrap().unwrap();
    }
    assert_eq!(pool.stats().taken, 0);
    assert!(pool.reserve().is_ok());
}

#[tokio::test]
async fn slow_jobs_leave_fewer_places() {
    let pool = pool(2);
    let shared = Arc::clone(&pool.0.0);
    assert_eq!(pool.stats().places, 40);
    for _ in 0..64 {
        shared.job_took(Duration::from_millis(500), 0);
    }
    assert_eq!(pool.stats().places, 4);
    for _ in 0..64 {
        shared.job_took(Duration::ZERO, 63);
    }
    assert_eq!(pool.stats().places, 4);
    for _ in 0..64 {
        shared.job_took(Duration::from_millis(10), 64);
    }
    assert!((150..=200).contains(&pool.stats().places));
    for _ in 0..128 {
        shared.job_took(Duration::ZERO, 65);
    }
    assert_eq!(pool.stats().places, Pool::MAX_PLACES);
}

#[tokio::test]
async fn what_a_job_leaves_in_its_arena_is_wiped() {
    let pool = pool(1);
    for round in 1..4 {
        let first = pool.reserve().unwrap().run(move |arena| {
            let blocks = arena.blocks(64).unwrap();
            let clean = blocks
                .iter()
                .all(|block| block.as_ref().iter().all(|&word| word == 0));
            for block in blocks {
                block.as_mut().fill(round);
            }
            assert!(round != 2, "on purpose");
            clean
        });
        let first = first.await;
        assert!(first.is_ok_and(|clean| clean) || round == 2);
    }
    let arena_bytes = pool.stats().arena_bytes;
    assert_eq!(arena_bytes, 64 * 1024, "one arena, mapped once");
}

#[tokio::test]
async fn the_warmest_thread_works_while_one_is_enough() {
    let pool = pool(4);
    let mut threads = std::collections::HashSet::new();
    for _ in 0..20 {
        while pool.0.0.queue.lock().idle.len() < 4 {
            tokio::task::yield_now().await;
        }
        let job = pool.reserve().unwrap().run(|arena| {
            arena.blocks(64).unwrap();
            std::thread::current().id()
        });
        threads.insert(job.await.unwrap());
    }
    assert_eq!(threads.len(), 1);
    assert_eq!(pool.stats().arena_peak_bytes, 64 * 1024);
}
