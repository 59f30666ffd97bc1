//! How long an answer takes tells nothing of an account.
//!
//! No time is looked at, only which of two answers takes longer how often, of
//! many that are asked for in turns (Mann-Whitney). If nothing tells them apart
//! it is half of the pairs. Of 60 and 60 the share strays from that by 0.053
//! (one standard deviation), and an answer without its hash is faster in nearly
//! all.

use std::time::{Duration, Instant};

use contract::{Account, CreateOutcome, UserId, Username};
use service::{
    accounts::passwords::{DigestAlgorithm, DigestOrder, SaltedDigest},
    clock, wiring,
};

use super::{WRONG, disable, guess_from, login_from, slow_to_guess};
use crate::service::{PASSWORD, Service};

/// How often each is asked for.
const ROUNDS: usize = 60;
/// The first answers warm up what is on their way.
const WARM_UP: usize = 5;
/// Five standard deviations: a leak as large as a hash is far beyond it, and
/// chance doesn't get there.
const BAND: std::ops::RangeInclusive<f64> = 0.24..=0.76;

/// One account of each kind but bcrypt, whose hashes take the time of the cost that
/// another application chose; and a name that nobody has.
const NAMES: [&str; 4] = ["wrong", "unknown", "disabled", "legacy"];

async fn enrol(service: &Service) {
    for name in ["wrong", "disabled"] {
        service.register(name, PASSWORD).await;
    }
    disable(service, "disabled").await;

    // A digest of another application, covered as it is when it is taken over.
    let salt = b"salt of another application";
    let made = SaltedDigest::new(DigestAlgorithm::Sha256, DigestOrder::SaltPassword, salt);
    let digest = vec![7; DigestAlgorithm::Sha256.output_len()];
    let permit = service.passwords.reserve().unwrap();
    let account = Account {
        id: UserId::random(),
        username: Username::parse("legacy").unwrap(),
        hash: permit.wrap(made.unwrap(), digest.into()).await.unwrap(),
        created_at: clock::now(),
        disabled_at: None,
    };
    let stores = wiring::open_stores(&service.config()).await.unwrap();
    let created = stores.unwrap().credentials.create(&account).await.unwrap();
    assert_eq!(created, CreateOutcome::Created);
}

/// How long wrong passwords take for each of these names, in turns.
async fn times<const N: usize>(
    service: &Service,
    names: [&str; N],
    expected: (u16, &str),
) -> [Vec<Duration>; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..WARM_UP + ROUNDS {
        for turn in 0..N {
            // Not always in the same order: each name follows each other one.
            let which = (turn + round) % N;
            let start = Instant::now();
            let answer = login_from(service, "198.51.100.1", names[which], WRONG).await;
            let time = start.elapsed();
            answer.is_problem(expected.0, expected.1);
            if round >= WARM_UP {
                times[which].push(time);
            }
        }
    }
    times
}

/// In what share of all pairs the first is slower; a tie is half a pair.
fn slower(first: &[Duration], second: &[Duration]) -> f64 {
    let mut halves = 0_u32;
    for one in first {
        for other in second {
            halves += match one.cmp(other) {
                std::cmp::Ordering::Greater => 2,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 0,
            };
        }
    }
    let pairs = u32::try_from(first.len() * second.len()).unwrap();
    f64::from(halves) / f64::from(2 * pairs)
}

#[track_caller]
fn tell_nothing<const N: usize>(names: [&str; N], times: &[Vec<Duration>; N]) {
    for first in 0..N {
        for second in 0..first {
            let share = slower(&times[first], &times[second]);
            let (first, second) = (names[first], names[second]);
            println!("{first} is slower than {second} in {share:.3} of the pairs");
            assert!(BAND.contains(&share), "{first}, {second}: {share}");
        }
    }
}

#[tokio::test]
async fn time_does_not_tell_who_has_an_account() {
    // A hash that takes longer than all else that a login does, most of which is
    // waiting for a disk.
    let service = Service::with(&[
        ("APP__HTTP__TRUSTED_PROXIES", "127.0.0.1"),
        ("APP__LIMITS__FREE_FAILURES", "1000"),
        ("APP__PASSWORDS__MEMORY_KIB", "49152"),
    ])
    .await;
    enrol(&service).await;
    let times = times(&service, NAMES, (401, "invalid-credentials")).await;
    tell_nothing(NAMES, &times);
}

#[tokio::test]
async fn nor_does_it_while_one_has_to_wait() {
    let service = slow_to_guess().await;
    enrol(&service).await;
    for name in NAMES {
        guess_from(&service, "198.51.100.1", name).await;
    }
    let times = times(&service, NAMES, (429, "too-many-attempts")).await;
    tell_nothing(NAMES, &times);
}
