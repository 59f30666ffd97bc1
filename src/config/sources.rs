//! Where settings come from, the weakest first:
//!
//! 1. `defaults.toml`, compiled in;
//! 2. a configuration file, `<package>.toml` in the working folder or the one
//!    named by `--config`: first its `[default]`, then its section of the profile;
//! 3. the environment, `APP__HTTP__BIND` for `http.bind`;
//! 4. flat names that platforms set and people know, such as `PORT` (see [`super::flat`]).
//!
//! An empty variable counts as one that isn't set: platforms and compose files
//! often can't leave one out.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt, io,
    path::PathBuf,
};

use figment::{
    Metadata, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};

use super::{
    Problem, Profile, backends, environment::Environment, file, flat, platform::WithoutDisk,
};

/// What the configuration file in the working folder is called.
const FILE: &str = concat!(env!("CARGO_PKG_NAME"), ".toml");

const DEFAULTS: &str = include_str!("defaults.toml");

/// What a configuration is loaded from. Empty by default: compiled-in defaults only.
#[derive(Clone, Default)]
pub struct Sources {
    file: ConfigFile,
    variables: BTreeMap<String, OsString>,
}

#[derive(Debug, Clone, Default)]
enum ConfigFile {
    #[default]
    None,
    IfThere(PathBuf),
    Named(PathBuf),
}

impl Sources {
    /// This process's environment, and `file` or else, if it is there, the
    /// configuration file in the working folder.
    #[must_use]
    pub fn process(file: Option<PathBuf>) -> Self {
        let sources =
            std::env::vars_os().fold(Self::default(), |sources, (name, value)| {
                match name.into_string() {
                    Ok(name) => sources.variable(&name, value),
                    Err(_) => sources,
                }
            });
        Self {
            file: file.map_or(ConfigFile::IfThere(FILE.into()), ConfigFile::Named),
            ..sources
        }
    }

    /// Adds a configuration file, which must be there.
    #[must_use]
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        Self {
            file: ConfigFile::Named(path.into()),
            ..self
        }
    }

    /// Adds an environment variable; one that doesn't matter here is not kept.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        if Environment::concerns(name) {
            self.variables
                .insert(name.to_owned(), value.as_ref().to_owned());
        }
        self
    }

    /// Everything that is set.
    pub(super) fn gather(&self, problems: &mut Vec<Problem>) -> Gathered {
        let mut environment = Environment::new(&self.variables, problems);
        let profile = environment.profile();
        let without_disk = environment.without_disk();
        let mut layers = parse("default", DEFAULTS, profile).unwrap_or_else(|defects| {
            environment.problems.extend(defects);
            Vec::new()
        });
        let defaults = layers.clone();
        let file = self.file_layers(profile);
        let complete = file.is_ok();
        match file {
            Ok(file) => layers.extend(file),
            Err(defects) => environment.problems.extend(defects),
        }
        layers.extend(environment.structured(&defaults));
        layers.extend(flat::layers(&mut environment));
        for table in ["store", "bus"] {
            settle_kind(&mut layers, table);
        }
        Gathered {
            profile,
            without_disk,
            layers,
            complete,
        }
    }

    fn file_layers(&self, profile: Profile) -> Result<Vec<Layer>, Vec<Problem>> {
        let (path, origin) = match &self.file {
            ConfigFile::None => return Ok(Vec::new()),
            ConfigFile::IfThere(path) => (path, "configuration file"),
            ConfigFile::Named(path) => (path, "--config"),
        };
        match file::read(path) {
            Ok(text) => parse(&path.display().to_string(), &text, profile),
            Err(cause)
                if matches!(self.file, ConfigFile::IfThere(_))
                    && cause.kind() == io::ErrorKind::NotFound =>
            {
                Ok(Vec::new())
            }
            Err(cause) => Err(vec![Problem::Unreadable {
                origin: origin.to_owned(),
                path: path.clone(),
                cause,
            }]),
        }
    }
}

/// What the compiled-in defaults set in development.
pub(super) fn defaults() -> Vec<Layer> {
    parse("default", DEFAULTS, Profile::Development).unwrap_or_default()
}

/// Everything that is set.
pub(super) struct Gathered {
    pub(super) profile: Profile,
    /// Where this runs, if the disk goes away there.
    pub(super) without_disk: Option<WithoutDisk>,
    /// The weakest first.
    pub(super) layers: Vec<Layer>,
    /// Whether the configuration file is among them, if there is one.
    pub(super) complete: bool,
}

impl fmt::Debug for Sources {
    /// Names of variables only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("variables", &self.variables.keys())
            .finish()
    }
}

/// What one source sets. A source is one variable, or one section of a file.
#[derive(Clone)]
pub(super) struct Layer {
    origin: String,
    values: Dict,
}

impl Layer {
    pub(super) fn new(origin: impl Into<String>, values: Dict) -> Self {
        Self {
            origin: origin.into(),
            values,
        }
    }

    /// One setting, by its dotted key.
    pub(super) fn setting(origin: impl Into<String>, key: &str, value: Value) -> Self {
        let values = figment::util::nest(key, value)
            .into_dict()
            .unwrap_or_default();
        Self::new(origin, values)
    }

    pub(super) fn values(&self) -> &Dict {
        &self.values
    }

    fn kind(&self, table: &str) -> Option<&str> {
        self.values.get(table)?.as_dict()?.get("kind")?.as_str()
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<figment::Profile, Dict>> {
        Ok(Map::from([(
            figment::Profile::Default,
            self.values.clone(),
        )]))
    }
}

/// Splits a file into its `[default]` and the profile's own section.
///
/// Figment's own profiles would let a section of the compiled-in defaults win
/// over the `[default]` of a file.
fn parse(origin: &str, text: &str, profile: Profile) -> Result<Vec<Layer>, Vec<Problem>> {
    let mut sections = Toml::from_str::<Dict>(text).map_err(|error| {
        // Its `Display` quotes the line, in which a secret may stand.
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        vec![Problem::source(
            origin,
            format!("line {line}: {}", error.message()),
        )]
    })?;
    let mut layers = Vec::new();
    for section in ["default", profile.name()] {
        if let Some(Value::Dict(_, values)) = sections.get_mut(section) {
            layers.push(Layer::new(origin, std::mem::take(values)));
        }
    }
    let strays: Vec<Problem> = sections
        .iter()
        .filter(|(name, value)| {
            let is_section =
                *name == "default" || Profile::ALL.iter().any(|profile| profile.name() == *name);
            !is_section || value.as_dict().is_none()
        })
        .map(|(name, _)| {
            Problem::source(
                origin,
                format!(
                    "`{name}` is not a profile's section: settings stand under [default], \
                     [development] or [production], as in [default.http]"
                ),
            )
        })
        .collect();
    if strays.is_empty() {
        Ok(layers)
    } else {
        Err(strays)
    }
}

/// Leaves out what was set for a kind of store or bus that a later layer
/// replaces by another kind: a file's path means nothing to a server. What the
/// other kind has too stays: how many connections may stand in a file while
/// the platform says where the server is.
fn settle_kind(layers: &mut [Layer], table: &str) {
    let mut kind = None;
    let mut first = 0;
    for (i, layer) in layers.iter().enumerate() {
        if let Some(named) = layer.kind(table) {
            if kind.is_some_and(|kind| kind != named) {
                first = i;
            }
            kind = Some(named);
        }
    }
    let Some(kind) = kind.map(str::to_owned) else {
        return;
    };
    for layer in layers.iter_mut().take(first) {
        let Some(Value::Dict(_, values)) = layer.values.get_mut(table) else {
            continue;
        };
        values.remove("kind");
        values.retain(|setting, _| {
            let key = format!("{table}.{setting}");
            let known = backends::kinds_with(&key).next().is_some();
            !known || backends::kinds_with(&key).any(|other| other.name == kind)
        });
        if values.is_empty() {
            layer.values.remove(table);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let sources = Sources::default().variable("JWT_SECRET", "canary");
        let debug = format!("{sources:?}");
        assert!(debug.contains("JWT_SECRET") && !debug.contains("canary"));
    }
}
