//! bcrypt hashes of other applications. They are verified until their owners
//! sign in, and never made.

use zeroize::Zeroizing;

/// A bcrypt hash of a cost within bounds. Without `Debug`: it would show the
/// hash.
pub(super) struct Bcrypt(Zeroizing<String>);

impl Bcrypt {
    /// Least cost that bcrypt has.
    const MIN_COST: u32 = 4;
    /// Greatest cost that is verified: some 2 seconds on one thread.
    const MAX_COST: u32 = 15;

    /// Whether a text means to be one: `$2a$`, `$2b$`, `$2x$` or `$2y$`.
    pub(super) fn is_meant(text: &str) -> bool {
        text.starts_with("$2")
    }

    /// `None` if it is malformed or out of bounds. `$2x$` is: it is of an
    /// implementation that had a fault with letters beyond ASCII.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: bcrypt::HashParts = text.parse().ok()?;
        let known = ["$2a$", "$2b$", "$2y$"];
        // The library takes a sign for one.
        let is_number = text.get(4..6)?.bytes().all(|byte| byte.is_ascii_digit());
        let within = (Self::MIN_COST..=Self::MAX_COST).contains(&parts.get_cost())
            && is_number
            && known.iter().any(|version| text.starts_with(version));
        within.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Whether it is of what a person typed, of which bcrypt takes 72 bytes, as
    /// those did who made the hash. It takes the time that its cost says.
    pub(super) fn matches(&self, typed: &str) -> bool {
        bcrypt::verify(typed, &self.0).unwrap_or(false)
    }
}
