//! The threads that hash, and the bounded queue before them.
//!
//! Hashing has its own threads, not those of `spawn_blocking`: as many as
//! cores, so that memory is bounded, and of lower priority, so that a login
//! storm leaves the sockets alone.

use std::{
    any::Any,
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

use super::arena::{Arena, Gauge};

/// How a pool is made.
pub(super) struct PoolSettings {
    pub(super) threads: usize,
    /// How much work may wait, in time.
    pub(super) queue: Duration,
    /// How long a thread without work keeps its arena.
    pub(super) arena_idle: Duration,
    /// What a thread holds on to.
    pub(super) arena_bytes: usize,
    /// How long a job is thought to take until some have been measured.
    pub(super) expected: Duration,
}

/// Figures of a pool, each since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Hashing threads.
    pub threads: usize,
    /// Places there are now, from how long jobs take of late.
    pub places: usize,
    /// Places that are taken: reserved, waiting or at work.
    pub taken: usize,
    /// Jobs done.
    pub done: u64,
    /// Jobs not begun, because the caller had gone.
    pub skipped: u64,
    /// Reservations refused for want of a place.
    pub refused: u64,
    /// Memory of all arenas now, in bytes.
    pub arena_bytes: usize,
    /// Most memory that all arenas had at one time, in bytes.
    pub arena_peak_bytes: usize,
}

/// A handle to the pool. The threads end with the last handle and [`Place`].
#[derive(Clone)]
pub(super) struct Pool(Arc<Handle>);

struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody waits here for the threads to end: this may run on a thread
        // that serves sockets, or on one of them.
        self.0.queue.lock().closed = true;
        for wake in &self.0.wake {
            wake.notify_all();
        }
    }
}

struct Shared {
    queue: Mutex<Queue>,
    /// One a thread, so that it can be chosen which is woken.
    wake: Vec<Condvar>,
    /// Places taken.
    taken: AtomicUsize,
    /// How long a job takes, in nanoseconds: a running mean.
    pace: AtomicU64,
    done: AtomicU64,
    skipped: AtomicU64,
    refused: AtomicU64,
    gauge: Arc<Gauge>,
    queue_time: Duration,
    arena_idle: Duration,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Threads without work; the last to go idle is the first to be woken. Its
    /// caches and its arena are the warmest, and with little to do the other
    /// threads' arenas are freed.
    idle: Vec<usize>,
    closed: bool,
}

type Job = Box<dyn FnOnce(&mut Arena) + Send>;

/// There is no place in the queue.
#[derive(Debug)]
pub(super) struct Full {
    /// When there will be one, as things are.
    pub(super) retry_after: Duration,
}

/// A job panicked.
#[derive(Debug)]
pub(super) struct Crashed;

impl Pool {
    /// Most places, whatever the queue's time: a place may hold a password.
    const MAX_PLACES: usize = 4096;

    /// Starts the threads.
    ///
    /// # Errors
    /// The system refuses a thread; those that were started end.
    pub(super) fn start(settings: &PoolSettings) -> io::Result<Self> {
        let threads = settings.threads.max(1);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: std::iter::repeat_with(Condvar::new).take(threads).collect(),
            taken: AtomicUsize::new(0),
            pace: AtomicU64::new(nanoseconds(settings.expected)),
            done: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            gauge: Arc::default(),
            queue_time: settings.queue,
            arena_idle: settings.arena_idle,
        });
        let pool = Self(Arc::new(Handle(Arc::clone(&shared))));
        for worker in 0..threads {
            let shared = Arc::clone(&shared);
            let mut arena = Arena::new(settings.arena_bytes, Arc::clone(&shared.gauge));
            std::thread::Builder::new()
                .name(format!("password-{worker}"))
                .spawn(move || {
                    lower_priority();
                    while let Some(job) = shared.next(worker, &mut arena) {
                        job(&mut arena);
                    }
                })?;
        }
        Ok(pool)
    }

    /// Takes a place in the queue.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub(super) fn reserve(&self) -> Result<Place, Full> {
        let shared = &self.0.0;
        let places = shared.places();
        shared
            .taken
            .fetch_update(Relaxed, Relaxed, |taken| {
                (taken < places).then_some(taken + 1)
            })
            .map(|_| Place { pool: self.clone() })
            .map_err(|taken| {
                shared.refused.fetch_add(1, Relaxed);
                Full {
                    retry_after: shared.time_for(taken),
                }
            })
    }

    pub(super) fn stats(&self) -> Stats {
        let shared = &self.0.0;
        Stats {
            threads: shared.wake.len(),
            places: shared.places(),
            taken: shared.taken.load(Relaxed),
            done: shared.done.load(Relaxed),
            skipped: shared.skipped.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            arena_bytes: shared.gauge.bytes(),
            arena_peak_bytes: shared.gauge.peak(),
        }
    }
}

/// A place in the queue, from before the job is known until it is done.
pub(super) struct Place {
    pool: Pool,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.0.0.taken.fetch_sub(1, Relaxed);
    }
}

impl Place {
    /// Does `work` on one of the threads. Dropped before its turn, it is not
    /// begun; dropped later, it is done for nobody.
    ///
    /// # Errors
    /// [`Crashed`] if `work` panics; the pool goes on.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Arena) -> T + Send + 'static,
    ) -> Result<T, Crashed> {
        let (answer, answered) = oneshot::channel();
        // This handle keeps the threads alive while somebody waits.
        let pool = self.pool.clone();
        let shared = Arc::clone(&pool.0.0);
        pool.0.0.push(Box::new(move |arena| {
            if answer.is_closed() {
                shared.skipped.fetch_add(1, Relaxed);
                return;
            }
            let begun = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(|| work(arena)))
                .map_err(|panic| crashed(panic.as_ref()));
            arena.shrink();
            shared.job_took(begun.elapsed());
            // Before the answer: who has it may come back for another place.
            drop(self);
            // The caller may have gone meanwhile.
            let _ = answer.send(result);
        }));
        let result = answered.await;
        drop(pool);
        result.unwrap_or(Err(Crashed))
    }
}

impl Shared {
    fn push(&self, job: Job) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if let Some(worker) = queue.idle.pop() {
            self.wake[worker].notify_one();
        }
    }

    /// The next job of thread `worker`; `None` when the pool has stopped.
    fn next(&self, worker: usize, arena: &mut Arena) -> Option<Job> {
        let idle_until = Instant::now().checked_add(self.arena_idle);
        let wake = &self.wake[worker];
        let mut queue = self.queue.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue.idle.push(worker);
            let timed_out = match idle_until.filter(|_| !arena.is_empty()) {
                Some(until) => wake.wait_until(&mut queue, until).timed_out(),
                None => {
                    wake.wait(&mut queue);
                    false
                }
            };
            queue.idle.retain(|&idle| idle != worker);
            if timed_out && queue.jobs.is_empty() {
                MutexGuard::unlocked(&mut queue, || arena.free());
            }
        }
    }

    /// As many as are done in the queue's time, and at least one at work and
    /// one waiting for each thread. Jobs that take longer than usual (dear
    /// passwords to judge, old hashes of a greater cost, a busy machine) leave
    /// fewer places, so that waiting does not get longer.
    fn places(&self) -> usize {
        let threads = self.wake.len();
        let pace = u128::from(self.pace.load(Relaxed).max(1));
        let places = self.queue_time.as_nanos().saturating_mul(threads as u128) / pace;
        usize::try_from(places)
            .unwrap_or(usize::MAX)
            .min(Pool::MAX_PLACES)
            .max(2 * threads)
    }

    /// How long `jobs` take all threads together.
    fn time_for(&self, jobs: usize) -> Duration {
        let rounds = jobs.div_ceil(self.wake.len()) as u64;
        Duration::from_nanos(self.pace.load(Relaxed).saturating_mul(rounds))
    }

    fn job_took(&self, time: Duration) {
        self.done.fetch_add(1, Relaxed);
        let time = nanoseconds(time);
        // The last eight or so weigh most. That two threads may overwrite each
        // other's measurement does no harm.
        let pace = self.pace.load(Relaxed);
        self.pace
            .store((pace - pace / 8).saturating_add(time / 8), Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn crashed(panic: &(dyn Any + Send)) -> Crashed {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(message, "a job of the hashing threads panicked");
    Crashed
}

/// Ten steps of niceness: a thread that serves sockets and wants the same core
/// gets nine times as much of it.
#[cfg(target_os = "linux")]
fn lower_priority() {
    use rustix::process::{getpriority_process, setpriority_process};

    // On Linux, "this process" means the calling thread.
    let lowered =
        getpriority_process(None).and_then(|nice| setpriority_process(None, (nice + 10).min(19)));
    if let Err(error) = lowered {
        tracing::debug!(%error, "a hashing thread keeps its priority");
    }
}

/// Elsewhere niceness is the whole process's.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool(threads: usize) -> Pool {
        Pool::start(&PoolSettings {
            threads,
            queue: Duration::from_secs(1),
            arena_idle: Duration::from_secs(60),
            arena_bytes: 64 * 1024,
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
        assert!(futures_util::poll!(&mut gone).is_pending());
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
            shared.job_took(Duration::from_millis(500));
        }
        assert_eq!(pool.stats().places, 4);
        for _ in 0..64 {
            shared.job_took(Duration::from_millis(10));
        }
        assert!((150..=200).contains(&pool.stats().places));
        for _ in 0..128 {
            shared.job_took(Duration::ZERO);
        }
        assert_eq!(pool.stats().places, Pool::MAX_PLACES);
    }

    #[tokio::test]
    async fn the_warmest_thread_works_while_one_is_enough() {
        let pool = pool(4);
        // Whichever thread comes first, the same does all that follow one by one.
        let mut threads = std::collections::HashSet::new();
        for _ in 0..100 {
            let job = pool.reserve().unwrap().run(|arena| {
                arena.blocks(64).unwrap();
                std::thread::current().id()
            });
            threads.insert(job.await.unwrap());
        }
        assert!(pool.stats().arena_peak_bytes <= threads.len() * 64 * 1024);
    }
}
