//! Sequences of steps that are made up from numbers, always the same ones. What
//! breaks a promise is shown as the shortest part of it that still does.
//!
//! With `PROPERTY_CASES` in the environment there are so many of each kind.

use std::fmt::Debug;

/// Numbers that look random, and are the same for the same seed (SplitMix64).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Those of that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One below that bound, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("no more than there are numbers");
        usize::try_from(self.number() % bound).expect("below what was a usize")
    }

    /// One of these, of which there is one at least.
    pub fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())].clone()
    }
}

/// Makes up `cases` sequences of 1 to `longest` steps, and has each judged.
///
/// # Panics
/// If one is found wanting.
pub async fn hold<S: Clone + Debug>(
    cases: u64,
    longest: usize,
    step: impl Fn(&mut Random) -> S,
    judge: impl AsyncFn(&[S]) -> Result<(), String>,
) {
    let cases = match std::env::var("PROPERTY_CASES") {
        Ok(cases) => cases.parse().expect("PROPERTY_CASES is a number"),
        Err(_) => cases,
    };
    for seed in 0..cases {
        let mut random = Random::new(seed);
        let length = 1 + random.below(longest);
        let steps: Vec<S> = (0..length).map(|_| step(&mut random)).collect();
        if let Err(why) = judge(&steps).await {
            let (steps, why) = shortest(steps, why, &judge).await;
            panic!("{why}\nafter these steps, of case {seed}: {steps:#?}");
        }
    }
}

/// What is left when no piece, however small, can be left out.
async fn shortest<S: Clone>(
    mut steps: Vec<S>,
    mut why: String,
    judge: &impl AsyncFn(&[S]) -> Result<(), String>,
) -> (Vec<S>, String) {
    let mut piece = steps.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < steps.len() {
            let end = (at + piece).min(steps.len());
            let fewer = [&steps[..at], &steps[end..]].concat();
            match judge(&fewer).await {
                Err(still) => (steps, why) = (fewer, still),
                Ok(()) => at += piece,
            }
        }
        piece /= 2;
    }
    (steps, why)
}
