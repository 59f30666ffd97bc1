//! The configuration in force, as TOML: `key = value  # <- source`.

use std::fmt;

use figment::value::{Dict, Value};

use super::{HIDDEN, Loaded, environment::SECRET_KEYS};

impl Loaded {
    /// Every key with its value and source. What isn't set, and secrets, stand
    /// in comments, so that what is shown is a configuration file which gives
    /// nothing away, and needs no more than the secrets.
    #[must_use]
    pub fn show(&self) -> impl fmt::Display {
        Shown(self)
    }
}

struct Shown<'a>(&'a Loaded);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# profile: {}", self.0.config.profile.name())?;
        writeln!(f, "[default]")?;
        let values = Value::serialize(&self.0.config).map_err(|_| fmt::Error)?;
        self.section(f, "", values.as_dict().ok_or(fmt::Error)?)
    }
}

impl Shown<'_> {
    fn section(&self, f: &mut fmt::Formatter<'_>, section: &str, values: &Dict) -> fmt::Result {
        for (name, value) in values {
            let key = format!("{section}{name}");
            let source = self.0.source_of(&key);
            match value {
                Value::Dict(_, values) => self.section(f, &format!("{key}."), values)?,
                Value::Empty(..) => writeln!(f, "# {key} is not set  # <- {source}")?,
                _ if SECRET_KEYS.contains(&key.as_str()) => {
                    writeln!(f, "# {key} = {HIDDEN}  # <- {source}")?;
                }
                _ => writeln!(f, "{key} = {}  # <- {source}", Toml(value))?,
            }
        }
        Ok(())
    }
}

struct Toml<'a>(&'a Value);

impl fmt::Display for Toml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Array(_, entries) => {
                f.write_str("[")?;
                for (i, entry) in entries.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    Toml(entry).fmt(f)?;
                }
                f.write_str("]")
            }
            Value::Bool(_, value) => value.fmt(f),
            value => match (value.to_u128(), value.as_str()) {
                (Some(number), _) => number.fmt(f),
                // A JSON string is a TOML basic string, but for DEL.
                (None, Some(text)) => f.write_str(
                    &serde_json::Value::from(text)
                        .to_string()
                        .replace('\u{7f}', "\\u007f"),
                ),
                (None, None) => value.to_f64().map_or(Err(fmt::Error), |fraction| {
                    // With its point, which tells it from a whole number.
                    write!(f, "{fraction:?}")
                }),
            },
        }
    }
}
