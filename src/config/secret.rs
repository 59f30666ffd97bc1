//! How good a secret is.

use std::collections::BTreeSet;

use thiserror::Error;

/// A reason not to use a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Weakness {
    #[error("is a published example")]
    Published,
    /// RFC 7518, 3.2: a key of HS256 has at least the 256 bits of its hash.
    #[error("is shorter than 32 bytes")]
    Short,
    #[error("is made of fewer than 8 different bytes")]
    Monotonous,
    #[error("is easy to guess")]
    Guessable,
}

const MIN_BYTES: usize = 32;

/// 32 random hexadecimal digits, 128 bits, have fewer than this once in 200,000.
const MIN_DISTINCT_BYTES: usize = 8;

/// zxcvbn's estimate, in decimal orders of magnitude: 66 bits. It counts ten
/// guesses for each character in which it sees no pattern, so 32 random
/// hexadecimal digits, 128 bits, get about 30.
const MIN_GUESSES_LOG10: f64 = 20.0;

/// zxcvbn's time grows with the square of the length.
const MAX_JUDGED_CHARS: usize = 100;

/// Secrets that everybody can read: here, and in what people copy from.
const PUBLISHED: &[&str] = &[
    "supersecret",
    "a-string-secret-at-least-256-bits-long",
    "your-256-bit-secret",
    "your-384-bit-secret",
    "your-512-bit-secret",
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

/// Everything that speaks against a secret.
pub(super) fn weaknesses(secret: &str) -> Vec<Weakness> {
    let published = PUBLISHED
        .iter()
        .any(|published| published.eq_ignore_ascii_case(secret.trim()));
    let distinct = secret.bytes().collect::<BTreeSet<u8>>().len();
    let judged: String = secret.chars().take(MAX_JUDGED_CHARS).collect();
    let guesses = zxcvbn::zxcvbn(&judged, &[]).guesses_log10();
    [
        (published, Weakness::Published),
        (secret.len() < MIN_BYTES, Weakness::Short),
        (distinct < MIN_DISTINCT_BYTES, Weakness::Monotonous),
        (guesses < MIN_GUESSES_LOG10, Weakness::Guessable),
    ]
    .into_iter()
    .filter_map(|(is, weakness)| is.then_some(weakness))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample() {
        let mut min = f64::MAX;
        let mut distinct = [0usize; 40];
        for _ in 0..200 {
            let s = uuid::Uuid::new_v4().simple().to_string();
            let g = zxcvbn::zxcvbn(&s, &[]).guesses_log10();
            min = min.min(g);
            distinct[s.bytes().collect::<BTreeSet<u8>>().len()] += 1;
        }
        println!("min {min} {distinct:?}");
        for s in [
            "supersecretsupersecretsupersecretsupersecret",
            "correct horse battery staple correct horse",
            "passwordpassword1234567890passwordpassword",
            "a-string-secret-at-least-256-bits-long",
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
            "qwertyuiopasdfghjklzxcvbnm1234567890",
            "this is my very secret signing key do not share",
            "my-super-secret-jwt-signing-key-for-production",
            "change-this-to-a-long-random-string-please",
            "0123456789abcdef0123456789abcdef",
            "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff",
        ] {
            println!("{s} {}", zxcvbn::zxcvbn(s, &[]).guesses_log10());
        }
    }
}
