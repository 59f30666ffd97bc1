//! Stored hashes: made, verified, outdated, damaged and out of bounds.

use argon2::{Algorithm, Argon2, Params, Version, password_hash::phc::PasswordHash};
use service::accounts::passwords::{
    HashError, PasswordService, PasswordSettings, UnreadableHash, Verdict,
};

use crate::{GOOD, cheap, is_right, new_hash, start, verify};

async fn unreadable(service: &PasswordService, stored: &str) -> UnreadableHash {
    match verify(service, "password", Some(stored)).await {
        Err(HashError::Unreadable(why)) => why,
        other => panic!("{stored}: {other:?}"),
    }
}

/// Made with the reference implementation: its command `argon2` (20171227),
/// `printf %s PASSWORD | argon2 SALT -id -v 13 -t T -k M -p P -l LENGTH -e`,
/// and, for the salts it can't take, its binding argon2-cffi (25.1)'s
/// `hash_secret`. The fourth is in the reference's own `test.c` too.
pub(crate) const REFERENCE: [(&str, &str); 5] = [
    (
        "correct horse battery staple",
        "$argon2id$v=19$m=49152,t=3,p=1$cm9vbWtleS1zYWx0LTAxNg$k2MyDl5ZDrDpCIafcqBUs8EGZCdSPfWn6wIzyNGcz0g",
    ),
    (
        "correct horse battery staple",
        "$argon2id$v=19$m=1024,t=2,p=4$cm9vbWtleS1zYWx0LTAxNg$w41/WU0oznW5F3WkhWMpjUDxJsG6MPHpojjoc1pEc6Jl7kmCYXnrQ6qNDE7Q2yRZVaS9mb5EkWIKZ12wfzrfmw",
    ),
    (
        "pässwörd 🐒",
        "$argon2id$v=19$m=64,t=1,p=1$OGJ5dGVzISE$NtGtHXuBOSRyQo3SRBdcig",
    ),
    (
        "password",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ),
    (
        "Grüße aus dem Süden",
        "$argon2id$v=19$m=512,t=2,p=3$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v$e0tY7Aj/H3o8PDYblqbfZgPwgZ0c1iOC9fjvjWg5vQ8",
    ),
];

#[tokio::test]
async fn hashes_of_the_reference_implementation_verify() {
    let service = start(PasswordSettings {
        threads: 1,
        ..PasswordSettings::cheap()
    });
    for (password, stored) in REFERENCE {
        assert!(is_right(&service, password, stored).await, "{stored}");
        let longer = format!("{password}.");
        assert!(!is_right(&service, &longer, stored).await, "{stored}");
        assert!(!is_right(&service, "", stored).await, "{stored}");
    }
}

#[tokio::test]
async fn hashes_are_those_of_argon2_itself() {
    for (memory_kib, iterations, parallelism) in [(8, 1, 1), (64, 1, 1), (333, 2, 3), (2048, 3, 4)]
    {
        let service = start(PasswordSettings {
            memory_kib,
            iterations,
            parallelism,
            ..PasswordSettings::cheap()
        });
        // Twice, the second time in a used arena.
        for _ in 0..2 {
            let stored = new_hash(&service, GOOD, &[]).await;
            let parsed = PasswordHash::new(stored.as_str()).unwrap();
            assert_eq!(
                parsed.params.as_str(),
                format!("m={memory_kib},t={iterations},p={parallelism}")
            );
            let params = Params::new(memory_kib, iterations, parallelism, Some(32)).unwrap();
            let mut output = [0; 32];
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(GOOD.as_bytes(), &parsed.salt.unwrap(), &mut output)
                .unwrap();
            assert_eq!(parsed.hash.unwrap().as_bytes(), output);
            assert!(is_right(&service, GOOD, stored.as_str()).await);
        }
    }
}

#[tokio::test]
async fn every_hash_has_its_own_salt_of_128_bits() {
    let service = cheap();
    let mut salts = std::collections::HashSet::new();
    for _ in 0..50 {
        let stored = new_hash(&service, GOOD, &[]).await;
        let salt = PasswordHash::new(stored.as_str()).unwrap().salt.unwrap();
        assert_eq!(salt.len(), 16);
        salts.insert(salt.to_vec());
    }
    assert_eq!(salts.len(), 50);
}

#[tokio::test]
async fn no_such_account_is_the_same_work_and_always_wrong() {
    let service = start(PasswordSettings {
        threads: 1,
        memory_kib: 256,
        ..PasswordSettings::cheap()
    });
    for (round, typed) in [GOOD, "", "\0", &"x".repeat(5000)].into_iter().enumerate() {
        assert!(matches!(
            verify(&service, typed, None).await.unwrap(),
            Verdict::Wrong
        ));
        let stats = service.stats();
        assert_eq!(stats.done, round as u64 + 1);
        assert_eq!(stats.arena_bytes, 256 * 1024);
    }
}

/// Made with argon2-cffi's `hash_secret`, as it can't be made here.
#[tokio::test]
async fn what_cannot_be_a_password_does_not_match_a_hash_of_nothing() {
    let service = cheap();
    let of_nothing = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$YdvKnHDNdnx3UXOE4OXsgVckBvuq3gpvrMbEV3UYnbY";
    for typed in ["", "\0", &"x".repeat(5000)] {
        assert!(!is_right(&service, typed, of_nothing).await);
    }
}

#[tokio::test]
async fn a_hash_that_would_be_made_in_another_way_is_outdated() {
    let service = cheap();
    let today = new_hash(&service, GOOD, &[]).await;
    let verdict = verify(&service, GOOD, Some(today.as_str())).await.unwrap();
    assert!(matches!(verdict, Verdict::Right { outdated: None }));

    let hash = |m, t, p, salt: &[u8], output: usize| {
        let mut bytes = vec![0; output];
        let params = Params::new(m, t, p, Some(output)).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into(GOOD.as_bytes(), salt, &mut bytes)
            .unwrap();
        PasswordHash {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(19),
            params: params.try_into().unwrap(),
            salt: Some(salt.try_into().unwrap()),
            hash: Some(bytes.as_slice().try_into().unwrap()),
        }
        .to_string()
    };
    let salt = b"0123456789abcdef";
    let same = hash(64, 1, 1, salt, 32);
    let verdict = verify(&service, GOOD, Some(&same)).await.unwrap();
    assert!(matches!(verdict, Verdict::Right { outdated: None }));
    for old in [
        hash(65, 1, 1, salt, 32),
        hash(32, 1, 1, salt, 32),
        hash(64, 2, 1, salt, 32),
        hash(64, 1, 2, salt, 32),
        hash(64, 1, 1, &salt[..8], 32),
        hash(64, 1, 1, salt, 16),
        hash(64, 1, 1, salt, 64),
    ] {
        let verdict = verify(&service, GOOD, Some(&old)).await.unwrap();
        let Verdict::Right {
            outdated: Some(password),
        } = verdict
        else {
            panic!("{old}: {verdict:?}");
        };
        let new = service.reserve().unwrap().hash(password).await.unwrap();
        let verdict = verify(&service, GOOD, Some(new.as_str())).await.unwrap();
        assert!(matches!(verdict, Verdict::Right { outdated: None }));
        // A wrong password does not say that the hash is old.
        let verdict = verify(&service, "wrong", Some(&old)).await.unwrap();
        assert!(matches!(verdict, Verdict::Wrong));
    }
}

const SALT: &str = "MDEyMzQ1Njc4OWFiY2RlZg";
const OUTPUT: &str = "YdvKnHDNdnx3UXOE4OXsgVckBvuq3gpvrMbEV3UYnbY";

#[tokio::test]
async fn stored_hashes_out_of_bounds_are_refused_before_any_work() {
    let service = cheap();
    for params in [
        "m=1048577,t=1,p=1",
        "m=4294967295,t=1,p=1",
        "m=4294967296,t=1,p=1",
        "m=99999999999999999999,t=1,p=1",
        "m=64,t=21,p=1",
        "m=64,t=0,p=1",
        "m=64,t=4294967295,p=1",
        "m=1024,t=1,p=17",
        "m=1024,t=1,p=0",
        "m=7,t=1,p=1",
        "m=31,t=1,p=4",
        "m=064,t=1,p=1",
        "m=-64,t=1,p=1",
        "m=64,t=1",
        "m=64,p=1",
        "t=1,p=1",
        "m=64,m=64,t=1,p=1",
        "m=64,t=1,p=1,p=1",
        "m=64,t=1,p=1,keyid=AAAA",
        "m=64,t=1,p=1,data=AAAA",
        "m=64,t=1,p=1,x=1",
    ] {
        let stored = format!("$argon2id$v=19${params}${SALT}${OUTPUT}");
        assert_eq!(
            unreadable(&service, &stored).await,
            UnreadableHash::Cost,
            "{params}"
        );
    }
    let with = |head: &str, salt: &str, output: &str| format!("{head}${salt}${output}");
    let head = "$argon2id$v=19$m=64,t=1,p=1";
    for (stored, why) in [
        (
            with("$argon2d$v=19$m=64,t=1,p=1", SALT, OUTPUT),
            UnreadableHash::Algorithm,
        ),
        (
            with("$scrypt$ln=16,r=8,p=1", SALT, OUTPUT),
            UnreadableHash::Algorithm,
        ),
        (
            with("$argon2id$v=16$m=64,t=1,p=1", SALT, OUTPUT),
            UnreadableHash::Version,
        ),
        (
            with("$argon2id$m=64,t=1,p=1", SALT, OUTPUT),
            UnreadableHash::Version,
        ),
        (format!("{head}${SALT}"), UnreadableHash::Incomplete),
        (head.to_owned(), UnreadableHash::Incomplete),
        // Twelve bytes are a PHC string, but little proof.
        (with(head, SALT, &OUTPUT[..16]), UnreadableHash::Output),
        (with(head, SALT, &"A".repeat(300)), UnreadableHash::TooLong),
        ("$".repeat(256), UnreadableHash::TooLong),
    ] {
        assert_eq!(unreadable(&service, &stored).await, why, "{stored}");
    }
    let salt_of_64_bytes = "A".repeat(86);
    let output_of_65_bytes = "A".repeat(87);
    for stored in [
        String::new(),
        "password".to_owned(),
        "$".repeat(255),
        "$argon2id$".to_owned(),
        "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
        with(head, "c2hvcnQ", OUTPUT),
        with(head, &salt_of_64_bytes, OUTPUT),
        with(head, SALT, &output_of_65_bytes),
        with(head, SALT, &format!("{OUTPUT}=")),
        with(head, "!!!!!!!!!!!!!!!!", OUTPUT),
        format!("{head}${SALT}${OUTPUT}$x"),
        format!("{head}${SALT}${OUTPUT}\0"),
        format!("x{head}${SALT}${OUTPUT}"),
    ] {
        let why = unreadable(&service, &stored).await;
        assert!(
            matches!(why, UnreadableHash::Malformed(_)),
            "{stored}: {why:?}"
        );
    }
    let stats = service.stats();
    assert_eq!((stats.done, stats.taken, stats.arena_peak_bytes), (0, 0, 0));
}

/// Every one-byte change of a stored hash is an error or a wrong password, and
/// never a panic: the permits would be lost.
#[tokio::test]
async fn damaged_hashes_are_errors_or_wrong() {
    let service = cheap();
    let stored = new_hash(&service, GOOD, &[]).await;
    let original = stored.as_str().as_bytes();
    for place in 0..original.len() {
        for byte in [b'$', b'=', b',', b'0', b'9', b'A', b'z', b' ', 0, 0x7f] {
            let mut damaged = original.to_vec();
            damaged[place] = byte;
            if damaged == original {
                continue;
            }
            let damaged = String::from_utf8(damaged).unwrap();
            match verify(&service, GOOD, Some(&damaged)).await {
                Ok(Verdict::Wrong) | Err(HashError::Unreadable(_)) => {}
                other => panic!("{damaged}: {other:?}"),
            }
        }
        let cut = &stored.as_str()[..place];
        assert!(
            matches!(
                verify(&service, GOOD, Some(cut)).await,
                Ok(Verdict::Wrong) | Err(HashError::Unreadable(_))
            ),
            "{cut}"
        );
    }
    assert_eq!(service.stats().taken, 0);
}

#[tokio::test]
async fn errors_show_nothing_of_a_stored_hash() {
    let service = cheap();
    let stored = format!("$argon2id$v=19$m=64,t=1,p=1$c2hvcnQ${OUTPUT}");
    let error = verify(&service, GOOD, Some(&stored)).await.unwrap_err();
    let mut shown = format!("{error:?}");
    let mut source: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = source {
        shown.push_str(&cause.to_string());
        source = cause.source();
    }
    assert!(
        !shown.contains("c2hv") && !shown.contains(&OUTPUT[..8]),
        "{shown}"
    );
}
