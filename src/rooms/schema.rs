//! How values of the domain, which knows no JSON Schema, look in the document.

use utoipa::ToSchema;

/// A room's name; case matters. A user's own room is named by the user's id.
#[derive(Debug, ToSchema)]
#[schema(as = RoomName, value_type = String, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10")]
pub struct RoomNameSchema(pub String);
