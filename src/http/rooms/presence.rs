//! Who is in a room.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use contract::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::RoomPath;
use crate::{
    app::App,
    http::{auth::uncached, bearer::Bearer},
    problem::{Problem, ProblemBody},
};

/// Who is in a room.
#[derive(Serialize, ToSchema)]
pub struct PresenceResponse {
    /// Users with a socket in the room, by any node, in the order of their ids.
    #[schema(value_type = Vec<uuid::Uuid>)]
    users: Vec<UserId>,
}

/// See who is in a room
///
/// Whoever has a socket in it, now. Who was there by a node that died has left
/// 15 seconds later at most.
#[utoipa::path(
    get,
    path = "/rooms/{room}/presence",
    operation_id = "presence",
    tag = "rooms",
    params(("room" = String, Path, description = "the room's name")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Who is there", body = PresenceResponse),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The room does not tell who is there", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store or the bus can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Response, Problem> {
    let users = app.rooms.present(&token, &room).await?;
    Ok(uncached(axum::Json(PresenceResponse { users })))
}
