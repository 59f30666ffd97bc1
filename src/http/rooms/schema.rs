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
