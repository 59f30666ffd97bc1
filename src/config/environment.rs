//! Environment variables as settings: `APP__HTTP__BIND` is `http.bind`.
//!
//! Values are text, and text stays text: what becomes a number, a switch or a
//! list is decided by the key, never by what the value looks like.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use figment::{
    providers::{Format, Toml},
    value::{Dict, Num, Value},
};

use super::{
    Problem, Profile, file, flat,
    platform::{self, WithoutDisk},
    sources::Layer,
};

const PREFIX: &str = "APP__";
const PROFILE: &str = "APP_PROFILE";

/// Keys whose value is a secret.
pub(super) const SECRET_KEYS: &[&str] = &[
    "tokens.secret",
    "tokens.previous_secret",
    "second_factor.totp_key",
    "store.url",
    "bus.url",
    "traces.headers",
];

/// Keys of lists that `defaults.toml` leaves unset.
const OPTIONAL_LISTS: &[&str] = &["http.trusted_proxies"];

/// Keys of numbers that `defaults.toml` leaves unset.
const OPTIONAL_NUMBERS: &[&str] = &[
    // {% if store != "sqlite" %}Of a database.
    "store.max_connections",
    // {% endif %}{% if bus != "nats" %}Of a bus inside this process.
    "bus.history_bytes",
    // {% endif %}{% if bus != "memory" %}Of a bus on servers.
    "bus.history_replicas",
    // {% endif %}Of every bus.
    "bus.history",
];

/// A variable's value, and the variable that gave it: the name itself, or the
/// name with `_FILE`.
pub(super) struct Given {
    pub(super) value: String,
    pub(super) origin: String,
}

pub(super) struct Environment<'a> {
    variables: &'a BTreeMap<String, OsString>,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl<'a> Environment<'a> {
    pub(super) fn new(
        variables: &'a BTreeMap<String, OsString>,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self {
            variables,
            problems,
        }
    }

    /// Whether a variable of that name configures anything, or tells something
    /// about where it is used.
    pub(super) fn concerns(name: &str) -> bool {
        let plain = name.strip_suffix("_FILE").unwrap_or(name);
        name == PROFILE
            || name.starts_with(PREFIX)
            || flat::is_name(plain)
            || platform::is_name(name)
    }

    /// The profile; development if it is not set or, which is a problem, unknown.
    pub(super) fn profile(&mut self) -> Profile {
        let Some(given) = self.text(PROFILE) else {
            return Profile::default();
        };
        let known = Profile::ALL
            .iter()
            .find(|profile| profile.name() == given.value);
        known.copied().unwrap_or_else(|| {
            self.problem(PROFILE, "is not `development` or `production`");
            Profile::default()
        })
    }

    /// The platform, if it is one that keeps no disk.
    pub(super) fn without_disk(&self) -> Option<WithoutDisk> {
        platform::without_disk(|name| {
            self.variables
                .get(name)
                .is_some_and(|value| !value.is_empty())
        })
    }

    /// A variable that is set to something.
    pub(super) fn text(&mut self, name: &str) -> Option<Given> {
        let value = self.variables.get(name).filter(|value| !value.is_empty())?;
        let Some(value) = value.to_str() else {
            self.problem(name, "is not UTF-8");
            return None;
        };
        Some(Given {
            value: value.to_owned(),
            origin: name.to_owned(),
        })
    }

    /// A variable whose value is a secret, so that it may also stand in the
    /// file that `<name>_FILE` names.
    pub(super) fn secret(&mut self, name: &str) -> Option<Given> {
        let file_name = format!("{name}_FILE");
        let text = self.text(name);
        let Some(file) = self.text(&file_name) else {
            return text;
        };
        if text.is_some() {
            self.problem(name, format!("{file_name} is set too; only one may be"));
            return None;
        }
        let path = Path::new(&file.value);
        let content = match file::read(path) {
            Ok(content) => content,
            Err(cause) => {
                self.problems.push(Problem::Unreadable {
                    origin: file_name,
                    path: path.to_owned(),
                    cause,
                });
                return None;
            }
        };
        let value = content.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            self.problem(&file_name, format!("{} is empty", path.display()));
            return None;
        }
        Some(Given {
            value: value.to_owned(),
            origin: file_name,
        })
    }

    fn problem(&mut self, name: &str, reason: impl Into<String>) {
        self.problems.push(Problem::source(name, reason));
    }

    pub(super) fn refuse(&mut self, key: &str, origin: String, reason: impl Into<String>) {
        self.problems.push(Problem::Setting {
            key: key.to_owned(),
            origin,
            reason: reason.into(),
        });
    }

    /// One layer for each `APP__…` variable.
    pub(super) fn structured(&mut self, defaults: &[Layer]) -> Vec<Layer> {
        let mut names: Vec<&String> = self
            .variables
            .keys()
            .filter(|name| name.starts_with(PREFIX))
            .collect();
        // What is set for a kind counts only from the layer that names it.
        names.sort_by_key(|name| !name.ends_with("__KIND"));
        names
            .into_iter()
            .filter_map(|name| self.structured_layer(name, defaults))
            .collect()
    }

    fn structured_layer(&mut self, name: &str, defaults: &[Layer]) -> Option<Layer> {
        let plain = name.strip_suffix("_FILE").unwrap_or(name);
        if SECRET_KEYS.contains(&key(plain).as_str()) {
            if name != plain && self.text(plain).is_some() {
                // Reported once, with the plain name.
                return None;
            }
            let given = self.secret(plain)?;
            return Some(Layer::setting(
                given.origin,
                &key(plain),
                given.value.into(),
            ));
        }
        let given = self.text(name)?;
        let key = key(name);
        let spelled = key.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
        if !spelled {
            self.problem(
                name,
                "names no key; write APP__, a section, __ and a setting",
            );
            return None;
        }
        match typed(&given.value, &key, defaults) {
            Ok(value) => Some(Layer::setting(given.origin, &key, value)),
            Err(reason) => {
                self.refuse(&key, given.origin, reason);
                None
            }
        }
    }
}

/// `APP__HTTP__BIND` is `http.bind`.
fn key(name: &str) -> String {
    name.strip_prefix(PREFIX)
        .unwrap_or_default()
        .to_ascii_lowercase()
        .replace("__", ".")
}

/// A text as the type that the key's default has.
fn typed(text: &str, key: &str, defaults: &[Layer]) -> Result<Value, &'static str> {
    let default = defaults
        .iter()
        .rev()
        .find_map(|layer| find(layer.values(), key));
    match default {
        Some(Value::Num(_, Num::F64(_))) => fraction(text),
        Some(Value::Num(..)) => number(text),
        Some(Value::Bool(..)) => text
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| "expected `true` or `false`"),
        Some(Value::Array(..)) => list(text),
        None if OPTIONAL_LISTS.contains(&key) => list(text),
        None if OPTIONAL_NUMBERS.contains(&key) => number(text),
        _ => Ok(Value::from(text)),
    }
}

fn number(text: &str) -> Result<Value, &'static str> {
    text.parse::<u64>()
        .map(Value::from)
        .map_err(|_| "expected a whole number")
}

fn fraction(text: &str) -> Result<Value, &'static str> {
    text.parse::<f64>()
        .map(Value::from)
        .map_err(|_| "expected a number")
}

fn find<'a>(values: &'a Dict, key: &str) -> Option<&'a Value> {
    let (first, rest) = key
        .split_once('.')
        .map_or((key, None), |(a, b)| (a, Some(b)));
    let value = values.get(first)?;
    match rest {
        Some(rest) => value.find_ref(rest),
        None => Some(value),
    }
}

/// A list, as `a,b` or, for those who know the file, `["a", "b"]`. The empty
/// list is `[]` and nothing else: it is a decision, not what is left of one.
pub(super) fn list(text: &str) -> Result<Value, &'static str> {
    const WANTED: &str = "expected a list like `a,b`, or `[]` for an empty one";
    if text.trim_start().starts_with('[') {
        return Toml::from_str::<Dict>(&format!("list = {text}"))
            .ok()
            .and_then(|mut dict| dict.remove("list").filter(|_| dict.is_empty()))
            .ok_or(WANTED);
    }
    let entries: Vec<Value> = text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(Value::from)
        .collect();
    if entries.is_empty() {
        return Err(WANTED);
    }
    Ok(Value::from(entries))
}
