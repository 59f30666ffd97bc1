//! A place in a room's order as clients hold it: opaque to them, short, and the
//! same on HTTP and on sockets.

use std::{fmt, str::FromStr};

use contract::{Epoch, Position};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// A [`Position`] as text: `<epoch>:<seq>`, the epoch in 16 lower-case hex
/// digits, the number in decimal. Equal places have one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ToSchema)]
#[schema(
    as = Position,
    value_type = String,
    description = "A place in a room's order. Opaque, but for one thing: after a `message` with a `seq`, the place is the last known one with its number, after the colon, replaced by that `seq`.",
    pattern = "^[0-9a-f]{16}:(0|[1-9][0-9]{0,19})$",
    example = "0123456789abcdef:42"
)]
pub struct PositionText(pub Position);

/// Not the text of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is one that this service gave, like 0123456789abcdef:42")]
pub struct PositionError;

impl fmt::Display for PositionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { epoch, seq } = self.0;
        write!(f, "{:016x}:{seq}", epoch.0)
    }
}

impl FromStr for PositionText {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, seq) = text.split_once(':').ok_or(PositionError)?;
        let position = Self(Position {
            epoch: Epoch(u64::from_str_radix(epoch, 16).map_err(|_| PositionError)?),
            seq: seq.parse().map_err(|_| PositionError)?,
        });
        // Parsers of numbers take signs, capitals and zeros in front.
        if position.to_string() == text {
            Ok(position)
        } else {
            Err(PositionError)
        }
    }
}

impl Serialize for PositionText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PositionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_comes_back_as_it_went() {
        for (epoch, seq, text) in [
            (0, 0, "0000000000000000:0"),
            (0xfeed, 42, "000000000000feed:42"),
            (u64::MAX, u64::MAX, "ffffffffffffffff:18446744073709551615"),
        ] {
            let position = PositionText(Position {
                epoch: Epoch(epoch),
                seq,
            });
            assert_eq!(position.to_string(), text);
            assert_eq!(text.parse(), Ok(position));
            let json = serde_json::to_string(&position).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(
                serde_json::from_str::<PositionText>(&json).unwrap(),
                position
            );
        }
    }

    #[test]
    fn nothing_else_is_a_position() {
        for text in [
            "",
            ":",
            "0",
            "0:0",
            "000000000000feed",
            "000000000000feed:",
            "000000000000FEED:42",
            "000000000000feed:042",
            "000000000000feed:+42",
            "000000000000feed:-1",
            "000000000000feed:42 ",
            " 000000000000feed:42",
            "000000000000feed:42:1",
            "+00000000000feed:42",
            "0000000000000feed:42",
            "000000000000feed:18446744073709551616",
            "000000000000fee\u{df}:1",
        ] {
            assert_eq!(text.parse::<PositionText>(), Err(PositionError), "{text:?}");
        }
    }
}
