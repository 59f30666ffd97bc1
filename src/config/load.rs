//! Sources in, a configuration out, or everything that is wrong.

use std::collections::{BTreeMap, BTreeSet};

use figment::{
    Figment, Provider,
    value::{Dict, Value},
};

use super::{
    Config, ConfigErrors, Problem, Profile, Sources,
    bounds::Bounds,
    check,
    reading::{self, Reading},
    sources::{self, Layer},
};

/// A configuration that may be used, and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is allowed here but deserves a look; one line each.
    pub warnings: Vec<String>,
    // By dotted key, for every key that has a value.
    origins: BTreeMap<String, String>,
}

impl Loaded {
    /// Where a key's value, or a section's values, came from: `default`, a
    /// file, a variable; several are separated by commas, and defaults are
    /// named only where nothing else is.
    #[must_use]
    pub fn source_of(&self, key: &str) -> String {
        origin(&self.origins, key)
    }
}

/// The origin of what nobody has set.
pub(super) const DEFAULT: &str = "default";

fn origin(origins: &BTreeMap<String, String>, key: &str) -> String {
    let chosen: BTreeSet<&str> = origins
        .iter()
        .filter(|(leaf, _)| is_within(leaf, key))
        .map(|(_, origin)| origin.as_str())
        .filter(|origin| *origin != DEFAULT)
        .collect();
    if chosen.is_empty() {
        DEFAULT.to_owned()
    } else {
        chosen.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// Whether `key` is `section` or stands in it.
pub(super) fn is_within(key: &str, section: &str) -> bool {
    key.strip_prefix(section)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Config {
    /// Loads, validates and, in production, judges the configuration.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let mut problems = Vec::new();
        let gathered = sources.gather(&mut problems);
        let figment = merge(gathered.layers);
        let (values, defaults) = match (values(&figment), values(&merge(sources::defaults()))) {
            (Ok(values), Ok(defaults)) => (values, defaults),
            (Err(error), _) | (_, Err(error)) => {
                problems.push(Problem::source("configuration", error.to_string()));
                return Err(ConfigErrors(problems));
            }
        };
        // What is wrong with a key is said once.
        let mut silent: BTreeSet<String> = problems
            .iter()
            .filter_map(|problem| match problem {
                Problem::Setting { key, .. } => Some(key.clone()),
                _ => None,
            })
            .collect();
        if !gathered.complete {
            silent.insert(check::TRUSTED_PROXIES.to_owned());
        }
        let Some(Reading {
            mut config,
            values,
            refused,
        }) = reading::read(&figment, values, &defaults, &mut problems)
        else {
            return Err(ConfigErrors(problems));
        };
        config.profile = gathered.profile;
        silent.extend(refused);
        let mut origins = BTreeMap::new();
        collect_origins(&figment, "", &values, &mut origins);
        let warnings = judge(&config, silent, &origins, &mut problems);
        if problems.is_empty() {
            Ok(Loaded {
                config,
                warnings,
                origins,
            })
        } else {
            Err(ConfigErrors(problems))
        }
    }
}

/// What is wrong with a configuration whose every value can be read; returns
/// what is not wrong, but worth a warning.
fn judge(
    config: &Config,
    silent: BTreeSet<String>,
    origins: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut bounds = Bounds::new(silent);
    config.check(&mut bounds);
    let mut doubts = check::doubtful(config);
    for (key, reason) in check::unsafe_in_production(config) {
        match config.profile {
            Profile::Production => bounds.refuse(key, reason),
            Profile::Development if key == check::TRUSTED_PROXIES => {}
            Profile::Development => doubts.push((key, format!("{reason}; production refuses it"))),
        }
    }
    problems.extend(
        bounds
            .into_refusals()
            .map(|(key, reason)| Problem::Setting {
                origin: origin(origins, &key),
                key,
                reason,
            }),
    );
    doubts
        .into_iter()
        .map(|(key, reason)| format!("{key}: {reason} (from {})", origin(origins, key)))
        .collect()
}

fn merge(layers: Vec<Layer>) -> Figment {
    layers
        .into_iter()
        .fold(Figment::new(), |figment, layer| figment.merge(layer))
}

fn values(figment: &Figment) -> Result<Dict, Box<figment::Error>> {
    Ok(figment
        .data()?
        .remove(&figment::Profile::Default)
        .unwrap_or_default())
}

fn collect_origins(
    figment: &Figment,
    section: &str,
    values: &Dict,
    origins: &mut BTreeMap<String, String>,
) {
    for (name, value) in values {
        let key = if section.is_empty() {
            name.clone()
        } else {
            format!("{section}.{name}")
        };
        match value {
            Value::Dict(_, values) => collect_origins(figment, &key, values, origins),
            _ => {
                origins.insert(key, origin_of(figment, value));
            }
        }
    }
}

pub(super) fn origin_of(figment: &Figment, value: &Value) -> String {
    // A table has no tag of its own where layers were merged into it.
    let leaf = match value {
        Value::Dict(_, values) => values
            .get("kind")
            .or_else(|| values.values().next())
            .unwrap_or(value),
        _ => value,
    };
    figment
        .get_metadata(leaf.tag())
        .map_or_else(|| DEFAULT.to_owned(), |metadata| metadata.name.to_string())
}
