//! Register, log in, refresh, log out, change the password, who am I.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use contract::{Account, SessionId, Timestamp, UserId, Username};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{bearer::Bearer, json::Json, uninterrupted::uninterrupted};
use crate::{
    accounts::Tokens,
    app::App,
    clock::now,
    problem::{Problem, ProblemBody, ProblemType},
};

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// 1 to 64 characters; upper and lower case are one name.
    #[schema(min_length = 1, max_length = 64, example = "ann")]
    username: String,
    /// 8 to 1024 bytes, hard to guess.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024, example = "correct horse battery staple")]
    password: SecretString,
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The one that the last login or refresh gave.
    #[schema(value_type = String, format = Password)]
    refresh_token: SecretString,
}

/// A new password, and the current one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The current one.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    current_password: SecretString,
    /// The new one: 8 to 1024 bytes, hard to guess.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    new_password: SecretString,
}

/// What to sign out of.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LogoutQuery {
    /// Every session of the user, not this one alone.
    #[serde(default)]
    #[param(default = false)]
    all: bool,
}

/// Tokens (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
pub struct TokenResponse {
    /// For `Authorization: Bearer` and for the WebSocket.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// The access token's life, in seconds.
    #[schema(example = 600)]
    expires_in: u64,
    /// For the next refresh.
    refresh_token: String,
}

impl From<Tokens> for TokenResponse {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token,
        }
    }
}

/// An account, to its owner.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountResponse {
    /// Who this is, for ever; also the name of the user's own room.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// The name in its canonical form.
    #[schema(value_type = String, example = "ann")]
    username: Username,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Account> for AccountResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            username: account.username,
            created_at: account.created_at,
        }
    }
}

/// Who the bearer of an access token is.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeResponse {
    #[serde(flatten)]
    account: AccountResponse,
    /// The session that the token belongs to.
    #[schema(value_type = uuid::Uuid)]
    session: SessionId,
    /// The room that the token opens.
    room: String,
}

/// RFC 6749, section 5.1: tokens are not for caches.
pub(super) fn uncached(body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// Register
///
/// Makes an account. Sign in with it afterwards.
#[utoipa::path(
    post,
    path = "/auth/register",
    operation_id = "register",
    tag = "auth",
    request_body = Credentials,
    responses(
        (status = 201, description = "The account exists now", body = AccountResponse),
        (status = 400, description = "Not a username or password that is taken here, or no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The request took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Somebody has that name", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy; come back after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn register(
    State(app): State<Arc<App>>,
    Json(asked): Json<Credentials>,
) -> Result<Response, Problem> {
    let account = app
        .accounts
        .register(&asked.username, asked.password.expose_secret(), now())
        .await?;
    Ok((
        StatusCode::CREATED,
        uncached(axum::Json(AccountResponse::from(account))),
    )
        .into_response())
}

/// Log in
///
/// Opens a session. A wrong password, an unknown name and a disabled account
/// get the same answer after the same work.
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "login",
    tag = "auth",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in", body = TokenResponse),
        (status = 400, description = "Not the JSON that is taken here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The username or password is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The request took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy; come back after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(asked): Json<Credentials>,
) -> Result<Response, Problem> {
    let user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let tokens = app
        .accounts
        .login(
            &asked.username,
            asked.password.expose_secret(),
            user_agent,
            now(),
        )
        .await?;
    Ok(uncached(axum::Json(TokenResponse::from(tokens))))
}

/// Refresh
///
/// Gives new tokens for a refresh token. The same one sent again within
/// seconds gets the same successor; one that was already used before that ends
/// the session.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    operation_id = "refresh",
    tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "New tokens", body = TokenResponse),
        (status = 400, description = "Not the JSON that is taken here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The refresh token is not valid: sign in again", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The request took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn refresh(
    State(app): State<Arc<App>>,
    Json(asked): Json<RefreshRequest>,
) -> Result<Response, Problem> {
    let tokens = uninterrupted(&app.work.clone(), async move {
        let token = asked.refresh_token.expose_secret();
        app.accounts.refresh(token, now()).await
    })
    .await?;
    Ok(uncached(axum::Json(TokenResponse::from(tokens))))
}

/// Log out
///
/// Ends this session, or all of the user's: their refresh and access tokens
/// are void, their sockets close.
#[utoipa::path(
    post,
    path = "/auth/logout",
    operation_id = "logout",
    tag = "auth",
    params(LogoutQuery),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 400, description = "Not the query that is taken here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn logout(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    query: Result<Query<LogoutQuery>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Ok(Query(query)) = query else {
        return Err(Problem::new(ProblemType::InvalidRequest).detail("`all` is `true` or `false`"));
    };
    uninterrupted(&app.work.clone(), async move {
        let (user, session) = (token.user, token.session);
        if query.all {
            app.accounts.logout_everywhere(user, session, now()).await
        } else {
            app.accounts.logout(user, session, now()).await
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the password
///
/// Whoever else is signed in to this account is signed out.
#[utoipa::path(
    post,
    path = "/auth/password",
    operation_id = "changePassword",
    tag = "auth",
    request_body = PasswordRequest,
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The password is changed"),
        (status = 400, description = "Not a password that is taken here, or no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is not valid, or the current password is wrong: `type` says which", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The request took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy; come back after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn change_password(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    Json(asked): Json<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        let current = asked.current_password.expose_secret();
        let new = asked.new_password.expose_secret();
        app.accounts
            .change_password(token.user, token.session, current, new, now())
            .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who am I
#[utoipa::path(
    get,
    path = "/auth/me",
    operation_id = "me",
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The account of the access token", body = MeResponse),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn me(State(app): State<Arc<App>>, Bearer(token): Bearer) -> Result<Response, Problem> {
    let account = app.accounts.me(token.user).await?.into();
    let me = MeResponse {
        account,
        session: token.session,
        room: token.room.to_string(),
    };
    Ok(uncached(axum::Json(me)))
}
