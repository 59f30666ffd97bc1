//! What a backend says when it fails. Causes are kept for the log; the service
//! never shows them to a client.

/// The cause of a backend's failure.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store can't be reached or is overloaded; the same call may succeed later.
    #[error("the store is unavailable")]
    Unavailable(#[source] BoxError),
    /// The store answered, but the operation failed (a full disk, a broken schema).
    #[error("the store failed")]
    Failed(#[source] BoxError),
    /// The store holds a value that this version can't read.
    #[error("the store holds a value of `{field}` that can't be read")]
    Corrupt {
        /// The column or field, never its value.
        field: &'static str,
        /// Why it can't be read.
        #[source]
        source: BoxError,
    },
}

/// A bus failed.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus can't be reached; nothing was published and nothing is heard.
    #[error("the bus is unavailable")]
    Unavailable(#[source] BoxError),
    /// The bus answered, but the operation failed.
    #[error("the bus failed")]
    Failed(#[source] BoxError),
}

impl BusError {
    /// Which of them it is, in a word that is no secret.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Failed(_) => "failed",
        }
    }
}
