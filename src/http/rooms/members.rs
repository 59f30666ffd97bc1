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
    parts::{Asked, MemberPath, RoomPath, limit},
    schema::RoleSchema,
};
use crate::{
    app::App,
    clock::now,
    http::{auth::uncached, bearer::Bearer, json::Json, uninterrupted::uninterrupted},
    problem::{Problem, ProblemBody},
};

/// What a member shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRequest {
    /// What they shall be in the room.
    #[schema(value_type = RoleSchema)]
    role: Role,
}

/// Somebody in a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberResponse {
    /// Who: the `from` of what they say.
    #[schema(value_type = uuid::Uuid)]
    user: UserId,
    /// Their name.
    #[schema(value_type = String, example = "ann")]
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
pub struct MembersResponse {
    /// In the order of their names.
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
    #[param(value_type = Option<String>)]
    after: Option<Username>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

/// Who is in a room
#[utoipa::path(
    get,
    path = "/rooms/{room}/members",
    operation_id = "listMembers",
    tag = "rooms",
    params(("room" = String, Path, description = "the room's name"), MembersQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Members of the room", body = MembersResponse),
        (status = 400, description = "Not the query that is taken here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
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

/// Add or change a member
///
/// For the room's owners. A member who may do less than before does so at once,
/// on open sockets too.
#[utoipa::path(
    put,
    path = "/rooms/{room}/members/{username}",
    operation_id = "putMember",
    tag = "rooms",
    params(
        ("room" = String, Path, description = "the room's name"),
        ("username" = String, Path, description = "the member's name"),
    ),
    request_body = MemberRequest,
    security(("bearer" = [])),
    responses(
        (status = 200, description = "They were in the room, and are that now", body = MemberResponse),
        (status = 201, description = "They are in the room now", body = MemberResponse),
        (status = 400, description = "Not a role, or no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The user is no owner of the room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room, or nobody has that name: `type` says which", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The request took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The room would have no owner, or has as many members as it may: `type` says which", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn put(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    MemberPath(username): MemberPath,
    Json(asked): Json<MemberRequest>,
) -> Result<Response, Problem> {
    let seated = uninterrupted(&app.work.clone(), async move {
        app.rooms
            .put_member(&room, token.user, &username, asked.role, now())
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

/// Remove a member, or leave
///
/// Owners remove anybody, and anybody may leave; an owner only if there is
/// another one. Their tokens for the room are void, their sockets close.
#[utoipa::path(
    delete,
    path = "/rooms/{room}/members/{username}",
    operation_id = "removeMember",
    tag = "rooms",
    params(
        ("room" = String, Path, description = "the room's name"),
        ("username" = String, Path, description = "the member's name"),
    ),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "They are not in the room any more"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The user is no owner of the room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room, or nobody of that name is: `type` says which", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The room would have no owner", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    MemberPath(username): MemberPath,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        app.rooms
            .remove_member(&room, token.user, &username, now())
            .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
