//! A token for a room.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use contract::RoomName;
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::{RoomParam, RoomPath};
use crate::{
    accounts::tokens::Grant,
    app::App,
    clock::now,
    http::{
        auth::{ACCESS_TOKEN, uncached},
        bearer::Bearer,
    },
    problem::{Problem, document::problems},
    rooms::schema::RoomNameSchema,
};

/// A token for a room.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "access_token": ACCESS_TOKEN,
    "token_type": "Bearer",
    "expires_in": 600,
    "room": "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10",
    "grant": "rw",
    "presence": false,
})))]
pub struct RoomTokenResponse {
    /// For the WebSocket.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Its life, in seconds.
    expires_in: u64,
    /// The room that it opens.
    #[schema(value_type = RoomNameSchema)]
    room: RoomName,
    /// What it allows there.
    grant: Grant,
    /// Whether the room tells who is there.
    presence: bool,
}

problems!(TokenProblems: TOKEN SERVICE, RoomNotFound);

/// A token for a room
///
/// Of the same user and session as the one that asks, for a room that the user
/// is in, or for the user's own, which is named by the user's id.
#[utoipa::path(
    post,
    path = "/rooms/{room}/token",
    operation_id = "roomToken",
    tag = "rooms",
    params(RoomParam),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "A token that opens the room", body = RoomTokenResponse),
        TokenProblems,
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
