use std::{
    sync::mpsc,
    task::{Context, Waker},
};

use super::*;
use crate::accounts::passwords::{
    kernel::{Input, Output},
    permit::HashError,
    phc::Cost,
};

/// Work of two closures: it answers at once, or hashes something and answers
/// then.
struct Script<B, E> {
    begin: Option<B>,
    end: E,
    memory_kib: u32,
}

impl<T, B, E> Work for Script<B, E>
where
    T: Send + 'static,
    B: FnOnce() -> Option<T> + Send + 'static,
    E: FnOnce(Output) -> T + Send + 'static,
{
    type Answer = T;

    fn begin(&mut self) -> Result<Input<'_>, T> {
        if let Some(answer) = self.begin.take().and_then(|begin| begin()) {
            return Err(answer);
        }
        Ok(Input {
            algorithm: argon2::Algorithm::Argon2id,
            cost: Cost::new(self.memory_kib, 1, 1).unwrap(),
            password: b"password",
            salt: &[1; 16],
            output_len: 32,
        })
    }

    fn end(self, hashed: Result<Output, HashError>) -> T {
        (self.end)(hashed.unwrap())
    }
}

/// Work that hashes nothing.
fn at_once<T: Send + 'static>(
    answer: impl FnOnce() -> T + Send + 'static,
) -> impl Work<Answer = T> {
    Script {
        begin: Some(|| Some(answer())),
        end: |_| unreachable!(),
        memory_kib: 64,
    }
}

/// Work that answers when it has hashed in so much memory.
fn after_a_hash<T: Send + 'static>(
    memory_kib: u32,
    answer: impl FnOnce(Output) -> T + Send + 'static,
) -> impl Work<Answer = T> {
    Script {
        begin: Some(|| None),
        end: answer,
        memory_kib,
    }
}

fn pool(threads: usize) -> Pool {
    pool_of(threads, Kernel::Argon2)
}

/// A pool whose threads hash for two at once, on any machine.
fn pool_for_two_at_once(threads: usize) -> Pool {
    let portable = hash_simd::Hasher::with(hash_simd::Implementation::Portable);
    pool_of(threads, Kernel::Simd(portable.unwrap()))
}

fn pool_of(threads: usize, kernel: Kernel) -> Pool {
    Pool::start(&PoolSettings {
        threads,
        kernel,
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
    let blocked = tokio::spawn(place.run(at_once(move || {
        begin.send(()).unwrap();
        released.recv().unwrap();
    })));
    begun.await.unwrap();
    (release, blocked)
}

#[tokio::test]
async fn a_caller_who_has_gone_is_skipped() {
    let pool = pool(1);
    let (release, blocked) = block(&pool).await;
    let mut gone = Box::pin(pool.reserve().unwrap().run(at_once(|| unreachable!())));
    let mut context = Context::from_waker(Waker::noop());
    assert!(gone.as_mut().poll(&mut context).is_pending());
    let stays = tokio::spawn(pool.reserve().unwrap().run(at_once(|| 7)));
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
        let work = at_once(|| panic!("on purpose"));
        let crash = pool.reserve().unwrap().run(work).await;
        assert!(matches!(crash, Err(Crashed)));
        let work = after_a_hash(64, |_| panic!("on purpose"));
        let crash = pool.reserve().unwrap().run(work).await;
        assert!(matches!(crash, Err(Crashed)));
        let work = after_a_hash(64, move |_| round);
        let fine = pool.reserve().unwrap().run(work).await;
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
            Ok(place) => waiting.push(tokio::spawn(place.run(at_once(|| ())))),
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
async fn the_warmest_thread_works_while_one_is_enough() {
    let pool = pool(4);
    let mut threads = std::collections::HashSet::new();
    for _ in 0..20 {
        while pool.0.0.queue.lock().idle.len() < 4 {
            tokio::task::yield_now().await;
        }
        let work = after_a_hash(64, |_| std::thread::current().id());
        let job = pool.reserve().unwrap().run(work);
        threads.insert(job.await.unwrap());
    }
    assert_eq!(threads.len(), 1);
    assert_eq!(pool.stats().arena_peak_bytes, 64 * 1024);
}

/// Has the one thread of `pool` do all of `work`, which wait when it begins.
async fn all_waiting<W: Work>(
    pool: &Pool,
    work: impl IntoIterator<Item = W>,
) -> Vec<Result<W::Answer, Crashed>> {
    let (release, blocked) = block(pool).await;
    let jobs: Vec<_> = work
        .into_iter()
        .map(|work| tokio::spawn(pool.reserve().unwrap().run(work)))
        .collect();
    while pool.0.0.queue.lock().jobs.len() < jobs.len() {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    blocked.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for job in jobs {
        answers.push(job.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn two_that_wait_are_hashed_together_and_to_the_same() {
    let alone = all_waiting(&pool(1), [after_a_hash(64, |output| output)]).await;
    let pool = pool_for_two_at_once(1);
    let together = all_waiting(&pool, [(); 3].map(|()| after_a_hash(64, |output| output))).await;
    for output in &together {
        assert_eq!(output.as_ref().unwrap(), alone[0].as_ref().unwrap());
    }
    let stats = pool.stats();
    assert_eq!((stats.done, stats.taken), (4, 0));
    assert_eq!(stats.arena_peak_bytes, 2 * 64 * 1024);
}

#[tokio::test]
async fn one_of_two_does_not_harm_the_other() {
    let pool = pool_for_two_at_once(1);
    let work = (0..8).map(|number| Script {
        begin: Some(move || {
            assert!(number != 2, "on purpose");
            (number == 5).then_some(-5)
        }),
        end: move |_| {
            assert!(number != 7, "on purpose");
            number
        },
        memory_kib: 64,
    });
    let answers = all_waiting(&pool, work).await;
    let answers: Vec<_> = answers.into_iter().map(Result::ok).collect();
    let expected = [0, 1, -2, 3, 4, -5, 6, -7].map(|number| match number {
        -2 | -7 => None,
        number => Some(number),
    });
    assert_eq!(answers, expected);
    assert_eq!(pool.stats().taken, 0);
}

#[tokio::test]
async fn hashes_of_more_memory_are_not_computed_together() {
    let pool = pool_for_two_at_once(1);
    let work = [256, 64, 256, 256].map(|kib| after_a_hash(kib, |_| ()));
    for answer in all_waiting(&pool, work).await {
        answer.unwrap();
    }
    assert_eq!(pool.stats().arena_peak_bytes, 256 * 1024);
}

#[test]
fn a_thread_leaves_jobs_for_others_that_have_none() {
    assert_eq!(share(1, 1, 2), 1);
    assert_eq!(share(2, 2, 2), 1);
    assert_eq!(share(2, 1, 2), 2);
    assert_eq!(share(3, 2, 2), 2);
    assert_eq!(share(9, 1, 2), 2);
    assert_eq!(share(9, 1, 1), 1);
}
