//! A user's sessions: see where one is signed in, and end what one doesn't know.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use contract::{SessionId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{auth::uncached, bearer::Bearer, uninterrupted::uninterrupted};
use crate::{
    app::App,
    clock::now,
    problem::{Problem, ProblemBody, ProblemType},
};

/// A session, to its owner.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionResponse {
    /// Which session.
    #[schema(value_type = Uuid)]
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// The client's `User-Agent` at sign-in.
    #[schema(required = true)]
    user_agent: Option<String>,
    /// When the user signed in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last refreshed.
    #[schema(value_type = String, format = DateTime)]
    refreshed_at: Timestamp,
    /// When it ends if it is not refreshed.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsResponse {
    /// The latest refreshed first, 100 at most.
    #[schema(max_items = 100)]
    sessions: Vec<SessionResponse>,
}

/// List my sessions
#[utoipa::path(
    get,
    path = "/auth/sessions",
    operation_id = "listSessions",
    tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The live sessions of the user", body = SessionsResponse),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(app): State<Arc<App>>, Bearer(token): Bearer) -> Result<Response, Problem> {
    let sessions = app.accounts.list_sessions(token.user, now()).await?;
    let sessions = sessions
        .into_iter()
        .map(|session| SessionResponse {
            id: session.id,
            current: session.id == token.session,
            user_agent: session.user_agent,
            created_at: session.created_at,
            refreshed_at: session.rotated_at,
            expires_at: session.idle_expires_at,
        })
        .collect();
    Ok(uncached(axum::Json(SessionsResponse { sessions })))
}

/// End one of my sessions
///
/// Its tokens are void, its sockets close.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{sid}",
    operation_id = "endSession",
    tag = "sessions",
    params(("sid" = Uuid, Path, description = "the session's id")),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user has no such session", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn end(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    sid: Result<Path<Uuid>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Ok(Path(sid)) = sid else {
        return Err(Problem::new(ProblemType::SessionNotFound));
    };
    uninterrupted(&app.work.clone(), async move {
        app.accounts
            .revoke_session(token.user, SessionId(sid), now())
            .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
