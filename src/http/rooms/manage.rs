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
    parts::{RoomParam, RoomPath, limit},
    schema::RoleSchema,
};
use crate::{
    accounts::Caller,
    app::App,
    clock::now,
    http::{
        auth::uncached, bearer::Bearer, json::Json, query::Asked, uninterrupted::uninterrupted,
    },
    problem::{Problem, document::problems},
    rooms::schema::RoomNameSchema,
};

/// A room to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"title": "Tea at five"})))]
pub struct NewRoom {
    /// What people call it: 1 to 100 characters, without control characters;
    /// white space around it is left out.
    #[schema(
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,98}[^\s\x00-\x1f\x7f-\x9f])?\s*$"
    )]
    title: String,
    /// Whether it tells who is there.
    #[serde(default)]
    #[schema(default = false)]
    presence: bool,
}

/// A room, to one of its members.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "room": "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10",
    "title": "Tea at five",
    "presence": false,
    "role": "owner",
    "created_at": "2026-01-31T17:00:00Z",
})))]
pub struct RoomResponse {
    /// Its name, for ever; also in the tokens that open it.
    #[schema(value_type = RoomNameSchema)]
    room: RoomName,
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
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
#[schema(examples(json!({"rooms": [{
    "room": "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10",
    "title": "Tea at five",
    "presence": false,
    "role": "owner",
    "created_at": "2026-01-31T17:00:00Z",
}]})))]
pub struct RoomsResponse {
    /// In the order of their names.
    #[schema(max_items = 100)]
    rooms: Vec<RoomResponse>,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RoomNameSchema>, nullable = false)]
    next: Option<RoomName>,
}

/// Which of the rooms.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoomsQuery {
    /// Those after this one; `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10")]
    after: Option<RoomName>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

problems!(CreateProblems: BODY TOKEN SERVICE, InvalidTitle, TooManyRooms);

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
        (status = 201, description = "The room exists now", body = RoomResponse, headers(("Location" = String, description = "Where it is: `/rooms/` and its name")), links(
            ("getRoom" = (operation_id = "getRoom", parameters(("room" = "$response.body#/room")))),
            ("deleteRoom" = (operation_id = "deleteRoom", parameters(("room" = "$response.body#/room")))),
            ("listMembers" = (operation_id = "listMembers", parameters(("room" = "$response.body#/room")))),
            ("putMember" = (operation_id = "putMember", parameters(("room" = "$response.body#/room")))),
            ("roomToken" = (operation_id = "roomToken", parameters(("room" = "$response.body#/room")))),
            ("publish" = (operation_id = "publish", parameters(("room" = "$response.body#/room")))),
            ("history" = (operation_id = "history", parameters(("room" = "$response.body#/room")))),
            ("presence" = (operation_id = "presence", parameters(("room" = "$response.body#/room")))),
        )),
        CreateProblems,
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

problems!(ListProblems: TOKEN SERVICE, InvalidRequest);

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
        ListProblems,
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

problems!(GetProblems: TOKEN SERVICE, RoomNotFound);

/// A room
#[utoipa::path(
    get,
    path = "/rooms/{room}",
    operation_id = "getRoom",
    tag = "rooms",
    params(RoomParam),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The room", body = RoomResponse),
        GetProblems,
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

problems!(DeleteProblems: TOKEN SERVICE, NotOwner, RoomNotFound);

/// Delete a room
///
/// For its owners. Nobody is in it any more: tokens that open it are void, its
/// sockets close.
#[utoipa::path(
    delete,
    path = "/rooms/{room}",
    operation_id = "deleteRoom",
    tag = "rooms",
    params(RoomParam),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The room is gone"),
        DeleteProblems,
    )
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        app.rooms.delete(&room, token.user, &caller, now()).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
