//! The table of another application, and how its digests were made, as a file
//! says it:
//!
//! ```toml
//! table = "users"
//! key = "id"
//! username = "login"
//! digest = "password_hash"
//! salt = "salt"
//! recipe = "scheme"
//!
//! [[recipes]]
//! name = "1"
//! algorithm = "sha256"
//! order = "salt-password"
//! ```

use std::{fs, io, path::Path};

use contract::LegacyTable;
use serde::Deserialize;

use crate::accounts::passwords::{DigestAlgorithm, DigestOrder};

/// A table, and how its digests were made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The table, with its schema before a `.` if it has one.
    table: String,
    /// The primary key.
    key: String,
    /// The column of the names that people sign in with.
    username: String,
    /// The column of the digests.
    digest: String,
    /// The column of the salts, if there are any.
    salt: Option<String>,
    /// The column that names the recipe of a row; needless where there is one.
    recipe: Option<String>,
    /// The recipes.
    recipes: Vec<Recipe>,
}

/// How digests were made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What the column of recipes says of it.
    #[serde(default)]
    pub name: String,
    /// What computes the digest.
    pub algorithm: DigestAlgorithm,
    /// In which order it takes in the salt and the password.
    pub order: DigestOrder,
    /// How the digest is written.
    #[serde(default)]
    pub digest_encoding: Encoding,
    /// How the salt is written.
    #[serde(default = "Encoding::text")]
    pub salt_encoding: Encoding,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Hexadecimal digits, of either case; also what binary columns are read as.
    #[default]
    Hex,
    /// Base64 (RFC 4648, section 4), with its padding or without.
    Base64,
    /// The bytes of the text itself.
    Text,
}

impl Encoding {
    fn text() -> Self {
        Self::Text
    }
}

/// Why a description can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// The file can't be read.
    #[error("can't read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Not TOML, or not of this form.
    #[error("`{path}` is not the description of a table")]
    Form {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// No recipe at all.
    #[error("`{path}`: `[[recipes]]` has none")]
    NoRecipe {
        /// The file.
        path: String,
    },
    /// Several recipes and nothing that says which is a row's.
    #[error("`{path}`: with several recipes, `recipe` names the column that says which is a row's")]
    NoRecipeColumn {
        /// The file.
        path: String,
    },
    /// Two recipes of one name.
    #[error("`{path}`: there are two recipes `{name}`")]
    SameName {
        /// The file.
        path: String,
        /// Their name.
        name: String,
    },
}

impl Description {
    /// Reads a file.
    ///
    /// # Errors
    /// [`DescriptionError`]
    pub fn read(path: &Path) -> Result<Self, DescriptionError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| DescriptionError::Read {
            path: name.clone(),
            source,
        })?;
        let description: Self = toml::from_str(&text).map_err(|source| DescriptionError::Form {
            path: name.clone(),
            source: Box::new(source),
        })?;
        description.check(name)
    }

    fn check(self, path: String) -> Result<Self, DescriptionError> {
        if self.recipes.is_empty() {
            return Err(DescriptionError::NoRecipe { path });
        }
        if self.recipes.len() > 1 && self.recipe.is_none() {
            return Err(DescriptionError::NoRecipeColumn { path });
        }
        for (i, recipe) in self.recipes.iter().enumerate() {
            if self.recipes.iter().take(i).any(|r| r.name == recipe.name) {
                let name = recipe.name.clone();
                return Err(DescriptionError::SameName { path, name });
            }
        }
        Ok(self)
    }

    /// The table's names, for the store.
    #[must_use]
    pub fn table(&self) -> LegacyTable {
        LegacyTable {
            table: self.table.clone(),
            key: self.key.clone(),
            username: self.username.clone(),
            digest: self.digest.clone(),
            salt: self.salt.clone(),
            recipe: self.recipe.clone(),
        }
    }

    /// Whether rows have salts.
    #[must_use]
    pub fn has_salts(&self) -> bool {
        self.salt.is_some()
    }

    /// The recipe of a row whose column of recipes says so.
    #[must_use]
    pub fn recipe(&self, said: Option<&str>) -> Option<&Recipe> {
        match (&self.recipe, self.recipes.as_slice()) {
            (None, [only]) => Some(only),
            _ => self
                .recipes
                .iter()
                .find(|recipe| Some(recipe.name.as_str()) == said),
        }
    }
}
