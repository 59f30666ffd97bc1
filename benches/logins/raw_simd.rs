//! The same hashes by `hash-simd`, several at once on every core.

use std::time::{Duration, Instant};

use hash_simd::{Block, Hasher, Job, Params};
use memmap2::{Advice, MmapMut};

use crate::harness::{Outcome, cores};
use crate::raw_hash::COST;

/// Hashes on every core, by `argument`: how many at once, and for how many
/// milliseconds. Prints hashes a second.
pub(crate) fn run(argument: &str) -> Outcome<()> {
    let (width, milliseconds) = argument.split_once('x').ok_or("WIDTHxMILLISECONDS")?;
    let (width, time) = (width.parse()?, Duration::from_millis(milliseconds.parse()?));
    let threads: Vec<_> = (0..cores())
        .map(|_| std::thread::spawn(move || rate(width, time)))
        .collect();
    let mut sum = 0.0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a hashing thread panicked")??;
    }
    println!("{sum}");
    Ok(())
}

/// Hashes a second of this thread.
fn rate(width: u32, time: Duration) -> Outcome<f64> {
    let hasher = Hasher::detect()?;
    let params = Params::new(COST.0, COST.1, COST.2)?;
    let mut arenas = Vec::new();
    for _ in 0..width {
        let memory = MmapMut::map_anon(params.bytes())?;
        // Refused where huge pages are switched off; slower then, for all.
        let _refused = memory.advise(Advice::HugePage);
        arenas.push(memory);
    }
    let mut hash = |number: u32| -> Outcome<()> {
        let mut tags = vec![[0; 32]; arenas.len()];
        let password = number.to_le_bytes();
        let mut jobs: Vec<_> = arenas
            .iter_mut()
            .zip(&mut tags)
            .map(|(memory, tag)| Job {
                password: &password,
                salt: &[7; 16],
                secret: &[],
                associated_data: &[],
                params,
                output: tag,
                memory: blocks(memory),
            })
            .collect();
        hasher.hash_many(&mut jobs)?;
        std::hint::black_box(tags);
        Ok(())
    };
    hash(0)?;
    hash(0)?;
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        count += 1;
        hash(count)?;
    }
    Ok(f64::from(width * count) / start.elapsed().as_secs_f64())
}

fn blocks(memory: &mut [u8]) -> &mut [Block] {
    // SAFETY: a block is an array of integers, for which any bytes will do. A
    // mapping starts at a page, so nothing is cut off for alignment.
    #[allow(unsafe_code)]
    let (_, blocks, _) = unsafe { memory.align_to_mut::<Block>() };
    blocks
}
