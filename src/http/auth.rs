//! Register, log in, refresh, log out, change the password, who am I.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use contract::{Account, RoomName, SessionId, Timestamp, UserId, Username};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    admitted::{Admitted, Login, Refresh, Register},
    bearer::Bearer,
    json::Json,
    query::Asked,
    uninterrupted::uninterrupted,
};
use crate::{
    accounts::{Caller, Tokens, current_password::SignedIn, login::Presented},
    app::App,
    clock::now,
    problem::{Problem, ProblemType, document::problems},
    rooms::schema::RoomNameSchema,
};

/// What an access token looks like.
pub(super) const ACCESS_TOKEN: &str = "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2lnbmF0dXJl";

/// What a refresh token looks like.
const REFRESH_TOKEN: &str = "PxyaUg8LTzydRy9vWj8MEQAAAAAAAAAAc2lnbmF0dXJl";

/// Characters of an answer to a second factor. With the longest password beside
/// it, each character escaped, that is a body of less than 64 KiB.
const LONGEST_ANSWER: usize = 4096;

/// A name, a password, and at sign-in what else the account asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"username": "ann", "password": "correct horse battery staple"})))]
pub struct Credentials {
    /// 1 to 64 letters, digits and ASCII punctuation marks, of one script (RFC
    /// 8265, UsernameCaseMapped); upper and lower case are one name. The bound
    /// of the schema is that of a name which takes several code points a letter.
    #[schema(min_length = 1, max_length = 256)]
    username: String,
    /// A new one has 8 to 1024 bytes of UTF-8 (RFC 8265, OpaqueString) unless
    /// the service is told otherwise, and is hard to guess.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 4096)]
    password: SecretString,
    /// What answers the challenge of `urn:problem-type:second-factor-required`: a
    /// code of the authenticator app, where that asked for one. An account that has
    /// none signs in with any. Not at registration.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 4096, nullable = false)]
    second_factor: Option<SecretString>,
}

/// What isn't left out is a text: `null` is none.
fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<SecretString>, D::Error> {
    SecretString::deserialize(field).map(Some)
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"refresh_token": REFRESH_TOKEN})))]
pub struct RefreshRequest {
    /// The one that the last login or refresh gave.
    #[schema(value_type = String, format = Password)]
    refresh_token: SecretString,
}

/// A new password, and the current one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "current_password": "correct horse battery staple",
    "new_password": "plum-tractor-91-violin",
})))]
pub struct PasswordRequest {
    /// The current one.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 4096)]
    current_password: SecretString,
    /// The new one: as one at registration.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 4096)]
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
#[schema(examples(json!({
    "access_token": ACCESS_TOKEN,
    "token_type": "Bearer",
    "expires_in": 600,
    "refresh_token": REFRESH_TOKEN,
})))]
pub struct TokenResponse {
    /// For `Authorization: Bearer` and for the WebSocket.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// The access token's life, in seconds.
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
#[schema(examples(json!({
    "id": "5e0cf1b2-a8d4-4a3f-9f0f-6f2f6c1f7a10",
    "username": "ann",
    "created_at": "2026-01-31T17:00:00Z",
})))]
pub struct AccountResponse {
    /// Who this is, for ever; also the name of the user's own room.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// The name in its canonical form.
    #[schema(value_type = String)]
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
#[schema(examples(json!({
    "id": "5e0cf1b2-a8d4-4a3f-9f0f-6f2f6c1f7a10",
    "username": "ann",
    "created_at": "2026-01-31T17:00:00Z",
    "session": "3f1c9a52-0f0b-4f3c-9d47-2f6f5a3f0c11",
    "room": "5e0cf1b2-a8d4-4a3f-9f0f-6f2f6c1f7a10",
})))]
pub struct MeResponse {
    #[serde(flatten)]
    account: AccountResponse,
    /// The session that the token belongs to.
    #[schema(value_type = uuid::Uuid)]
    session: SessionId,
    /// The room that the token opens.
    #[schema(value_type = RoomNameSchema)]
    room: RoomName,
}

/// RFC 6749, section 5.1: tokens are not for caches.
pub(super) fn uncached(body: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}

problems!(RegisterProblems: BODY SERVICE, InvalidUsername, InvalidPassword, NameTaken, TooManyRequests, Busy);

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
        RegisterProblems,
    )
)]
pub async fn register(
    State(app): State<Arc<App>>,
    caller: Caller,
    _: Admitted<Register>,
    Json(asked): Json<Credentials>,
) -> Result<Response, Problem> {
    if asked.second_factor.is_some() {
        return Err(Problem::new(ProblemType::InvalidRequest)
            .detail("a second factor is added to an account that is there"));
    }
    let account = app
        .accounts
        .register(
            &asked.username,
            asked.password.expose_secret(),
            &caller,
            now(),
        )
        .await?;
    Ok((
        StatusCode::CREATED,
        uncached(axum::Json(AccountResponse::from(account))),
    )
        .into_response())
}

problems!(LoginProblems: BODY SERVICE, InvalidCredentials, SecondFactorRequired, InvalidSecondFactor, TooManyRequests, TooManyAttempts, Busy);

/// Log in
///
/// Opens a session. A wrong password, an unknown name and a disabled account
/// get the same answer after the same work. After some wrong passwords the next
/// has to wait, for a name that nobody has, too. An account that has a second
/// factor asks for it once the password was right: send the password again, and
/// the answer with it.
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "login",
    tag = "auth",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in", body = TokenResponse),
        LoginProblems,
    )
)]
pub async fn login(
    State(app): State<Arc<App>>,
    _: Admitted<Login>,
    caller: Caller,
    Json(asked): Json<Credentials>,
) -> Result<Response, Problem> {
    if let Some(answer) = &asked.second_factor {
        check_length(answer)?;
    }
    let presented = Presented {
        username: &asked.username,
        password: asked.password.expose_secret(),
        second_factor: asked.second_factor.as_ref(),
    };
    let tokens = app.accounts.login(presented, &caller, now()).await?;
    Ok(uncached(axum::Json(TokenResponse::from(tokens))))
}

/// Whoever has no second factor is told too, lest the answer says who has one.
fn check_length(answer: &SecretString) -> Result<(), Problem> {
    if (1..=LONGEST_ANSWER).contains(&answer.expose_secret().chars().count()) {
        Ok(())
    } else {
        Err(Problem::new(ProblemType::InvalidRequest).detail(format!(
            "the answer to a second factor has 1 to {LONGEST_ANSWER} characters"
        )))
    }
}

problems!(RefreshProblems: BODY SERVICE, InvalidRefreshToken, TooManyRequests);

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
        RefreshProblems,
    )
)]
pub async fn refresh(
    State(app): State<Arc<App>>,
    caller: Caller,
    _: Admitted<Refresh>,
    Json(asked): Json<RefreshRequest>,
) -> Result<Response, Problem> {
    let tokens = uninterrupted(&app.work.clone(), async move {
        let token = asked.refresh_token.expose_secret();
        app.accounts.refresh(token, &caller, now()).await
    })
    .await?;
    Ok(uncached(axum::Json(TokenResponse::from(tokens))))
}

problems!(LogoutProblems: TOKEN SERVICE, InvalidRequest);

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
        LogoutProblems,
    )
)]
pub async fn logout(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    caller: Caller,
    Asked(query): Asked<LogoutQuery>,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        let (user, session) = (token.user, token.session);
        if query.all {
            app.accounts
                .logout_everywhere(user, session, &caller, now())
                .await
        } else {
            app.accounts.logout(user, session, &caller, now()).await
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

problems!(PasswordProblems: BODY TOKEN SERVICE, InvalidPassword, InvalidCredentials, TooManyAttempts, Busy);

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
        PasswordProblems,
    )
)]
pub async fn change_password(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    caller: Caller,
    Json(asked): Json<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        let current = asked.current_password.expose_secret();
        let new = asked.new_password.expose_secret();
        let who = SignedIn {
            user: token.user,
            session: token.session,
            caller: &caller,
        };
        app.accounts.change_password(who, current, new, now()).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

problems!(MeProblems: TOKEN SERVICE);

/// Who am I
#[utoipa::path(
    get,
    path = "/auth/me",
    operation_id = "me",
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The account of the access token", body = MeResponse),
        MeProblems,
    )
)]
pub async fn me(State(app): State<Arc<App>>, Bearer(token): Bearer) -> Result<Response, Problem> {
    let account = app.accounts.me(token.user).await?.into();
    let me = MeResponse {
        account,
        session: token.session,
        room: token.room,
    };
    Ok(uncached(axum::Json(me)))
}
