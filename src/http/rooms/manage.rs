//! Make, list, see and delete rooms.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use contract::{Membership, Role, RoomName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    parts::{Asked, RoomPath, limit},
    schema::RoleSchema,
};
use crate::{
    app::App,
    clock::now,
    http::{auth::uncached, bearer::Bearer, json::Json, uninterrupted::uninterrupted},
    problem::{Problem, ProblemBody},
};

/// A room to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// What people call it: 1 to 100 characters, without control characters;
    /// white space around it is left out.
    #[schema(min_length = 1, max_length = 100, example = "Tea at five")]
    title: String,
    /// Whether it tells who is there.
    #[serde(default)]
    #[schema(default = false)]
    presence: bool,
}

/// A room, to one of its members.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomResponse {
    /// Its name, for ever; also in the tokens that open it.
    #[schema(value_type = String, example = "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10")]
    room: RoomName,
    /// What people call it.
    #[schema(example = "Tea at five")]
    title: String,
    /// Whether it tells who is there.
    presence: bool,
    /// What the one who asks is there.
    #[schema(value_type = RoleSchema)]
    role: Role,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Membership> for RoomResponse {
    fn from(Membership { room, role }: Membership) -> Self {
        Self {
            room: room.name,
            title: room.title,
            presence: room.presence,
            role,
            created_at: room.created_at,
        }
    }
}

/// Some of the rooms that one is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomsResponse {
    /// In the order of their names.
    rooms: Vec<RoomResponse>,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    next: Option<RoomName>,
}

/// Which of the rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoomsQuery {
    /// Those after this one; `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<RoomName>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

/// Make a room
///
/// Whoever makes it owns it. Its name is made here, and can't be guessed.
#[utoipa::path(
    post,
    path = "/rooms",
    operation_id = "createRoom",
    tag = "rooms",
    request_body = NewRoom,
    security(("bearer" = [])),
    responses(
        (status = 201, description = "The room exists now", body = RoomResponse, headers(("location" = String, description = "where it is"))),
        (status = 400, description = "Not a title that is taken here, or no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The request took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The user owns as many rooms as one may", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    Json(asked): Json<NewRoom>,
) -> Result<Response, Problem> {
    let made = app
        .rooms
        .create(token.user, &asked.title, asked.presence, now())
        .await?;
    let location = [(header::LOCATION, format!("/rooms/{}", made.room.name))];
    let body = uncached(axum::Json(RoomResponse::from(made)));
    Ok((StatusCode::CREATED, location, body).into_response())
}

/// My rooms
///
/// Every room that the user is in, whatever as.
#[utoipa::path(
    get,
    path = "/rooms",
    operation_id = "listRooms",
    tag = "rooms",
    params(RoomsQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Rooms that the user is in", body = RoomsResponse),
        (status = 400, description = "Not the query that is taken here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    Asked(query): Asked<RoomsQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let page = app
        .rooms
        .list(token.user, query.after.as_ref(), limit)
        .await?;
    let rooms: Vec<RoomResponse> = page.items.into_iter().map(Into::into).collect();
    let last = rooms.last().filter(|_| page.more);
    let next = last.map(|last| last.room.clone());
    Ok(uncached(axum::Json(RoomsResponse { rooms, next })))
}

/// A room
#[utoipa::path(
    get,
    path = "/rooms/{room}",
    operation_id = "getRoom",
    tag = "rooms",
    params(("room" = String, Path, description = "the room's name")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The room", body = RoomResponse),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<Response, Problem> {
    let membership = app.rooms.get(&room, token.user).await?;
    Ok(uncached(axum::Json(RoomResponse::from(membership))))
}

/// Delete a room
///
/// For its owners. Nobody is in it any more: tokens that open it are void, its
/// sockets close.
#[utoipa::path(
    delete,
    path = "/rooms/{room}",
    operation_id = "deleteRoom",
    tag = "rooms",
    params(("room" = String, Path, description = "the room's name")),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The room is gone"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The user is no owner of the room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        app.rooms.delete(&room, token.user, now()).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
