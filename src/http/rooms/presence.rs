//! Who is in a room.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use contract::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::{RoomParam, RoomPath};
use crate::{
    app::App,
    http::{auth::uncached, bearer::Bearer},
    problem::{Problem, document::problems},
};

/// Who is in a room.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({"users": []})))]
pub struct PresenceResponse {
    /// Users with a socket in the room, by any node, in the order of their ids.
    #[schema(value_type = Vec<uuid::Uuid>)]
    users: Vec<UserId>,
}

problems!(PresenceProblems: TOKEN SERVICE, RoomNotFound, PresenceOff);

/// See who is in a room
///
/// Whoever has a socket in it, now. Who was there by a node that died has left
/// 15 seconds later at most.
#[utoipa::path(
    get,
    path = "/rooms/{room}/presence",
    operation_id = "presence",
    tag = "rooms",
    params(RoomParam),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Who is there", body = PresenceResponse),
        PresenceProblems,
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
