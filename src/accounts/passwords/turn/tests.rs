use std::sync::Arc;

use super::*;
use crate::accounts::passwords::{arena::Gauge, kernel::Output, permit::HashError, phc::Cost};

/// A job that is of so much memory, and says how it ended.
struct Told(u32, std::sync::mpsc::Sender<Option<bool>>);

impl Job for Told {
    fn is_wanted(&self) -> bool {
        self.0 > 0
    }

    fn begin(&mut self) -> Option<Input<'_>> {
        Some(Input {
            algorithm: argon2::Algorithm::Argon2id,
            cost: Cost::new(self.0, 1, 1)?,
            password: b"password",
            salt: &[1; 16],
            output_len: 32,
        })
    }

    fn end(self: Box<Self>, hashed: Option<Result<Output, HashError>>, _: Duration) {
        let hashed = hashed.map(|output| output.is_ok_and(|output| *output != [0; 32]));
        self.1.send(hashed).unwrap();
    }
}

/// What of every arena is not zero after jobs of so much memory each.
fn left_by(kernel: Kernel, jobs: &[u32]) -> usize {
    let gauge = Arc::new(Gauge::default());
    let arenas = (0..kernel.width()).map(|_| Arena::new(64 * 1024, Arc::clone(&gauge)));
    let mut workplace = Workplace::new(kernel, arenas.collect());
    let (told, ends) = std::sync::mpsc::channel();
    let boxed = |&kib| Box::new(Told(kib, told.clone())) as Box<dyn Job>;
    assert_eq!(workplace.work_off(jobs.iter().map(boxed).collect()), 0);
    for _ in jobs {
        assert_eq!(ends.recv().unwrap(), Some(true));
    }
    let mut words = Vec::new();
    for arena in &mut workplace.arenas {
        let blocks = arena.blocks::<argon2::Block>(64).unwrap();
        words.extend(blocks.iter().flat_map(|block| block.as_ref()).copied());
    }
    words.iter().filter(|&&word| word != 0).count()
}

#[test]
fn what_hashes_leave_in_the_arenas_is_wiped() {
    assert_eq!(left_by(Kernel::Argon2, &[64]), 0);
    assert_eq!(left_by(Kernel::Argon2, &[8]), 0);
    let portable = hash_simd::Hasher::with(hash_simd::Implementation::Portable);
    let simd = Kernel::Simd(portable.unwrap());
    assert_eq!(left_by(simd, &[64, 64]), 0);
    assert_eq!(left_by(simd, &[64]), 0);
    assert_eq!(left_by(simd, &[128, 64]), 0);
}

#[test]
fn whom_nobody_waits_for_is_skipped_and_the_rest_is_hashed() {
    let arena = Arena::new(64 * 1024, Arc::default());
    let mut workplace = Workplace::new(Kernel::Argon2, vec![arena]);
    let (told, ends) = std::sync::mpsc::channel();
    let jobs = [0, 8, 0].map(|kib| Box::new(Told(kib, told.clone())) as Box<dyn Job>);
    assert_eq!(workplace.work_off(jobs.into()), 2);
    assert_eq!(ends.try_iter().collect::<Vec<_>>(), [Some(true)]);
}
