//! Hashes of other applications: verified by the scheme that they say, outdated
//! from the start, and never two schemes for one hash.

use service::accounts::passwords::{
    DigestAlgorithm, DigestOrder, HashError, PasswordSettings, SaltedDigest, UnreadableHash,
    Verdict,
};
use zeroize::Zeroizing;

use crate::{GOOD, cheap, is_right, new_hash, start, verify};

/// Made with coreutils: `printf %s 's@lt!ycorrect horse battery staple' | sha256sum`, and so on.
const DIGESTS: [(DigestAlgorithm, DigestOrder, &str, &str); 4] = [
    (
        DigestAlgorithm::Sha256,
        DigestOrder::SaltPassword,
        "s@lt!y",
        "da59aa877e5d650d0c1651c0c0d228c0c0ae942445323106c74fa67f485ead17",
    ),
    (
        DigestAlgorithm::Sha256,
        DigestOrder::PasswordSalt,
        "s@lt!y",
        "715b1ceeee883695d266c2e727fe43ccbf25d0a15daf03857db241354bfca6d4",
    ),
    (
        DigestAlgorithm::Sha512,
        DigestOrder::SaltPassword,
        "s@lt!y",
        "d106bb57da6224ee9f818190801e14d6f7972035ce0ad50d2f58cdd0db7642f286a0ac73fb55bfa6ebe4b51e998541ceadbdbcb0a52fe3ae0343a3a2f55cf5bb",
    ),
    (
        DigestAlgorithm::Sha512,
        DigestOrder::PasswordSalt,
        "",
        "be5ef7679d88ab9a9045f6267e55f5e5784b4b8cd764b5cd855a5244f91c626953cd46c43d7668873fd6efbd3b221249315580031963472a078781fe046e62ae",
    ),
];

const PASSWORD: &str = "correct horse battery staple";

fn bytes(hex: &str) -> Zeroizing<Vec<u8>> {
    let digits = |i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
    Zeroizing::new((0..hex.len()).step_by(2).map(digits).collect())
}

async fn wrapped(index: usize) -> String {
    let (algorithm, order, salt, digest) = DIGESTS[index];
    let made = SaltedDigest::new(algorithm, order, salt.as_bytes()).unwrap();
    let permit = cheap().reserve().unwrap();
    let stored = permit.wrap(made, bytes(digest)).await.unwrap();
    stored.as_str().to_owned()
}

#[tokio::test]
async fn a_wrapped_digest_lets_its_owner_in_and_is_outdated() {
    let service = cheap();
    for (i, (.., digest)) in DIGESTS.iter().enumerate() {
        let stored = wrapped(i).await;
        assert!(stored.len() <= 255, "{stored}");
        assert!(!stored.contains(digest), "{stored}");
        let verdict = verify(&service, PASSWORD, Some(&stored)).await.unwrap();
        let Verdict::Right {
            outdated: Some(password),
        } = verdict
        else {
            panic!("{stored}: {verdict:?}");
        };
        let native = service.reserve().unwrap().hash(password).await.unwrap();
        assert!(native.as_str().starts_with("$argon2id$"));
        assert!(is_right(&service, PASSWORD, native.as_str()).await);
        for wrong in [
            "",
            "correct horse battery stapl",
            "s@lt!ycorrect horse battery staple",
        ] {
            assert!(
                !is_right(&service, wrong, &stored).await,
                "{wrong}: {stored}"
            );
        }
    }
}

/// Whoever has stolen the old table has digests, not passwords.
#[tokio::test]
async fn a_stolen_digest_is_not_a_password() {
    let service = cheap();
    for (i, (.., digest)) in DIGESTS.iter().enumerate() {
        let stored = wrapped(i).await;
        let raw: String = bytes(digest).iter().map(|&byte| char::from(byte)).collect();
        for stolen in [*digest, &digest.to_uppercase(), &raw] {
            assert!(!is_right(&service, stolen, &stored).await, "{stored}");
        }
        // Without the way it was made, the rest is a hash of the digest's
        // bytes, which nobody can type.
        let (_, native) = stored.split_at(stored.find("$argon2id$").unwrap());
        for stolen in [*digest, &raw, PASSWORD] {
            assert!(!is_right(&service, stolen, native).await, "{native}");
        }
    }
}

#[tokio::test]
async fn two_wrappings_of_one_digest_differ() {
    assert_ne!(wrapped(0).await, wrapped(0).await);
}

#[tokio::test]
async fn the_longest_salt_fits_beside_the_longest_cost() {
    let salt = [0xff; SaltedDigest::MAX_SALT_BYTES];
    let longer = [0xff; SaltedDigest::MAX_SALT_BYTES + 1];
    let (sha512, order) = (DigestAlgorithm::Sha512, DigestOrder::PasswordSalt);
    assert!(SaltedDigest::new(sha512, order, &longer).is_none());
    let service = start(PasswordSettings {
        memory_kib: 1024,
        iterations: 10,
        parallelism: 16,
        ..PasswordSettings::cheap()
    });
    let made = SaltedDigest::new(sha512, order, &salt).unwrap();
    let digest = Zeroizing::new(vec![7; 64]);
    let permit = service.reserve().unwrap();
    let stored = permit.wrap(made, digest).await.unwrap();
    assert!(stored.as_str().len() <= 250, "{}", stored.as_str().len());
    assert!(!is_right(&service, "x", stored.as_str()).await);
}

#[tokio::test]
async fn a_digest_of_another_length_is_refused() {
    let made = SaltedDigest::new(DigestAlgorithm::Sha256, DigestOrder::SaltPassword, b"x").unwrap();
    let permit = cheap().reserve().unwrap();
    let refused = permit.wrap(made, Zeroizing::new(vec![0; 64])).await;
    assert!(matches!(refused, Err(HashError::Digest)), "{refused:?}");
}

/// Made with Python's bcrypt and argon2-cffi; `$2y$` is PHP's name for `$2b$`. Of
/// the third password bcrypt takes 72 bytes.
const TAKEN_OVER: [(&str, &str); 4] = [
    (
        "correct horse battery staple",
        "$2a$04$82c3NtAISZDEPSZ9sqqBCug/oTlC5hpebWhwxUUkW3YNeb4hg5OtO",
    ),
    (
        "pässwörd",
        "$2b$04$Vf3lZCL1lVRtypRQh4yUPOVitXoAbF44AT9f/Jn5p2bBeTeZd1F3S",
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "$2y$04$lNanWRPHRjyPzmzDvcKTre1WFA2fVPbBZ3Ecc.xxgmYuYAkvv1QFi",
    ),
    (
        "Grüße",
        "$argon2i$v=19$m=64,t=3,p=1$ZWlnaHQgYnk$l/4seiuIUJzR+FBIgzRZmHL7PyuQm/6voAO48qN6TPA",
    ),
];

#[tokio::test]
async fn hashes_of_other_schemes_let_their_owners_in_and_are_outdated() {
    let service = cheap();
    for (password, stored) in TAKEN_OVER {
        let verdict = verify(&service, password, Some(stored)).await.unwrap();
        assert!(
            matches!(verdict, Verdict::Right { outdated: Some(_) }),
            "{stored}: {verdict:?}"
        );
        for wrong in ["", "x", stored] {
            assert!(!is_right(&service, wrong, stored).await, "{stored}");
        }
    }
}

/// What was typed is hashed as it is: the other application knew no normal form.
#[tokio::test]
async fn an_old_password_that_could_not_be_a_new_one_is_right_and_stays() {
    let service = cheap();
    let made = SaltedDigest::new(DigestAlgorithm::Sha256, DigestOrder::SaltPassword, b"x").unwrap();
    // `printf 'xtab\there' | sha256sum`
    let digest = bytes("9e4fac739975bbbf8e564e9351fd8455922f4c835981f6e6144f4db4b3a60a0c");
    let stored = cheap().reserve().unwrap().wrap(made, digest).await.unwrap();
    let verdict = verify(&service, "tab\there", Some(stored.as_str()))
        .await
        .unwrap();
    assert!(
        matches!(verdict, Verdict::Right { outdated: None }),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn what_is_damaged_is_unreadable_without_work() {
    let good = wrapped(0).await;
    let native = new_hash(&cheap(), GOOD, &[]).await;
    let (_, rest) = native.as_str().split_at("$argon2id".len());
    for damaged in [
        good.replace("alg=sha256", "alg=md5"),
        good.replace("order=salt-pw", "order=any"),
        good.replace(",salt=", ",pepper="),
        good.replace("$argon2id$", "$argon2i$"),
        good.replace("salt=", "salt=*"),
        "$legacy$".to_owned(),
        "$legacy$alg=sha256,order=salt-pw,salt=$".to_owned(),
        "$2b$12$short".to_owned(),
        "$2x$04$......................u4oW8jrlBmx0/qQ8r6r6OoQFJ4ZTbDm".to_owned(),
        "$2b$31$abcdefghijklmnopqrstuu5LZVzSXFC4H1jpXdYHK3ZfpHAfy3VN2".to_owned(),
        format!("$argon2d{rest}"),
    ] {
        match verify(&cheap(), GOOD, Some(&damaged)).await {
            Err(HashError::Unreadable(why)) => {
                let words = why.to_string();
                assert!(!words.contains(&damaged), "{words}");
                assert!(!matches!(why, UnreadableHash::TooLong), "{damaged}");
            }
            other => panic!("{damaged}: {other:?}"),
        }
    }
}
