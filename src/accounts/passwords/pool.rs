//! The threads that hash, and the bounded queue before them.
//!
//! Hashing has its own threads, not those of `spawn_blocking`: as many as
//! cores, so that memory is bounded, and of lower priority, so that a login
//! storm leaves the sockets alone.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::oneshot;

use super::{
    arena::{Arena, Gauge},
    instruments::Timings,
    job::{Job, Waiting, Work},
    kernel::Kernel,
    turn::Workplace,
};

/// How a pool is made.
pub(super) struct PoolSettings {
    pub(super) threads: usize,
    /// How much work may wait, in time.
    pub(super) queue: Duration,
    /// How long a thread without work keeps its arena.
    pub(super) arena_idle: Duration,
    /// What computes hashes.
    pub(super) kernel: Kernel,
    /// What an arena holds on to.
    pub(super) arena_bytes: usize,
    /// What a usual job writes in its arena, in blocks.
    pub(super) usual_blocks: u64,
    /// How long a usual job is thought to take until some have been measured.
    pub(super) expected: Duration,
}

/// Figures of a pool, each since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Hashing threads.
    pub threads: usize,
    /// Places there are now, from how long hashes take of late.
    pub places: usize,
    /// Places that are taken: reserved, waiting or at work.
    pub taken: usize,
    /// Jobs that wait for a thread.
    pub waiting: usize,
    /// Threads with work.
    pub busy: usize,
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
    /// How long a usual job takes, in nanoseconds: a running mean.
    pace: AtomicU64,
    usual_blocks: u64,
    done: AtomicU64,
    skipped: AtomicU64,
    refused: AtomicU64,
    gauge: Arc<Gauge>,
    timings: Timings,
    queue_time: Duration,
    arena_idle: Duration,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Box<dyn Job>>,
    /// Threads with work.
    busy: usize,
    /// Threads without work; the last to go idle is the first to be woken. Its
    /// caches and its arena are the warmest, and with little to do the other
    /// threads' arenas are freed.
    idle: Vec<usize>,
    closed: bool,
}

/// There is no place in the queue.
#[derive(Debug)]
pub(super) struct Full {
    /// When all that have one will be done, as things are.
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
            usual_blocks: settings.usual_blocks,
            done: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            gauge: Arc::default(),
            timings: Timings::default(),
            queue_time: settings.queue,
            arena_idle: settings.arena_idle,
        });
        let pool = Self(Arc::new(Handle(Arc::clone(&shared))));
        for worker in 0..threads {
            let shared = Arc::clone(&shared);
            let arena = || Arena::new(settings.arena_bytes, Arc::clone(&shared.gauge));
            let arenas = std::iter::repeat_with(arena).take(settings.kernel.width());
            let mut workplace = Workplace::new(settings.kernel, arenas.collect());
            std::thread::Builder::new()
                .name(format!("password-{worker}"))
                .spawn(move || {
                    lower_priority();
                    while let Some(jobs) = shared.next(worker, &mut workplace) {
                        let skipped = workplace.work_off(jobs);
                        shared.skipped.fetch_add(skipped, Relaxed);
                        shared.queue.lock().busy -= 1;
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
        self.reserve_of(self.0.0.places())
    }

    /// Takes a place in the queue, and leaves a quarter of all places to others.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub(super) fn reserve_for_stranger(&self) -> Result<Place, Full> {
        let places = self.0.0.places();
        self.reserve_of(places - places / 4)
    }

    fn reserve_of(&self, places: usize) -> Result<Place, Full> {
        let shared = &self.0.0;
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
        let (waiting, busy) = {
            let queue = shared.queue.lock();
            (queue.jobs.len(), queue.busy)
        };
        Stats {
            threads: shared.wake.len(),
            places: shared.places(),
            taken: shared.taken.load(Relaxed),
            waiting,
            busy,
            done: shared.done.load(Relaxed),
            skipped: shared.skipped.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            arena_bytes: shared.gauge.bytes(),
            arena_peak_bytes: shared.gauge.peak(),
        }
    }

    pub(super) fn timings(&self) -> &Timings {
        &self.0.0.timings
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
    pub(super) async fn run<W: Work>(self, work: W) -> Result<W::Answer, Crashed> {
        let (answer, answered) = oneshot::channel();
        let shared = Arc::clone(&self.pool.0.0);
        shared.push(Box::new(Waiting::new(work, answer, self)));
        answered.await.unwrap_or(Err(Crashed))
    }

    /// Notes how long a job waited for its turn.
    pub(super) fn job_waited(&self, time: Duration) {
        self.pool.timings().waited(time);
    }

    /// Notes how long a job took that wrote so many blocks.
    pub(super) fn job_took(&self, time: Duration, blocks: u64) {
        if blocks > 0 {
            self.pool.timings().took(time);
        }
        self.pool.0.0.job_took(time, blocks);
    }
}

impl Shared {
    fn push(&self, job: Box<dyn Job>) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if let Some(worker) = queue.idle.pop() {
            self.wake[worker].notify_one();
        }
    }

    /// The next jobs of thread `worker`, at least one and as many as it can do
    /// together; `None` when the pool has stopped.
    fn next(&self, worker: usize, workplace: &mut Workplace) -> Option<Vec<Box<dyn Job>>> {
        let idle_until = Instant::now().checked_add(self.arena_idle);
        let wake = &self.wake[worker];
        let mut queue = self.queue.lock();
        loop {
            if !queue.jobs.is_empty() {
                let free = self.wake.len() - queue.busy;
                let share = share(queue.jobs.len(), free, workplace.width());
                queue.busy += 1;
                return Some(queue.jobs.drain(..share).collect());
            }
            if queue.closed {
                return None;
            }
            queue.idle.push(worker);
            let timed_out = match idle_until.filter(|_| !workplace.is_empty()) {
                Some(until) => wake.wait_until(&mut queue, until).timed_out(),
                None => {
                    wake.wait(&mut queue);
                    false
                }
            };
            queue.idle.retain(|&idle| idle != worker);
            if timed_out && queue.jobs.is_empty() {
                MutexGuard::unlocked(&mut queue, || workplace.free());
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

    fn job_took(&self, time: Duration, blocks: u64) {
        self.done.fetch_add(1, Relaxed);
        let pace = self.pace.load(Relaxed);
        let mut time = nanoseconds(time);
        // A job may be less than a hash made today: a password is refused, or
        // has an old and cheap hash. That it took no time does not say that
        // those who wait will take none; a flood of them would make places for
        // minutes of work.
        if blocks < self.usual_blocks {
            time = time.max(pace);
        }
        // The last eight or so weigh most. That two threads may overwrite each
        // other's measurement does no harm.
        self.pace
            .store((pace - pace / 8).saturating_add(time / 8), Relaxed);
    }
}

/// How many of `jobs` one of `free` threads takes: together they take less
/// time, and each of them more, so there are no two on one thread while another
/// has nothing to do.
fn share(jobs: usize, free: usize, width: usize) -> usize {
    jobs.div_ceil(free.max(1)).min(width)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
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
mod tests;
