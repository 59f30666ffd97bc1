//! What a password may be, and when two are the same.

use service::accounts::passwords::{
    NewPasswordError, PasswordRefused, PasswordService, PasswordSettings, SettingsError,
    StartError, Verdict,
};

use crate::{GOOD, cheap, is_right, new_hash, start, verify};

async fn refused(service: &PasswordService, typed: &str, inputs: &[&str]) -> PasswordRefused {
    match service.reserve().unwrap().hash_new(typed, inputs).await {
        Err(NewPasswordError::Refused(why)) => why,
        other => panic!("{typed:?}: {other:?}"),
    }
}

#[tokio::test]
async fn what_one_keyboard_types_another_verifies() {
    let service = cheap();
    for (chosen, typed) in [
        (
            "fjärran ö vågskvalp 9",
            "fja\u{308}rran o\u{308} va\u{30a}gskvalp 9",
        ),
        ("violet\u{a0}anvil under\u{3000}7 ferns", GOOD),
        (GOOD, "violet\u{2003}anvil under 7 ferns"),
        (
            "하늘 바다 violet anvil",
            "\u{d558}\u{b298} 바다 violet anvil",
        ),
        ("🐒 anvil 🚀 violet ☠ fern", "🐒 anvil 🚀 violet ☠ fern"),
    ] {
        let stored = new_hash(&service, chosen, &[]).await;
        assert!(is_right(&service, typed, stored.as_str()).await, "{typed}");
    }
    // Case, width and compatibility forms are different passwords.
    let stored = new_hash(&service, GOOD, &[]).await;
    for typed in [
        "Violet anvil under 7 ferns",
        "violet anvil under ７ ferns",
        "violet anvil under 7 ferns ",
    ] {
        assert!(!is_right(&service, typed, stored.as_str()).await, "{typed}");
    }
}

#[tokio::test]
async fn characters_that_cannot_be_typed_again_are_refused() {
    let service = cheap();
    for bad in [
        '\0',
        '\t',
        '\n',
        '\u{7f}',
        '\u{85}',
        '\u{200b}',
        '\u{200d}',
        '\u{ad}',
        '\u{fe0f}',
        '\u{e000}',
        '\u{fffe}',
        '\u{feff}',
        '\u{1100}',
        '\u{10ffff}',
    ] {
        let typed = format!("{GOOD}{bad}");
        assert_eq!(
            refused(&service, &typed, &[]).await,
            PasswordRefused::Characters,
            "{bad:?}"
        );
        // At login it is a wrong password like any other, after the same work.
        let before = service.stats().done;
        assert!(matches!(
            verify(&service, &typed, None).await.unwrap(),
            Verdict::Wrong
        ));
        assert_eq!(service.stats().done, before + 1);
    }
}

#[tokio::test]
async fn lengths_are_bytes_of_the_normal_form() {
    let service = start(PasswordSettings {
        min_score: 0,
        ..PasswordSettings::cheap()
    });
    let too_short = PasswordRefused::TooShort { min: 8 };
    let too_long = PasswordRefused::TooLong { max: 1024 };
    for typed in ["", "1234567", "ööö1", "e\u{301}e\u{301}e\u{301}1"] {
        assert_eq!(refused(&service, typed, &[]).await, too_short, "{typed}");
    }
    let longest_from_3_kib = "\u{3000}".repeat(1024);
    for typed in ["12345678", "öööö", &"x".repeat(1024), &longest_from_3_kib] {
        let stored = new_hash(&service, typed, &[]).await;
        assert!(is_right(&service, typed, stored.as_str()).await);
    }
    for typed in [
        &"x".repeat(1025),
        &"ö".repeat(513),
        &"\u{3000}".repeat(1025),
        // U+0958 is twice as long in its normal form.
        &"\u{958}".repeat(171),
        &"x".repeat(1_000_000),
    ] {
        assert_eq!(refused(&service, typed, &[]).await, too_long);
        assert!(matches!(
            verify(&service, typed, None).await.unwrap(),
            Verdict::Wrong
        ));
    }
}

/// A score of 3 takes more than 10^8 guesses, and whatever has fewer than 8
/// characters is found in 10^7, however rare they are.
#[tokio::test]
async fn eight_bytes_are_not_eight_characters() {
    let service = cheap();
    for typed in [
        "öäüß",
        "龘靐齉爩",
        "Ж7ß漢é€ж",
        "龘靐齉爩鱻麤灪",
        "🐒☠🚀🐢🎻🐙🌵",
        "xQ7vßLm",
    ] {
        assert!(typed.len() >= 8 && typed.chars().count() < 8, "{typed}");
        let why = refused(&service, typed, &[]).await;
        assert!(
            matches!(why, PasswordRefused::TooWeak { .. }),
            "{typed}: {why:?}"
        );
    }
}

#[tokio::test]
async fn weak_passwords_are_refused_with_a_reason() {
    let service = cheap();
    for typed in [
        "password1",
        "P@$$w0rd!",
        "qwertyuiop",
        "aaaaaaaaaaaaaaaa",
        "abcdefgh12345678",
        "14/07/1989",
        "liverpool1",
    ] {
        let why = refused(&service, typed, &[]).await;
        let PasswordRefused::TooWeak { suggestions, .. } = &why else {
            panic!("{typed}: {why:?}");
        };
        assert!(!suggestions.is_empty(), "{typed}");
        let text = why.to_string();
        assert!(
            text.starts_with("the password is too easy to guess: "),
            "{text}"
        );
        assert!(!text.contains(typed), "{text}");
    }
    assert_eq!(
        refused(&service, "password", &[]).await.to_string(),
        "the password is too easy to guess: This is a top-10 common password. \
         Add another word or two. Uncommon words are better."
    );
    for typed in [
        GOOD,
        "tr0ub4dor&3 quagga",
        "9fk2-xQ7v-Lm4t",
        "zwölf Boxkämpfer jagen",
    ] {
        new_hash(&service, typed, &[]).await;
    }
}

#[tokio::test]
async fn only_the_first_100_characters_count_as_strength() {
    let service = cheap();
    let hidden = format!("{}{GOOD}", "a".repeat(100));
    assert!(matches!(
        refused(&service, &hidden, &[]).await,
        PasswordRefused::TooWeak { .. }
    ));
    new_hash(&service, &format!("{GOOD}{}", "a".repeat(100)), &[]).await;
}

#[tokio::test]
async fn a_password_made_of_the_owner_s_name_is_weak() {
    let service = cheap();
    let address = "brixolune.vantaquor@somewhere.example";
    for typed in [
        address,
        "Vantaquor",
        "brixolune7",
        "enuloxirb",
        "br1x0lun3",
        "VantaquorVantaquor",
    ] {
        // Nothing but who chooses it makes it weak.
        new_hash(&service, typed, &["bob"]).await;
        let why = refused(&service, typed, &["Acme", address]).await;
        assert!(
            matches!(why, PasswordRefused::TooWeak { .. }),
            "{typed}: {why:?}"
        );
    }
    new_hash(&service, GOOD, &["Acme", address]).await;
}

#[tokio::test]
async fn a_password_made_of_the_services_own_words_is_weak() {
    let service = start(PasswordSettings {
        context_words: vec!["Vantaquor".into(), "brixolune sarl".into()],
        ..PasswordSettings::cheap()
    });
    for typed in [
        "Vantaquor",
        "vantaquor2026",
        "rouqatnav",
        "brixolune1",
        "br1x0lun3",
    ] {
        let why = refused(&service, typed, &["bob"]).await;
        assert!(
            matches!(why, PasswordRefused::TooWeak { .. }),
            "{typed}: {why:?}"
        );
    }
    new_hash(&service, GOOD, &["bob"]).await;
}

#[tokio::test]
async fn a_password_never_shows() {
    let service = cheap();
    let presented = service.present(GOOD);
    assert_eq!(format!("{presented:?}"), "Presented(..)");
    let stored = new_hash(&service, GOOD, &[]).await;
    let other = start(PasswordSettings {
        memory_kib: 128,
        ..PasswordSettings::cheap()
    });
    let verdict = verify(&other, GOOD, Some(stored.as_str())).await.unwrap();
    let shown = format!("{verdict:?} {service:?}");
    assert!(
        shown.contains("Password(..)") && !shown.contains("violet"),
        "{shown}"
    );
}

#[tokio::test]
async fn settings_out_of_bounds_do_not_start() {
    let cheap = PasswordSettings::cheap;
    for (settings, why) in [
        (
            PasswordSettings {
                memory_kib: 7,
                ..cheap()
            },
            SettingsError::Cost,
        ),
        (
            PasswordSettings {
                memory_kib: 1024 * 1024 + 1,
                ..cheap()
            },
            SettingsError::Cost,
        ),
        (
            PasswordSettings {
                iterations: 0,
                ..cheap()
            },
            SettingsError::Cost,
        ),
        (
            PasswordSettings {
                iterations: 21,
                ..cheap()
            },
            SettingsError::Cost,
        ),
        (
            PasswordSettings {
                parallelism: 0,
                ..cheap()
            },
            SettingsError::Cost,
        ),
        (
            PasswordSettings {
                parallelism: 9,
                ..cheap()
            },
            SettingsError::Cost,
        ),
        (
            PasswordSettings {
                parallelism: u32::MAX,
                ..cheap()
            },
            SettingsError::Cost,
        ),
        (
            PasswordSettings {
                min_bytes: 0,
                ..cheap()
            },
            SettingsError::Lengths,
        ),
        (
            PasswordSettings {
                min_bytes: 1025,
                ..cheap()
            },
            SettingsError::Lengths,
        ),
        (
            PasswordSettings {
                max_bytes: usize::MAX,
                ..cheap()
            },
            SettingsError::TooLong,
        ),
        (
            PasswordSettings {
                min_score: 5,
                ..cheap()
            },
            SettingsError::Score,
        ),
        (
            PasswordSettings {
                threads: 1025,
                ..cheap()
            },
            SettingsError::Threads,
        ),
    ] {
        match PasswordService::start(settings.clone()) {
            Err(StartError::Settings(found)) => assert_eq!(found, why, "{settings:?}"),
            other => panic!("{settings:?}: {other:?}"),
        }
    }
}

#[test]
fn the_recommended_settings_are_those_of_the_documentation() {
    let settings = PasswordSettings::recommended();
    let cost = (
        settings.memory_kib,
        settings.iterations,
        settings.parallelism,
    );
    assert_eq!(cost, (49_152, 3, 1));
    assert_eq!(
        (settings.min_bytes, settings.max_bytes, settings.min_score),
        (8, 1024, 3)
    );
}
