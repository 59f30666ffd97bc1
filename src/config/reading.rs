//! Values into a [`Config`], with every mistake on the way.

use std::collections::BTreeSet;

use figment::{
    Figment,
    error::{Actual, Error, Kind},
    value::{Dict, Value},
};

use super::{
    Config, Problem, backends,
    environment::SECRET_KEYS,
    load::{DEFAULT, Defaults, is_within, origin_of},
};

/// A configuration, as far as it could be read.
pub(super) struct Reading {
    pub(super) config: Config,
    /// The values it was made from.
    pub(super) values: Dict,
    /// Keys whose value was refused, so that they have their defaults.
    pub(super) refused: BTreeSet<String>,
}

/// Serde stops at the first mistake. To find them all, a refused value gives
/// way to its default, and the reading starts again.
pub(super) fn read(
    figment: &Figment,
    values: Dict,
    defaults: &Defaults,
    problems: &mut Vec<Problem>,
) -> Option<Reading> {
    let mut values = Values { values, defaults };
    let mut refused = BTreeSet::new();
    loop {
        let error = match Value::from(values.values.clone()).deserialize::<Config>() {
            Ok(config) => {
                return Some(Reading {
                    config,
                    values: values.values,
                    refused,
                });
            }
            Err(error) => values.located(error),
        };
        let key = values.key(&error);
        let path: Vec<&str> = key.split('.').collect();
        // What is missing comes from whoever wants it: the section's kind.
        let missing = matches!(error.kind, Kind::MissingField(_));
        let blamed = match path.as_slice() {
            [section @ .., _] if missing => section,
            path => path,
        };
        let origin = find(&values.values, blamed)
            .map_or_else(|| DEFAULT.to_owned(), |value| origin_of(figment, value));
        problems.push(Problem::Setting {
            origin,
            reason: reason(&error.kind, &key),
            key: key.clone(),
        });
        let mended = match error.kind {
            // Its default, if it has one, belongs to another kind.
            Kind::UnknownField(..) => values.put(blamed, None),
            _ => values.restore(blamed),
        };
        // A key that is refused twice would be refused for ever.
        if !mended || !refused.insert(key) {
            return None;
        }
    }
}

struct Values<'a> {
    values: Dict,
    defaults: &'a Defaults,
}

impl Values<'_> {
    /// An error with the whole path to its key.
    fn located(&self, error: Error) -> Error {
        let [section] = error.path.as_slice() else {
            return error;
        };
        let Some(Value::Dict(_, table)) = self.values.get(section) else {
            return error;
        };
        match backends::defect(section, table) {
            Some(mut defect) => {
                defect.path.insert(0, section.clone());
                defect
            }
            None => error,
        }
    }

    /// The key that an error is about.
    fn key(&self, error: &Error) -> String {
        let mut path: Vec<&str> = error.path.iter().map(String::as_str).collect();
        // An enum with a tag reads its table whole, so the path ends there.
        let within = match &error.kind {
            Kind::UnknownField(name, _) => Some(name.as_str()),
            Kind::MissingField(name) => Some(name.as_ref()),
            Kind::UnknownVariant(..) => Some("kind"),
            _ => None,
        };
        if let Some(name) = within
            && path.last() != Some(&name)
            && (path.is_empty() || matches!(find(&self.values, &path), Some(Value::Dict(..))))
        {
            path.push(name);
        }
        // What is wrong with one entry of a list is wrong with the list.
        while path.len() > 1
            && !matches!(
                find(&self.values, path.get(..path.len() - 1).unwrap_or_default()),
                Some(Value::Dict(..))
            )
        {
            path.pop();
        }
        path.join(".")
    }

    /// Puts the default in the place of the value at `path`; `kind` stands for
    /// its whole table.
    fn restore(&mut self, path: &[&str]) -> bool {
        let path = match path {
            [table @ .., "kind"] => table,
            path => path,
        };
        self.put(path, find(self.defaults, path).cloned())
    }

    fn put(&mut self, path: &[&str], value: Option<Value>) -> bool {
        let Some((name, section)) = path.split_last() else {
            return false;
        };
        let mut values = &mut self.values;
        for part in section {
            match values.get_mut(*part) {
                Some(Value::Dict(_, inner)) => values = inner,
                _ => return false,
            }
        }
        match value {
            Some(value) => values.insert((*name).to_owned(), value),
            None => values.remove(*name),
        };
        true
    }
}

fn find<'a>(values: &'a Dict, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = values.get(*first)?;
    if rest.is_empty() {
        return Some(value);
    }
    match value {
        Value::Dict(_, values) => find(values, rest),
        _ => None,
    }
}

/// An error in words that repeat no value which might be a secret.
fn reason(kind: &Kind, key: &str) -> String {
    let secret = SECRET_KEYS
        .iter()
        .any(|secret| is_within(secret, key) || is_within(key, secret));
    match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("expected {}, found {}", wanted(expected), what(found))
        }
        Kind::UnknownField(_, known) => match backends::kinds_with(key).next() {
            Some(other) => format!(
                "is for {}.kind = \"{}\"; the keys here: {}",
                other.section,
                other.name,
                known.join(", ")
            ),
            None => format!("there is no such key; the keys here: {}", known.join(", ")),
        },
        Kind::MissingField(_) => "is missing".to_owned(),
        Kind::UnknownVariant(_, known) => format!("expected {}", known.join(" or ")),
        Kind::Message(_) if secret => "is not valid".to_owned(),
        other => other.to_string(),
    }
}

/// Serde's expectation, without the names of Rust's types.
fn wanted(expected: &str) -> &str {
    match expected {
        "u8" | "u32" | "u64" | "usize" => "a whole number in range",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a string" => "text",
        _ if expected.starts_with("struct ") || expected.starts_with("internally tagged ") => {
            "a section"
        }
        _ => expected,
    }
}

fn what(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) => "a number",
        Actual::Signed(number) if *number >= 0 => "a number",
        Actual::Signed(_) => "a negative number",
        Actual::Float(_) => "a fraction",
        Actual::Char(_) | Actual::Str(_) => "text",
        Actual::Seq => "a list",
        Actual::Map => "a section",
        _ => "something else",
    }
}
