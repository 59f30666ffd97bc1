//! Durations as people write them: `10m`, `1.5s`, `14d`. A day has 24 hours.

use std::{fmt, time::Duration};

use jiff::{
    SignedDuration, Span, SpanRelativeTo, SpanRound, Unit,
    fmt::friendly::{SpanParser, SpanPrinter},
};
use serde::{Deserializer, Serializer, de};

/// Reads a duration; months and years have no fixed length and are refused.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    const WANTED: &str =
        "a duration is written like \"500ms\", \"10s\", \"5m\", \"12h\" or \"90d\"";
    let span = SpanParser::new().parse_span(text).map_err(|_| WANTED)?;
    let signed = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| WANTED)?;
    Duration::try_from(signed).map_err(|_| "a duration is not negative")
}

/// A duration in the largest units that fit.
pub(super) struct Friendly(pub(super) Duration);

impl fmt::Display for Friendly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = SignedDuration::try_from(self.0)
            .and_then(Span::try_from)
            .and_then(|span| {
                span.round(
                    SpanRound::new()
                        .largest(Unit::Day)
                        .smallest(Unit::Nanosecond)
                        .days_are_24_hours(),
                )
            });
        match span {
            Ok(span) => f.write_str(&SpanPrinter::new().span_to_string(&span)),
            Err(_) => write!(f, "{}s", self.0.as_secs()),
        }
    }
}

pub(super) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Friendly(*duration))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration like \"10s\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).map_err(|problem| E::custom(format_args!("{text:?}: {problem}")))
        }
    }

    deserializer.deserialize_str(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_shown() {
        for (text, millis, shown) in [
            ("0s", 0, "0s"),
            ("10m", 600_000, "10m"),
            ("1.5s", 1_500, "1s 500ms"),
            ("60s", 60_000, "1m"),
            ("14d", 14 * 86_400_000, "14d"),
            ("90d", 90 * 86_400_000, "90d"),
            ("1h 30m", 5_400_000, "1h 30m"),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis), "{text}");
            assert_eq!(Friendly(duration).to_string(), shown);
            assert_eq!(parse(shown), Ok(duration), "{shown}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "ten minutes", "-5s", "5s ago", "1 month", "10m!"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
