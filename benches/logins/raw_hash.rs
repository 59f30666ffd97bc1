//! The limit: the hash alone, on every core, in memory that is used again.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use memmap2::{Advice, MmapMut};

use crate::harness::{Outcome, cores};

/// KiB, passes and lanes of the service's default profile.
pub(crate) const COST: (u32, u32, u32) = (48 * 1024, 3, 1);
/// Hashed before anything counts.
const WARM_UP: usize = 3;

/// Hashes on every core for `milliseconds`, and prints hashes a second.
pub(crate) fn run(milliseconds: &str) -> Outcome<()> {
    let time = Duration::from_millis(milliseconds.parse()?);
    let threads: Vec<_> = (0..cores())
        .map(|_| std::thread::spawn(move || rate(time)))
        .collect();
    let mut sum = 0.0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a hashing thread panicked")??;
    }
    println!("{sum}");
    Ok(())
}

/// Hashes a second of this thread.
fn rate(time: Duration) -> Outcome<f64> {
    let params = Params::new(COST.0, COST.1, COST.2, Some(32))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = MmapMut::map_anon(COST.0 as usize * Block::SIZE)?;
    // Refused where huge pages are switched off; slower then, for both.
    let _refused = memory.advise(Advice::HugePage);
    let blocks = blocks(&mut memory);
    let mut hash = |number: u32| -> Outcome<()> {
        let mut tag = [0; 32];
        let password = number.to_le_bytes();
        argon2.hash_password_into_with_memory(&password, &[7; 16], &mut tag, &mut *blocks)?;
        std::hint::black_box(tag);
        Ok(())
    };
    for _ in 0..WARM_UP {
        hash(0)?;
    }
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        count += 1;
        hash(count)?;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

fn blocks(memory: &mut [u8]) -> &mut [Block] {
    // SAFETY: a block is an array of integers, for which any bytes will do. A
    // mapping starts at a page, so nothing is cut off for alignment.
    #[allow(unsafe_code)]
    let (_, blocks, _) = unsafe { memory.align_to_mut::<Block>() };
    blocks
}
