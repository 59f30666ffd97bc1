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
    #[error("has fewer than 8 different characters")]
    Monotonous,
    #[error("follows a pattern")]
    Patterned,
}

const MIN_BYTES: usize = 32;

/// Of five million random strings of 32 hexadecimal digits, 128 bits, none had
/// fewer; 12 had exactly this many.
const MIN_DISTINCT_BYTES: usize = 8;

/// Random hexadecimal digits have about 23 surprises in 32; a repeated word has
/// as many as its letters, a sequence hardly any.
const MIN_SURPRISES: usize = 12;

/// zxcvbn's estimate, in decimal orders of magnitude, stops at 2^64 guesses,
/// which is 19.27; anything that it can see through is below. Each of 47,000
/// random strings of 32 hexadecimal digits reached the stop.
const MIN_GUESSES_LOG10: f64 = 19.2;

/// zxcvbn's time grows with the square of the length.
const MAX_JUDGED_CHARS: usize = 100;

/// Secrets that everybody can read: in this repository, and in what people
/// copy from.
const PUBLISHED: &[&str] = &[
    "supersecret",
    "a-secret-of-tests-9f2c61d07be84a53",
    "a-secret-of-tests-77aa02cd914fb6e0",
    "a-secret-of-tests-4be08a532c61d07f",
    "another secret of 32 bytes or so...",
    "a-string-secret-at-least-256-bits-long",
    "your-256-bit-secret",
    "your-384-bit-secret",
    "your-512-bit-secret",
];

/// Everything that speaks against a secret.
pub(super) fn weaknesses(secret: &str) -> Vec<Weakness> {
    let published = PUBLISHED
        .iter()
        .any(|published| published.eq_ignore_ascii_case(secret.trim()));
    let distinct = secret.bytes().collect::<BTreeSet<u8>>().len();
    [
        (published, Weakness::Published),
        (secret.len() < MIN_BYTES, Weakness::Short),
        (distinct < MIN_DISTINCT_BYTES, Weakness::Monotonous),
        (is_patterned(secret), Weakness::Patterned),
    ]
    .into_iter()
    .filter_map(|(is, weakness)| is.then_some(weakness))
    .collect()
}

fn is_patterned(secret: &str) -> bool {
    if surprises(secret.as_bytes()) < MIN_SURPRISES {
        return true;
    }
    // There are no words to look for among hexadecimal digits, and zxcvbn's
    // dictionaries take 17 ms to unpack, three times what a whole start takes.
    if secret.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return false;
    }
    let judged: String = secret.chars().take(MAX_JUDGED_CHARS).collect();
    zxcvbn::zxcvbn(&judged, &[]).guesses_log10() < MIN_GUESSES_LOG10
}

/// Steps from one byte to the next that were not taken before, and don't lead
/// to the same byte or a neighbour.
fn surprises(secret: &[u8]) -> usize {
    secret
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.abs_diff(*b) > 1))
        .collect::<BTreeSet<_>>()
        .len()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_people_type_is_weak() {
        use Weakness::{Monotonous, Patterned, Published, Short};
        for (secret, expected) in [
            ("supersecret", vec![Published, Short, Monotonous, Patterned]),
            ("SuperSecret\n", vec![Published, Short, Patterned]),
            ("a-string-secret-at-least-256-bits-long", vec![Published]),
            (
                "supersecretsupersecretsupersecret",
                vec![Monotonous, Patterned],
            ),
            (
                "passwordpassword1234567890passwordpassword",
                vec![Patterned],
            ),
            ("qwertyuiopasdfghjklzxcvbnm1234567890", vec![Patterned]),
            ("0123456789abcdef0123456789abcdef", vec![Patterned]),
            ("iloveyousunshineprincessfootball", vec![Patterned]),
            (&"ab".repeat(32), vec![Monotonous, Patterned]),
            ("", vec![Short, Monotonous, Patterned]),
        ] {
            assert_eq!(weaknesses(secret), expected, "{secret:?}");
        }
    }

    #[test]
    fn what_is_random_is_strong() {
        for _ in 0..200 {
            let hexadecimal = Uuid::new_v4().simple().to_string();
            assert_eq!(weaknesses(&hexadecimal), [], "{hexadecimal}");
        }
        for _ in 0..20 {
            let bytes = [Uuid::new_v4(), Uuid::new_v4()]
                .map(Uuid::into_bytes)
                .concat();
            let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
            assert_eq!(weaknesses(&base64), [], "{base64}");
        }
    }

    #[test]
    fn a_random_secret_that_is_cut_short_is_short() {
        let cut = &Uuid::new_v4().simple().to_string()[1..];
        assert!(weaknesses(cut).contains(&Weakness::Short));
    }

    /// A secret in an example is one that somebody will run with.
    #[test]
    fn no_example_in_this_repository_passes() {
        let mut found = Vec::new();
        look_for_examples(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
        assert!(found.iter().any(|(_, secret)| secret == "supersecret"));
        for (file, secret) in &found {
            assert_ne!(
                weaknesses(secret),
                [],
                "{file} gives a secret away: add it to PUBLISHED"
            );
        }
    }

    /// How secrets in tests begin.
    const TEST_SECRET: &str = concat!("a-secret-of-", "tests-");

    fn look_for_examples(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap_or_default();
            let file_type = entry.file_type().unwrap();
            if file_type.is_dir() && !matches!(&*name, "target" | "data" | ".git" | ".tools") {
                look_for_examples(&path, found);
            }
            let Some(text) = file_type.is_file().then(|| fs::read_to_string(&path)) else {
                continue;
            };
            let text = text.unwrap_or_default();
            for (start, _) in text.match_indices(TEST_SECRET) {
                let secret = text[start..].chars();
                let secret = secret.take_while(|c| c.is_ascii_alphanumeric() || *c == '-');
                found.push((path.display().to_string(), secret.collect()));
            }
            for after in text.split("JWT_SECRET").skip(1) {
                let value: String = after
                    .trim_start_matches(['"', '\'', ',', '=', ':', ' '])
                    .chars()
                    .take_while(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`' | ','))
                    .collect();
                // Anything else is prose, code, or a command that makes a secret.
                if after.starts_with(['"', '\'', '=', ':'])
                    && value.len() >= 8
                    && value
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_+/=.".contains(&b))
                {
                    found.push((path.display().to_string(), value));
                }
            }
        }
    }
}
