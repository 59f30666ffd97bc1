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
    accounts::Caller,
    app::App,
    clock::now,
    problem::{Problem, ProblemType, document::problems},
};

/// A session, to its owner.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionResponse {
    /// Which session.
    #[schema(value_type = Uuid)]
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// The client's `User-Agent` at sign-in, `null` if it had none.
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
#[schema(examples(json!({"sessions": [{
    "id": "3f1c9a52-0f0b-4f3c-9d47-2f6f5a3f0c11",
    "current": true,
    "user_agent": "curl/8.5.0",
    "created_at": "2026-01-31T17:00:00Z",
    "refreshed_at": "2026-01-31T17:10:00Z",
    "expires_at": "2026-02-14T17:10:00Z",
}]})))]
pub struct SessionsResponse {
    /// The latest refreshed first, 100 at most.
    #[schema(max_items = 100)]
    sessions: Vec<SessionResponse>,
}

problems!(ListProblems: TOKEN SERVICE);

/// List my sessions
#[utoipa::path(
    get,
    path = "/auth/sessions",
    operation_id = "listSessions",
    tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The live sessions of the user", body = SessionsResponse, links(
            ("endSession" = (operation_id = "endSession", parameters(("sid" = "$response.body#/sessions/0/id")))),
        )),
        ListProblems,
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

problems!(EndProblems: TOKEN SERVICE, SessionNotFound);

/// End one of my sessions
///
/// Its tokens are void, its sockets close.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{sid}",
    operation_id = "endSession",
    tag = "sessions",
    params(("sid" = Uuid, Path, description = "The session's id", example = "3f1c9a52-0f0b-4f3c-9d47-2f6f5a3f0c11")),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended"),
        EndProblems,
    )
)]
pub async fn end(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    caller: Caller,
    sid: Result<Path<Uuid>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Ok(Path(sid)) = sid else {
        return Err(Problem::new(ProblemType::SessionNotFound));
    };
    uninterrupted(&app.work.clone(), async move {
        app.accounts
            .revoke_session(token.user, SessionId(sid), &caller, now())
            .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
