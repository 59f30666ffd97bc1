//! Who is in a room: list, add, change and remove members.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use contract::{Member, Role, UserId, Username};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    parts::{MemberParam, MemberPath, RoomParam, RoomPath, limit},
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
};

/// What a member shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"role": "reader"})))]
pub struct MemberRequest {
    /// What they shall be in the room.
    #[schema(value_type = RoleSchema)]
    role: Role,
}

/// Somebody in a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "user": "0b0b0b0b-1c5d-4f0e-8a3a-7b1f5f2c9d42",
    "username": "bob",
    "role": "reader",
})))]
pub struct MemberResponse {
    /// Who: the `from` of what they say.
    #[schema(value_type = uuid::Uuid)]
    user: UserId,
    /// Their name.
    #[schema(value_type = String)]
    username: Username,
    /// What they are there.
    #[schema(value_type = RoleSchema)]
    role: Role,
}

impl From<Member> for MemberResponse {
    fn from(member: Member) -> Self {
        Self {
            user: member.user,
            username: member.username,
            role: member.role,
        }
    }
}

/// Some of a room's members.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({"members": [{
    "user": "5e0cf1b2-a8d4-4a3f-9f0f-6f2f6c1f7a10",
    "username": "ann",
    "role": "owner",
}]})))]
pub struct MembersResponse {
    /// In the order of their names.
    #[schema(max_items = 100)]
    members: Vec<MemberResponse>,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    next: Option<Username>,
}

/// Which of the members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MembersQuery {
    /// Those after the one of this name; `next` of the page before.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256, example = "ann")]
    after: Option<Username>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

problems!(ListProblems: TOKEN SERVICE, InvalidRequest, RoomNotFound);

/// Who is in a room
#[utoipa::path(
    get,
    path = "/rooms/{room}/members",
    operation_id = "listMembers",
    tag = "rooms",
    params(RoomParam, MembersQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Members of the room", body = MembersResponse),
        ListProblems,
    )
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Asked(query): Asked<MembersQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let page = app
        .rooms
        .members(&room, token.user, query.after.as_ref(), limit)
        .await?;
    let members: Vec<MemberResponse> = page.items.into_iter().map(Into::into).collect();
    let last = members.last().filter(|_| page.more);
    let next = last.map(|last| last.username.clone());
    Ok(uncached(axum::Json(MembersResponse { members, next })))
}

problems!(PutProblems: BODY TOKEN SERVICE, NotOwner, RoomNotFound, NoSuchAccount, LastOwner, RoomFull);

/// Add or change a member
///
/// For the room's owners. A member who may do less than before does so at once,
/// on open sockets too.
#[utoipa::path(
    put,
    path = "/rooms/{room}/members/{username}",
    operation_id = "putMember",
    tag = "rooms",
    params(RoomParam, MemberParam),
    request_body = MemberRequest,
    security(("bearer" = [])),
    responses(
        (status = 200, description = "They were in the room, and are that now", body = MemberResponse),
        (status = 201, description = "They are in the room now", body = MemberResponse, links(
            ("removeMember" = (operation_id = "removeMember", parameters(("room" = "$request.path.room"), ("username" = "$response.body#/username")))),
        )),
        PutProblems,
    )
)]
pub async fn put(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    MemberPath(username): MemberPath,
    caller: Caller,
    Json(asked): Json<MemberRequest>,
) -> Result<Response, Problem> {
    let seated = uninterrupted(&app.work.clone(), async move {
        app.rooms
            .put_member(&room, token.user, &username, asked.role, &caller, now())
            .await
    })
    .await?;
    let status = if seated.added {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let body = uncached(axum::Json(MemberResponse::from(seated.member)));
    Ok((status, body).into_response())
}

problems!(RemoveProblems: TOKEN SERVICE, NotOwner, RoomNotFound, MemberNotFound, LastOwner);

/// Remove a member, or leave
///
/// Owners remove anybody, and anybody may leave; an owner only if there is
/// another one. Their tokens for the room are void, their sockets close.
#[utoipa::path(
    delete,
    path = "/rooms/{room}/members/{username}",
    operation_id = "removeMember",
    tag = "rooms",
    params(RoomParam, MemberParam),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "They are not in the room any more"),
        RemoveProblems,
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    MemberPath(username): MemberPath,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        app.rooms
            .remove_member(&room, token.user, &username, &caller, now())
            .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
