//! People whose password is known, who show that the table is understood: their
//! passwords have to give their rows' digests before anything is changed, and
//! have to let them in afterwards.

use std::collections::{BTreeMap, BTreeSet};

use contract::{CredentialStore, LegacyRow, NameError, StoreError, Username};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{description::Description, row::Readable};
use crate::accounts::passwords::{HashError, PasswordService, Verdict};

/// A line of a file of canaries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    username: String,
    password: SecretString,
}

/// People whose password is known, and what was found of each.
#[derive(Debug, Default)]
pub struct Canaries {
    people: BTreeMap<Username, Canary>,
    /// Recipes of the rows that were looked at, by their names.
    used: BTreeSet<String>,
    /// Those of a row whose password is known, and right.
    shown: BTreeSet<String>,
}

#[derive(Debug)]
struct Canary {
    password: SecretString,
    /// Whether it is right; `None` if nothing was found to compare it with.
    is_right: Option<bool>,
}

/// Why a file of canaries can't be read. It never has a part of it.
#[derive(Debug, thiserror::Error)]
pub enum CanariesError {
    /// Not `{"username": …, "password": …}`.
    #[error("line {0} is not like {{\"username\": \"ann\", \"password\": \"…\"}}")]
    Line(usize),
    /// Not a username.
    #[error("line {line}: {source}")]
    Username {
        /// Which line.
        line: usize,
        /// The cause.
        source: NameError,
    },
}

/// What is wrong with a canary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanaryFailed {
    /// Neither a row that can be read nor an account has the name.
    #[error("canary {0}: there is no row of that name which can be taken over, and no account")]
    NotFound(Username),
    /// The password is not the row's by its recipe, or not the account's.
    #[error("canary {0}: the password does not give what is stored; is the recipe right?")]
    Wrong(Username),
}

impl Canaries {
    /// Reads JSON Lines.
    ///
    /// # Errors
    /// [`CanariesError`]
    pub fn parse(lines: &str) -> Result<Self, CanariesError> {
        let mut people = BTreeMap::new();
        for (i, text) in lines.lines().enumerate() {
            let line = i + 1;
            if text.trim().is_empty() {
                continue;
            }
            // serde's own words would quote the line.
            let read: Line = serde_json::from_str(text).map_err(|_| CanariesError::Line(line))?;
            let username = Username::parse(&read.username)
                .map_err(|source| CanariesError::Username { line, source })?;
            let canary = Canary {
                password: read.password,
                is_right: None,
            };
            people.insert(username, canary);
        }
        Ok(Self {
            people,
            ..Self::default()
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Compares a row with the canary of that name, if it is one's.
    pub fn look_at(&mut self, row: &LegacyRow, description: &Description) {
        let Ok(readable) = Readable::of(row, description) else {
            return;
        };
        let recipe = description.recipe(row.recipe.as_deref());
        let recipe = recipe
            .map(|recipe| recipe.name.as_str())
            .unwrap_or_default();
        if !self.used.contains(recipe) {
            self.used.insert(recipe.to_owned());
        }
        if let Some(canary) = self.people.get_mut(&readable.username) {
            let password = canary.password.expose_secret();
            let is_right = readable.made.matches(password, &readable.digest);
            // Of two rows of one name the first is taken over.
            canary.is_right.get_or_insert(is_right);
            if is_right {
                self.shown.insert(recipe.to_owned());
            }
        }
    }

    /// Recipes of rows that were looked at which nobody shows to be right.
    pub fn unshown(&self) -> impl Iterator<Item = &str> {
        self.used.difference(&self.shown).map(String::as_str)
    }

    /// Tries those at the store who are accounts.
    ///
    /// # Errors
    /// The store's or the hash's.
    pub async fn sign_in(
        &mut self,
        credentials: &dyn CredentialStore,
        passwords: &PasswordService,
    ) -> Result<(), CanaryError> {
        for (username, canary) in &mut self.people {
            if let Some(account) = credentials.find_by_name(username).await? {
                let presented = passwords.present(canary.password.expose_secret());
                let permit = passwords.reserve()?;
                let verdict = permit.verify(presented, Some(&account.hash)).await?;
                canary.is_right = Some(matches!(verdict, Verdict::Right { .. }));
            }
        }
        Ok(())
    }

    /// What is wrong with them, as far as they were looked at.
    pub fn failures(&self) -> impl Iterator<Item = CanaryFailed> {
        self.people
            .iter()
            .filter_map(|(username, canary)| match canary.is_right {
                None => Some(CanaryFailed::NotFound(username.clone())),
                Some(false) => Some(CanaryFailed::Wrong(username.clone())),
                Some(true) => None,
            })
    }
}

/// Why canaries could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing failed, or a stored hash can't be read.
    #[error(transparent)]
    Hash(#[from] HashError),
}
