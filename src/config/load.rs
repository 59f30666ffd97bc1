//! Sources in, a configuration out, or everything that is wrong.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
};

use figment::{
    Figment, Provider,
    value::{Dict, Value},
};

use super::{
    Config, ConfigErrors, Problem, Profile, Role, Sources,
    bounds::{Bounds, Refusal},
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
        origin(&self.origins, [key])
    }
}

/// What the compiled-in defaults say, parsed when something else is refused.
pub(super) type Defaults = LazyCell<Dict>;

/// The origin of what nobody has set.
pub(super) const DEFAULT: &str = "default";

fn origin<'a>(
    origins: &BTreeMap<String, String>,
    keys: impl IntoIterator<Item = &'a str>,
) -> String {
    let chosen: BTreeSet<&str> = keys
        .into_iter()
        .flat_map(|key| origins.iter().filter(move |(leaf, _)| is_within(leaf, key)))
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
        let values = match values(&figment) {
            Ok(values) => values,
            Err(error) => {
                problems.push(Problem::source("configuration", error.to_string()));
                return Err(ConfigErrors(problems));
            }
        };
        let defaults: Defaults =
            LazyCell::new(|| self::values(&merge(sources::defaults())).unwrap_or_default());
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
        if !config.runs(Role::Auth) {
            problems.retain(|problem| !is_about_the_store(problem));
        }
        silent.extend(refused);
        let mut origins = BTreeMap::new();
        collect_origins(&figment, "", &values, &mut origins);
        let doubts = check::doubtful(&config, gathered.without_disk);
        let warnings = judge(&config, doubts, silent, &origins, &mut problems);
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

/// A platform gives its database's URL to every process, so to one, too, that
/// never opens it.
fn is_about_the_store(problem: &Problem) -> bool {
    matches!(problem, Problem::Setting { key, .. } if is_within(key, "store"))
}

/// What is wrong with a configuration whose every value can be read; returns
/// what is not wrong, but worth a warning.
fn judge(
    config: &Config,
    mut doubts: Vec<Refusal>,
    silent: BTreeSet<String>,
    origins: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut bounds = Bounds::new(silent);
    config.check(&mut bounds);
    for refusal in check::unsafe_in_production(config) {
        match config.profile {
            Profile::Production => bounds.add(refusal),
            Profile::Development if refusal.key == check::TRUSTED_PROXIES => {}
            Profile::Development => doubts.push(Refusal {
                reason: format!("{}; production refuses it", refusal.reason),
                ..refusal
            }),
        }
    }
    let sourced = |refusal: Refusal| Problem::Setting {
        key: refusal.key.to_owned(),
        origin: origin(origins, refusal.others.iter().copied().chain([refusal.key])),
        reason: refusal.reason,
    };
    problems.extend(bounds.into_refusals().map(sourced));
    doubts
        .into_iter()
        .map(|doubt| sourced(doubt).to_string())
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

#[cfg(test)]
mod tests {
    use figment::providers::{Format, Toml};

    use super::*;
    use crate::config::{HIDDEN, backends, duration};

    fn leaves_of(section: &str, value: Value, leaves: &mut BTreeMap<String, Value>) {
        match value {
            Value::Dict(_, values) => {
                for (name, value) in values {
                    let dot = if section.is_empty() { "" } else { "." };
                    leaves_of(&format!("{section}{dot}{name}"), value, leaves);
                }
            }
            value => {
                leaves.insert(section.to_owned(), value);
            }
        }
    }

    /// What the defaults say, and then one configuration for each kind.
    fn kinds() -> Vec<Sources> {
        let chosen = backends::KINDS.iter().map(|kind| {
            let key = format!("APP__{}__KIND", kind.section.to_ascii_uppercase());
            let sources = Sources::default().variable(&key, kind.name);
            match kind.variable {
                Some(variable) => sources.variable(variable, kind.example),
                None => sources,
            }
        });
        std::iter::once(Sources::default()).chain(chosen).collect()
    }

    fn leaves(loaded: &Loaded) -> BTreeMap<String, Value> {
        let mut leaves = BTreeMap::new();
        leaves_of("", Value::serialize(&loaded.config).unwrap(), &mut leaves);
        leaves
    }

    #[test]
    fn the_defaults_file_has_every_key_and_explains_it() {
        let loaded = Config::load(&Sources::default()).unwrap();
        assert_eq!(loaded.warnings, [""; 0]);
        let expected = leaves(&loaded);
        let mut others = BTreeMap::new();
        for sources in kinds() {
            others.extend(leaves(&Config::load(&sources).unwrap()));
        }
        assert!(expected.len() > 40, "{expected:?}");

        // What the file says, in its order. A key that is not set by default
        // is there too, as the comment `# key = …`.
        let (mut set, mut unset) = (BTreeMap::new(), BTreeMap::new());
        let mut section = String::new();
        let mut explained = false;
        for line in include_str!("defaults.toml").lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
                explained = false;
                continue;
            }
            let entry = line.trim_start_matches("# ").split_once(" = ");
            match entry {
                Some((name, value)) if !name.contains(' ') => {
                    if let Some(section) = section.strip_prefix("default") {
                        let key = format!("{section}.{name}");
                        let key = key.trim_start_matches('.').to_owned();
                        assert!(explained, "no comment above {key}");
                        assert!(
                            !set.contains_key(&key) && !unset.contains_key(&key),
                            "{key} stands there twice"
                        );
                        let value = Toml::from_str::<Dict>(&format!("value = {value}"))
                            .unwrap()
                            .remove("value")
                            .unwrap();
                        let found = if line.starts_with('#') {
                            &mut unset
                        } else {
                            &mut set
                        };
                        found.insert(key, value);
                    }
                }
                _ => explained = !line.is_empty(),
            }
        }
        let mut keys: BTreeSet<&String> = expected.keys().collect();
        keys.extend(others.keys());
        let found: BTreeSet<&String> = set.keys().chain(unset.keys()).collect();
        assert_eq!(found, keys);
        for key in set.keys() {
            assert!(
                expected.get(key).is_some_and(|value| !is_empty(value)),
                "{key} is set for a kind that doesn't have it"
            );
        }
        for (key, value) in &unset {
            let default = expected.get(key).unwrap_or_else(|| &others[key]);
            // Where there is no default, an example stands.
            if !is_empty(default) && default.as_str() != Some(HIDDEN) {
                let same = match (value.as_str(), default.as_str()) {
                    (Some(value), Some(default)) => {
                        value == default || duration::parse(value) == duration::parse(default)
                    }
                    _ => {
                        let number = value.deserialize::<u64>().unwrap();
                        Some(u128::from(number)) == default.to_u128()
                    }
                };
                assert!(same, "{key} = {value:?} is documented, and is {default:?}");
            }
        }
    }

    fn is_empty(value: &Value) -> bool {
        matches!(value, Value::Empty(..))
    }

    /// What a variable says becomes what the key wants, for every key of every kind.
    #[test]
    fn every_default_can_be_said_by_a_variable() {
        for sources in kinds() {
            let loaded = Config::load(&sources).unwrap();
            for (key, value) in leaves(&loaded) {
                let text = match (value.as_str(), value.to_u128(), value.to_bool()) {
                    (Some(HIDDEN), ..) => continue,
                    (Some(text), ..) => text.to_owned(),
                    (_, Some(number), _) => number.to_string(),
                    (_, _, Some(switch)) => switch.to_string(),
                    // Lists, and what is not set.
                    _ => continue,
                };
                let name = format!("APP__{}", key.to_ascii_uppercase().replace('.', "__"));
                let said = Config::load(&sources.clone().variable(&name, text))
                    .unwrap_or_else(|errors| panic!("{errors}"));
                assert_eq!(
                    said.show().to_string().replace(&name, DEFAULT),
                    loaded.show().to_string().replace(&name, DEFAULT),
                    "{key}"
                );
            }
        }
    }

    /// The settings that tell kinds apart are those that the kinds have.
    #[test]
    fn the_kinds_have_their_settings() {
        let mut seen = BTreeSet::new();
        for sources in kinds() {
            let loaded = Config::load(&sources).unwrap();
            let values = Value::serialize(&loaded.config).unwrap();
            for section in ["store", "bus"] {
                let table = values.find_ref(section).unwrap().as_dict().unwrap();
                let kind = backends::KINDS
                    .iter()
                    .find(|kind| {
                        kind.section == section && Some(kind.name) == table["kind"].as_str()
                    })
                    .unwrap();
                let mut settings: Vec<&str> = kind.settings.to_vec();
                settings.push("kind");
                settings.sort_unstable();
                assert_eq!(table.keys().collect::<Vec<_>>(), settings);
                seen.insert(kind.name);
            }
        }
        assert_eq!(seen.len(), backends::KINDS.len());
    }

    #[test]
    fn a_section_comes_from_where_its_values_come_from() {
        let sources = Sources::default()
            .variable("RUST_LOG", "warn")
            .variable("APP__WS__ECHO", "false")
            .variable("APP__WS__BACKLOG_BYTES", "65536")
            .variable("HOME", "/nowhere");
        let loaded = Config::load(&sources).unwrap();
        for (key, source) in [
            ("log", "RUST_LOG"),
            ("log.filter", "RUST_LOG"),
            ("log.format", "default"),
            ("rooms", "default"),
            ("ws", "APP__WS__BACKLOG_BYTES, APP__WS__ECHO"),
            ("ws.echo", "APP__WS__ECHO"),
            ("ws.close_timeout", "default"),
        ] {
            assert_eq!(loaded.source_of(key), source, "{key}");
        }
    }

    #[test]
    fn debug_hides_the_secrets() {
        for kind in backends::KINDS {
            let sources = Sources::default().variable("JWT_SECRET", "canary");
            let url = kind.example.replace("password", "canary");
            let loaded = Config::load(&match kind.variable {
                Some(variable) => sources.variable(variable, url),
                None => sources,
            });
            assert!(!format!("{:?}", loaded.unwrap()).contains("canary"));
        }
    }
}
