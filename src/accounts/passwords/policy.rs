//! Passwords: from what a person typed to what is hashed.

use std::fmt;

use precis_profiles::{OpaqueString, precis_core::profile::Profile};
use zeroize::Zeroizing;

use super::settings::PasswordSettings;

/// A password as it is hashed: normalised by RFC 8265's OpaqueString, so that
/// every keyboard's `é` and every kind of space give the same bytes. Its
/// `Debug` hides it, and its memory is wiped when it is dropped; copies that
/// libraries make to normalise and to judge it are not.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Normalises what a person typed.
    fn parse(typed: &str, max_bytes: usize) -> Result<Self, PasswordRefused> {
        if typed.len() > longest_typed(max_bytes) {
            return Err(PasswordRefused::TooLong { max: max_bytes });
        }
        let normal = OpaqueString::new()
            .enforce(typed)
            .map_err(|_| PasswordRefused::Characters)?;
        let password = Self(Zeroizing::new(normal.into_owned()));
        if password.0.len() > max_bytes {
            return Err(PasswordRefused::TooLong { max: max_bytes });
        }
        Ok(password)
    }

    /// The bytes to hash.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What a person typed to sign in. It may be something that can't be anybody's
/// password here (too long, a control character); verifying it is the same
/// work, and it is always wrong, but for a hash that another application made.
#[derive(Default)]
pub struct Presented {
    typed: Zeroizing<String>,
    password: Option<Password>,
}

impl Presented {
    pub(super) fn new(typed: &str, settings: &PasswordSettings) -> Self {
        // No application's password is longer than what is looked at here.
        let bounded = typed.len() <= longest_typed(settings.max_bytes);
        let password = Password::parse(typed, settings.max_bytes).ok();
        let typed = if bounded { typed } else { "" };
        Self {
            typed: Zeroizing::new(typed.to_owned()),
            password,
        }
    }

    /// As it was typed; nothing if that is too long.
    pub(super) fn typed(&self) -> &str {
        &self.typed
    }

    /// What it is here; `None` if it can't be a password.
    pub(super) fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    pub(super) fn into_password(self) -> Option<Password> {
        self.password
    }
}

/// Longest text that is looked at, in bytes. Normalisation shortens text to a
/// third at most (U+3000, a space of three bytes): what is longer by more can't
/// come to be a password.
fn longest_typed(max_bytes: usize) -> usize {
    max_bytes.saturating_mul(4)
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(..)")
    }
}

/// A new password of acceptable length and characters, with what its owner and
/// this service are known by; its strength is judged when it is hashed.
pub(super) struct Candidate {
    password: Password,
    known: Vec<String>,
    min_score: u8,
}

impl Candidate {
    pub(super) fn new(
        typed: &str,
        user_inputs: &[&str],
        settings: &PasswordSettings,
    ) -> Result<Self, PasswordRefused> {
        // OpaqueString refuses an empty string for its characters.
        if typed.is_empty() {
            return Err(PasswordRefused::TooShort {
                min: settings.min_bytes,
            });
        }
        let password = Password::parse(typed, settings.max_bytes)?;
        if password.0.len() < settings.min_bytes {
            return Err(PasswordRefused::TooShort {
                min: settings.min_bytes,
            });
        }
        Ok(Self {
            password,
            known: user_inputs
                .iter()
                .map(|&input| input.to_owned())
                .chain(settings.context_words.iter().cloned())
                .collect(),
            min_score: settings.min_score,
        })
    }

    /// The password, whether or not it is strong.
    pub(super) fn password(&self) -> &Password {
        &self.password
    }

    /// Judges the strength. Milliseconds for what people choose, but up to a
    /// second of CPU for a hundred characters made to be hard to judge: never
    /// on a thread that serves sockets.
    pub(super) fn judge(&self) -> Result<(), PasswordRefused> {
        // Of `ann.smith@example.com`, `smith` is as good a guess as the whole.
        let inputs: Vec<&str> = self
            .known
            .iter()
            .flat_map(|input| {
                let parts = input
                    .split(|c: char| !c.is_alphanumeric())
                    .filter(|part| part.chars().count() >= 3 && part.len() < input.len());
                std::iter::once(input.as_str()).chain(parts)
            })
            .collect();
        // zxcvbn looks at the first 100 characters.
        let entropy = zxcvbn::zxcvbn(&self.password.0, &inputs);
        if u8::from(entropy.score()) >= self.min_score {
            return Ok(());
        }
        let feedback = entropy.feedback();
        Err(PasswordRefused::TooWeak {
            warning: feedback
                .and_then(|feedback| feedback.warning())
                .map(|warning| warning.to_string()),
            suggestions: feedback
                .map(|feedback| {
                    feedback
                        .suggestions()
                        .iter()
                        .map(ToString::to_string)
                        .collect()
                })
                .unwrap_or_default(),
        })
    }
}

/// Why a new password is refused. The texts are shown to clients; none has a
/// part of the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Less than the least length.
    #[error("a password has at least {min} bytes")]
    TooShort {
        /// The least length, in bytes.
        min: usize,
    },
    /// More than the greatest length.
    #[error("a password has at most {max} bytes")]
    TooLong {
        /// The greatest length, in bytes.
        max: usize,
    },
    /// Not a string of RFC 8265's OpaqueString profile.
    #[error(
        "a password has letters, digits, spaces, punctuation and symbols, without control or invisible characters and recent emoji (RFC 8265)"
    )]
    Characters,
    /// Easy to guess.
    #[error("the password is too easy to guess{}", reasons(.warning.as_deref(), .suggestions))]
    TooWeak {
        /// What makes it so, if one thing does.
        warning: Option<String>,
        /// What would make it better.
        suggestions: Vec<String>,
    },
}

/// `: warning suggestion suggestion`, of whole sentences, or nothing.
fn reasons(warning: Option<&str>, suggestions: &[String]) -> String {
    let sentences: Vec<&str> = warning
        .into_iter()
        .chain(suggestions.iter().map(String::as_str))
        .collect();
    if sentences.is_empty() {
        String::new()
    } else {
        format!(": {}", sentences.join(" "))
    }
}
