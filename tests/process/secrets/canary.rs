//! What must not show, in every spelling in which it could.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Shortest piece of a secret that is looked for.
const SHORTEST: usize = 8;

/// Everything that must not show.
#[derive(Default)]
pub struct Canaries(Vec<Canary>);

struct Canary {
    what: String,
    spellings: Vec<String>,
}

impl Canaries {
    /// Something more that must not show.
    pub fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= SHORTEST, "{what} would be found anywhere");
        self.0.push(Canary {
            what: what.to_owned(),
            spellings: spellings(secret),
        });
    }

    /// Something more, given back.
    pub fn make(&mut self, what: &str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        self.add(what, &secret);
        secret
    }

    /// A token, and the part of it that makes it one.
    pub fn token(&mut self, what: &str, token: &str) {
        self.add(what, token);
        if let Some((_, signature)) = token.rsplit_once('.') {
            self.add(&format!("the signature of {what}"), signature);
        }
    }

    /// None of it stands in a text, but for what is `excepted`, by name.
    #[track_caller]
    pub fn assert_none_in(&self, place: &str, text: &str, excepted: &[&str]) {
        for canary in &self.0 {
            if excepted.iter().any(|name| canary.what.ends_with(name)) {
                continue;
            }
            for spelling in &canary.spellings {
                let found = text.lines().find(|line| line.contains(spelling));
                assert!(
                    found.is_none(),
                    "{} stands in {place}, as {spelling}: {}",
                    canary.what,
                    found.unwrap_or(text)
                );
            }
        }
    }
}

fn spellings(secret: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let hex = |upper: bool| -> String {
        let bytes = secret.bytes();
        bytes
            .map(|b| {
                if upper {
                    format!("{b:02X}")
                } else {
                    format!("{b:02x}")
                }
            })
            .collect()
    };
    let decimal = format!("{:?}", secret.as_bytes());
    let mut spellings = vec![
        secret.to_owned(),
        secret.to_uppercase(),
        serde_json::Value::from(secret)
            .to_string()
            .trim_matches('"')
            .to_owned(),
        format!("{secret:?}").trim_matches('"').to_owned(),
        percent.replace('+', "%20"),
        percent,
        hex(false),
        hex(true),
        decimal.trim_matches(['[', ']']).to_owned(),
    ];
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        // Wherever it begins within what is encoded: without the letters that
        // what is before or behind it has a part in.
        for before in 0..3 {
            let bytes = [&vec![0; before][..], secret.as_bytes()].concat();
            let encoded = engine.encode(&bytes);
            let begin = (before * 8).div_ceil(6);
            let end = bytes.len() * 8 / 6;
            spellings.push(encoded[begin..end].to_owned());
        }
    }
    spellings.sort();
    spellings.dedup();
    spellings
}

#[test]
fn every_spelling_is_found() {
    let mut canaries = Canaries::default();
    canaries.add("the secret", "a canary's \"song\"");
    let encoded = STANDARD_NO_PAD.encode("ann:a canary's \"song\" it is");
    for spelling in [
        "x a canary's \"song\" x",
        r#"{"x":"a canary's \"song\""}"#,
        "?x=a+canary%27s+%22song%22",
        "?x=a%20canary%27s%20%22song%22",
        &encoded,
    ] {
        let found = std::panic::catch_unwind(|| canaries.assert_none_in("x", spelling, &[]));
        assert!(found.is_err(), "{spelling}");
    }
    canaries.assert_none_in("x", "a canary's song", &[]);
    canaries.assert_none_in("x", "a canary's \"song\"", &["secret"]);
}
