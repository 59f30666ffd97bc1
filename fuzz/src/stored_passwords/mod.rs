//! Stored hashes of all schemes: which can be verified, with how much work, and
//! by which scheme alone, is what a second reading of them says.
//!
//! | file | what it holds |
//! |---|---|
//! | here | what is done with them |
//! | `second_reading` | what a stored hash says |
//! | `make` | stored hashes that are right, and how one is computed |
//!
//! An input that begins with `$` is a stored hash. From any other one is made.

mod make;
mod second_reading;

use std::sync::OnceLock;

use arbitrary::{Result, Unstructured};
use contract::StoredHash;
use service::accounts::passwords::{
    DigestAlgorithm, DigestOrder, PasswordService, PasswordSettings, SaltedDigest, Verdict,
};

use super::waiting::wait;
use second_reading::{Argon2, Hash, Scheme};

/// Whose password all of this is.
const PASSWORD: &str = "plum-tractor-91-violin";
/// bcrypt of it, of the least cost.
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuiwvc6hy7GiFKWCgenNFuA53L5RVHL8m";

/// The most memory of a hash that is computed here, in KiB, and the most passes.
const MOST_KIB: u32 = 64;
const MOST_PASSES: u32 = 2;

/// What a hash takes that is made today, here.
const TODAY: Argon2 = Argon2 {
    is_id: true,
    memory_kib: 8,
    iterations: 1,
    parallelism: 1,
};

/// One stored hash.
pub fn run(input: &[u8]) {
    if !input.starts_with(b"$") {
        // An input that ends early makes none.
        let _ = made(&mut Unstructured::new(input));
        return;
    }
    if let Ok(text) = std::str::from_utf8(input) {
        judge(text);
    }
}

/// Whether it can be verified, and who gets in.
fn judge(text: &str) -> Option<Hash> {
    let stored = StoredHash::new(text.to_owned());
    let checked = PasswordService::check(&stored);
    let read = second_reading::read(text);
    assert_eq!(checked.is_ok(), read.is_some(), "{text}: {checked:?}");
    if let Err(error) = checked {
        let says = error.to_string();
        assert!(!says.is_empty() && says.len() < 200);
        return None;
    }
    let hash = read?;
    if let Some(argon2) = hash.argon2() {
        assert!((1..=16).contains(&argon2.parallelism));
        assert!((1..=20).contains(&argon2.iterations));
        assert!((8 * argon2.parallelism..=1 << 20).contains(&argon2.memory_kib));
        if argon2.memory_kib > MOST_KIB || argon2.iterations > MOST_PASSES {
            return Some(hash);
        }
    }
    // What was typed, and what whoever stole the digest would like to type.
    let mut typed = vec![PASSWORD.to_owned()];
    if let Scheme::Wrapped(made, _) = &hash.scheme {
        typed.push(make::hex(&make::digest(made, PASSWORD)));
    }
    for typed in typed {
        if let Some(is_right) = is_right(&hash, &typed) {
            let (was_right, rehashed) = verify(&stored, &typed);
            assert_eq!(was_right, is_right, "{text}");
            assert_eq!(rehashed, is_right && !is_of_today(&hash), "{text}");
        }
    }
    Some(hash)
}

/// Whether that is its password; `None` where it would take too long to say.
fn is_right(hash: &Hash, typed: &str) -> Option<bool> {
    match &hash.scheme {
        Scheme::Argon2(argon2) => Some(make::argon2(*argon2, typed.as_bytes(), hash)),
        Scheme::Wrapped(made, argon2) => {
            Some(make::argon2(*argon2, &make::digest(made, typed), hash))
        }
        Scheme::Bcrypt { .. } => {
            let known = second_reading::read(BCRYPT)?;
            let is_known = known.scheme == hash.scheme && known.salt == hash.salt;
            is_known.then(|| known.output == hash.output)
        }
    }
}

fn is_of_today(hash: &Hash) -> bool {
    let is_native = matches!(&hash.scheme, Scheme::Argon2(argon2) if *argon2 == TODAY);
    is_native && hash.salt.len() == 16 && hash.output.len() == 32
}

/// Whether somebody gets in, and whether the password is to be hashed anew.
fn verify(stored: &StoredHash, typed: &str) -> (bool, bool) {
    let service = service();
    let permit = service.reserve().unwrap();
    match wait(permit.verify(service.present(typed), Some(stored))).unwrap() {
        Verdict::Right { outdated } => (true, outdated.is_some()),
        Verdict::Wrong => (false, false),
    }
}

fn service() -> &'static PasswordService {
    static SERVICE: OnceLock<PasswordService> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let settings = PasswordSettings {
            memory_kib: TODAY.memory_kib,
            iterations: TODAY.iterations,
            parallelism: TODAY.parallelism,
            threads: 1,
            ..PasswordSettings::cheap()
        };
        PasswordService::start(settings).unwrap()
    })
}

/// A hash that is right, as others may have made it, and as this service does: it
/// is read as it was meant, and lets its owner in.
fn made(input: &mut Unstructured<'_>) -> Result<()> {
    let hash = make::hash(input, PASSWORD)?;
    let text = make::write(&hash);
    if text.len() > StoredHash::MAX_BYTES {
        assert!(judge(&text).is_none());
        return Ok(());
    }
    let read = judge(&text).unwrap_or_else(|| panic!("{text} can't be verified"));
    assert_eq!(read, hash);
    assert_eq!(is_right(&read, PASSWORD), Some(true));
    match &hash.scheme {
        Scheme::Argon2(_) => {
            let permit = service().reserve().unwrap();
            let own = wait(permit.hash_new(PASSWORD, &[])).unwrap();
            let own = judge(own.as_str()).unwrap();
            assert!(is_of_today(&own) && is_right(&own, PASSWORD) == Some(true));
        }
        Scheme::Wrapped(made, _) => {
            let algorithm = match made.bits {
                256 => DigestAlgorithm::Sha256,
                _ => DigestAlgorithm::Sha512,
            };
            let order = match made.salt_first {
                true => DigestOrder::SaltPassword,
                false => DigestOrder::PasswordSalt,
            };
            let how = SaltedDigest::new(algorithm, order, &made.salt).unwrap();
            let digest = make::digest(made, PASSWORD);
            assert!(how.matches(PASSWORD, &digest));
            let permit = service().reserve().unwrap();
            let own = wait(permit.wrap(how, digest.into())).unwrap();
            let own = judge(own.as_str()).unwrap();
            assert_eq!(own.scheme, Scheme::Wrapped(made.clone(), TODAY));
            assert_eq!(is_right(&own, PASSWORD), Some(true));
        }
        Scheme::Bcrypt { .. } => {}
    }
    Ok(())
}
