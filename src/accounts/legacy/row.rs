//! A row becomes a digest and how it was made, or a reason why not.

use base64::{Engine, alphabet, engine};
use contract::{LegacyRow, NameError, Username};
use zeroize::Zeroizing;

use super::description::{Description, Encoding, Recipe};
use crate::accounts::passwords::SaltedDigest;

/// Base64 with its padding or without.
const BASE64: engine::GeneralPurpose = engine::GeneralPurpose::new(
    &alphabet::STANDARD,
    engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent),
);

/// What a row says, once it is understood. Without `Debug`: it has the digest.
pub struct Readable {
    /// The name, in its canonical form.
    pub username: Username,
    /// How the digest was made.
    pub made: SaltedDigest,
    /// The digest.
    pub digest: Zeroizing<Vec<u8>>,
}

/// Why a row can't be taken over. None of the texts has a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowRefused {
    /// `NULL`.
    #[error("it has no username")]
    NoUsername,
    /// Not a name that this service takes.
    #[error("{0}")]
    Username(NameError),
    /// Another account, or another row, has that name by this service's rules.
    #[error("its username is taken")]
    NameTaken,
    /// The column of recipes says something else.
    #[error("no recipe has the name that it says")]
    Recipe,
    /// Not a digest of the recipe's algorithm in its encoding.
    #[error("its digest is not one of the recipe's algorithm and encoding")]
    Digest,
    /// Not a salt in the recipe's encoding, or a very long one.
    #[error(
        "its salt is not in the recipe's encoding, or has more than {} bytes",
        SaltedDigest::MAX_SALT_BYTES
    )]
    Salt,
    /// Somebody wrote to it.
    #[error("it was changed meanwhile")]
    Changed,
}

impl Readable {
    /// Understands a row.
    ///
    /// # Errors
    /// [`RowRefused`]
    pub fn of(row: &LegacyRow, description: &Description) -> Result<Self, RowRefused> {
        let username = username(row)?;
        let recipe = description
            .recipe(row.recipe.as_deref())
            .ok_or(RowRefused::Recipe)?;
        let digest = row.digest.as_ref().ok_or(RowRefused::Digest)?;
        let salt = match (&row.salt, description.has_salts()) {
            (Some(salt), true) => salt,
            (None, true) => return Err(RowRefused::Salt),
            (_, false) => "",
        };
        let (made, digest) = recipe.read(digest.as_str(), salt)?;
        Ok(Self {
            username,
            made,
            digest,
        })
    }
}

impl Recipe {
    /// Reads a digest and its salt.
    ///
    /// # Errors
    /// [`RowRefused::Digest`] or [`RowRefused::Salt`]
    pub(super) fn read(
        &self,
        digest: &str,
        salt: &str,
    ) -> Result<(SaltedDigest, Zeroizing<Vec<u8>>), RowRefused> {
        let digest = decoded(digest, self.digest_encoding)
            .filter(|digest| digest.len() == self.algorithm.output_len())
            .ok_or(RowRefused::Digest)?;
        let made = decoded(salt, self.salt_encoding)
            .and_then(|salt| SaltedDigest::new(self.algorithm, self.order, &salt))
            .ok_or(RowRefused::Salt)?;
        Ok((made, digest))
    }
}

/// The name of a row, in its canonical form.
///
/// # Errors
/// [`RowRefused`]
pub fn username(row: &LegacyRow) -> Result<Username, RowRefused> {
    let username = row.username.as_deref().ok_or(RowRefused::NoUsername)?;
    Username::parse(username).map_err(RowRefused::Username)
}

/// The bytes that a text is of.
fn decoded(text: &str, encoding: Encoding) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = match encoding {
        Encoding::Hex => unhex(text.strip_prefix("\\x").unwrap_or(text))?,
        Encoding::Base64 => BASE64.decode(text).ok()?,
        Encoding::Text => text.as_bytes().to_vec(),
    };
    Some(Zeroizing::new(bytes))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    bytes.collect()
}
