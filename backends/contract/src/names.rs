//! Names that people choose. A value of these types is valid and canonical:
//! equal names are equal bytes, in every store and on every bus.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use precis_profiles::{UsernameCaseMapped, precis_core::profile::Profile};
use serde::{Deserialize, Deserializer, Serialize};
use unicode_security::{RestrictionLevel, RestrictionLevelDetection};

/// Why a name is refused. The texts are shown to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than the bound.
    #[error("a username has 1 to {max} characters", max = Username::MAX_CHARS)]
    UsernameLength,
    /// Not a string of RFC 8265's UsernameCaseMapped profile.
    #[error(
        "a username has letters, digits and ASCII punctuation, without spaces or control characters (RFC 8265)"
    )]
    UsernameCharacters,
    /// Letters of scripts that don't belong together (UTS #39, "highly restrictive").
    #[error("a username does not mix scripts that look alike")]
    UsernameScripts,
    /// A room name outside `[A-Za-z0-9_-]{1,64}`.
    #[error("a room name has 1 to {max} of A-Z, a-z, 0-9, `_` and `-`", max = RoomName::MAX_BYTES)]
    RoomName,
}

/// A username in its canonical form: RFC 8265 UsernameCaseMapped, so `Ann`,
/// `ann` and full-width `ａｎｎ` are one name, and of one script (UTS #39
/// "highly restrictive"), so a Cyrillic `а` can't hide among Latin letters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(Arc<str>);

impl Username {
    /// Longest username, in characters of its canonical form.
    pub const MAX_CHARS: usize = 64;
    /// Longest input that is looked at, in bytes: four a character, and room
    /// for what canonicalisation takes away.
    const MAX_INPUT_BYTES: usize = 4 * Self::MAX_CHARS;

    /// Canonicalises and validates what a person typed.
    ///
    /// # Errors
    /// [`NameError`] with the rule that was broken.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        if typed.is_empty() || typed.len() > Self::MAX_INPUT_BYTES {
            return Err(NameError::UsernameLength);
        }
        let name = UsernameCaseMapped::new()
            .enforce(typed)
            .map_err(|_| NameError::UsernameCharacters)?;
        // RFC 8265 leaves U+0000-U+0020 out by class; a control character
        // that a later Unicode version lets through would forge log lines.
        if name.chars().any(char::is_control) {
            return Err(NameError::UsernameCharacters);
        }
        if name.is_empty() || name.chars().count() > Self::MAX_CHARS {
            return Err(NameError::UsernameLength);
        }
        // UTS #39 judges identifiers of programming languages, in which `@`,
        // `.` and `-` have no place; in the name of a person they do.
        let letters: String = name.chars().filter(|c| !c.is_ascii_punctuation()).collect();
        if !letters
            .as_str()
            .check_restriction_level(RestrictionLevel::HighlyRestrictive)
        {
            return Err(NameError::UsernameScripts);
        }
        Ok(Self(name.into()))
    }

    /// The canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A room's name: `[A-Za-z0-9_-]{1,64}`, so it can be part of a broker's subject,
/// a URL and a log line as it is. The service's own rooms, [`RoomName::control`]
/// and [`RoomName::presence`], have a `$` and can't be spelled by anyone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<str>);

impl RoomName {
    /// Longest room name, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Validates a room name; case matters.
    ///
    /// # Errors
    /// [`NameError::RoomName`].
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let valid = (1..=Self::MAX_BYTES).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if valid {
            Ok(Self(name.into()))
        } else {
            Err(NameError::RoomName)
        }
    }

    /// The room in which the service's nodes tell each other which sessions
    /// ended and which memberships changed.
    #[must_use]
    pub fn control() -> Self {
        Self("$control".into())
    }

    /// The room in which the service's nodes tell each other who is in this
    /// one.
    #[must_use]
    pub fn presence(&self) -> Self {
        Self(format!("$presence-{}", self.0).into())
    }

    /// Whether it is one of the service's own rooms.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.0.starts_with('$')
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! name_traits {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::parse(name)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&name).map_err(serde::de::Error::custom)
            }
        }
    };
}

name_traits!(Username);
name_traits!(RoomName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_spelling() {
        let ann = Username::parse("ann").unwrap();
        for typed in ["Ann", "ANN", "ａｎｎ"] {
            assert_eq!(Username::parse(typed), Ok(ann.clone()), "{typed}");
        }
        let composed = Username::parse("jos\u{e9}").unwrap();
        assert_eq!(Username::parse("Jose\u{301}"), Ok(composed));
    }

    #[test]
    fn names_that_mislead_are_refused() {
        for typed in [
            "",
            "a b",
            "a\0b",
            "a\nb",
            "a\u{200b}b",
            "a\u{202e}b",
            "p\u{430}ypal",
            "\u{fb01}",
        ] {
            assert!(Username::parse(typed).is_err(), "{typed:?}");
        }
        assert_eq!(
            Username::parse(&"a".repeat(65)),
            Err(NameError::UsernameLength)
        );
        assert!(Username::parse(&"a".repeat(64)).is_ok());
        for typed in [
            "ann",
            "ann.smith",
            "ann@example.com",
            "Анна",
            "李明",
            "ann_2-b",
        ] {
            assert!(Username::parse(typed).is_ok(), "{typed:?}");
        }
    }

    #[test]
    fn a_room_name_cannot_reach_into_a_subject() {
        for name in [
            "",
            "$control",
            "a.b",
            "a*",
            ">",
            "a b",
            "é",
            &"a".repeat(65),
        ] {
            assert_eq!(RoomName::parse(name), Err(NameError::RoomName), "{name:?}");
        }
        assert!(RoomName::parse("Team_1-a").is_ok());
    }
}
