//! What is wrong with a configuration: all of it, one problem a line.

use std::{fmt, io, path::PathBuf};

use thiserror::Error;

/// One thing that is wrong. Never has a secret's value in it.
#[derive(Debug, Error)]
pub enum Problem {
    /// A setting's value is refused.
    #[error("{key}: {reason} (from {origin})")]
    Setting {
        /// The key, as in `http.bind`.
        key: String,
        /// Where its value came from: a variable, a file or `default`.
        origin: String,
        /// Why it is refused.
        reason: String,
    },
    /// A source can't be understood as a whole.
    #[error("{origin}: {reason}")]
    Source {
        /// A variable or a file.
        origin: String,
        /// Why.
        reason: String,
    },
    /// A file can't be read.
    #[error("{origin}: can't read {}: {cause}", path.display())]
    Unreadable {
        /// Who named the file: a variable or an option of the command line.
        origin: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl Problem {
    pub(super) fn source(origin: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Source {
            origin: origin.into(),
            reason: reason.into(),
        }
    }
}

/// Everything that is wrong with a configuration; at least one problem.
#[derive(Debug)]
pub struct ConfigErrors(pub(super) Vec<Problem>);

impl ConfigErrors {
    /// The problems, in the order they were found.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            // A parser's message or a file's name may have several lines.
            for (i, line) in problem.to_string().lines().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                f.write_str(line)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
