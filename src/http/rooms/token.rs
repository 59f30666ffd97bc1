//! A token for a room.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use contract::RoomName;
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::RoomPath;
use crate::{
    accounts::tokens::Grant,
    app::App,
    clock::now,
    http::{auth::uncached, bearer::Bearer},
    problem::{Problem, ProblemBody},
};

/// A token for a room.
#[derive(Serialize, ToSchema)]
pub struct RoomTokenResponse {
    /// For the WebSocket.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Its life, in seconds.
    #[schema(example = 600)]
    expires_in: u64,
    /// The room that it opens.
    #[schema(value_type = String)]
    room: RoomName,
    /// What it allows there.
    grant: Grant,
    /// Whether the room tells who is there.
    presence: bool,
}

/// A token for a room
///
/// Of the same user and session as the one that asks, for a room that the user
/// is in, or for the user's own, which is named by the user's id.
#[utoipa::path(
    post,
    path = "/rooms/{room}/token",
    operation_id = "roomToken",
    tag = "rooms",
    params(("room" = String, Path, description = "the room's name")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "A token that opens the room", body = RoomTokenResponse),
        (status = 401, description = "The access token is missing or not valid, or its session has ended", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn issue(
    State(app): State<Arc<App>>,
    Bearer(bearer): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Response, Problem> {
    let token = app.rooms.token(&bearer, &room, now()).await?;
    Ok(uncached(axum::Json(RoomTokenResponse {
        access_token: token.access_token,
        token_type: "Bearer",
        expires_in: token.expires_in,
        room: token.access.room,
        grant: token.access.grant,
        presence: token.access.presence,
    })))
}
