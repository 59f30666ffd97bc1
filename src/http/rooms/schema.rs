//! How values of the domain, which knows no OpenAPI, look in the document.

use utoipa::ToSchema;

/// What somebody is in a room.
#[derive(Debug, ToSchema)]
#[schema(as = Role, rename_all = "lowercase")]
pub enum RoleSchema {
    /// Hears, speaks, and decides who is in the room.
    Owner,
    /// Hears and speaks.
    Member,
    /// Hears.
    Reader,
}

/// What a token allows in its room.
#[derive(Debug, ToSchema)]
#[schema(as = Grant)]
pub enum GrantSchema {
    /// Hear.
    #[schema(rename = "r")]
    Read,
    /// Hear and speak.
    #[schema(rename = "rw")]
    ReadWrite,
}

/// How `data` stands for bytes.
#[derive(Debug, ToSchema)]
#[schema(as = Encoding, rename_all = "lowercase")]
pub enum EncodingSchema {
    /// RFC 4648, section 4: the standard alphabet, padded.
    Base64,
}
