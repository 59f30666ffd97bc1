//! A kind of store or bus: its settings, and the variable that picks it.

use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::bounds::{Bounds, Refusal};

/// What is known of a kind before anything is read.
pub(super) struct Kind {
    /// `store` or `bus`.
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) settings: &'static [&'static str],
    /// Whether several processes see the same: without it there is one node.
    pub(super) shared: bool,
    /// The variable with the URL that picks it, if one does.
    pub(super) variable: Option<&'static str>,
    /// Schemes of that URL, where its scheme tells kinds apart.
    pub(super) schemes: &'static [&'static str],
    /// What such a URL looks like.
    pub(super) example: &'static str,
    /// The settings in such a URL. A reason for a refusal repeats nothing of it.
    pub(super) read_url: fn(&str) -> Result<Dict, &'static str>,
    /// What is wrong with its settings.
    pub(super) defect: fn(&Value) -> Option<figment::Error>,
}

impl Kind {
    /// A kind whose settings are `T`, for one node, which no variable picks.
    pub(super) const fn of<T: DeserializeOwned>(
        section: &'static str,
        name: &'static str,
        settings: &'static [&'static str],
    ) -> Self {
        Self {
            section,
            name,
            settings,
            shared: false,
            variable: None,
            schemes: &[],
            example: "",
            read_url: as_url,
            defect: defect::<T>,
        }
    }
}

/// The settings of the kind that was chosen.
pub(super) trait Settings {
    /// Refuses values that can't be meant.
    fn check(&self, _: &mut Bounds) {}

    /// What works, and is probably not meant.
    fn doubt(&self) -> Option<Refusal> {
        None
    }
}

/// The URL as it was given: what it says is judged with the rest, wherever it
/// came from.
pub(super) fn as_url(url: &str) -> Result<Dict, &'static str> {
    Ok(Dict::from([("url".to_owned(), url.into())]))
}

/// What keeps `T` from being read.
pub(super) fn defect<T: DeserializeOwned>(values: &Value) -> Option<figment::Error> {
    values.deserialize::<T>().err()
}
