//! Codes of an authenticator app, as a second factor of one's own account.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{auth::uncached, bearer::Bearer, json::Json, uninterrupted::uninterrupted};
use crate::{
    accounts::{
        Caller, current_password::SignedIn, second_factor::totp::Enrolment, tokens::AccessToken,
    },
    app::App,
    clock::now,
    problem::{Problem, document::problems},
};

/// The current password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"current_password": "correct horse battery staple"})))]
pub struct TotpRequest {
    /// The current one.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 4096)]
    current_password: SecretString,
}

/// What an authenticator app is to be told.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "uri": "otpauth://totp/service:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=service",
})))]
pub struct TotpResponse {
    /// The secret in base32, to type.
    secret: String,
    /// The same as a URI, to show as a QR code.
    uri: String,
}

impl From<Enrolment> for TotpResponse {
    fn from(enrolment: Enrolment) -> Self {
        Self {
            secret: enrolment.secret.expose_secret().to_owned(),
            uri: enrolment.uri.expose_secret().to_owned(),
        }
    }
}

/// A code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"code": "492039"})))]
pub struct TotpConfirmation {
    /// What the app shows.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 16)]
    code: SecretString,
}

/// The current password, and a code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "current_password": "correct horse battery staple",
    "code": "492039",
})))]
pub struct TotpRemoval {
    /// The current one.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 4096)]
    current_password: SecretString,
    /// What the app shows.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 16)]
    code: SecretString,
}

fn signed_in<'a>(token: &AccessToken, caller: &'a Caller) -> SignedIn<'a> {
    SignedIn {
        user: token.user,
        session: token.session,
        caller,
    }
}

problems!(TotpProblems: BODY TOKEN SERVICE, InvalidCredentials, SecondFactorOff, SecondFactorExists, TooManyAttempts, Busy);

/// Add an authenticator app
///
/// Gives a secret for it. Sign-ins take a code only once one was confirmed; until
/// then this can be asked again, for another secret.
#[utoipa::path(
    post,
    path = "/auth/totp",
    operation_id = "addTotp",
    tag = "auth",
    request_body = TotpRequest,
    security(("bearer" = [])),
    responses(
        (status = 200, description = "What the app is to be told", body = TotpResponse),
        TotpProblems,
    )
)]
pub async fn add(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    caller: Caller,
    Json(asked): Json<TotpRequest>,
) -> Result<Response, Problem> {
    let enrolment = uninterrupted(&app.work.clone(), async move {
        let password = asked.current_password.expose_secret();
        app.accounts
            .begin_totp(signed_in(&token, &caller), password, now())
            .await
    })
    .await?;
    Ok(uncached(axum::Json(TotpResponse::from(enrolment))))
}

problems!(TotpConfirmationProblems: BODY TOKEN SERVICE, InvalidSecondFactor, SecondFactorOff);

/// Confirm the authenticator app
///
/// From now on sign-ins take a code. Sessions that are open go on.
#[utoipa::path(
    post,
    path = "/auth/totp/confirm",
    operation_id = "confirmTotp",
    tag = "auth",
    request_body = TotpConfirmation,
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Sign-ins take a code now"),
        TotpConfirmationProblems,
    )
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    caller: Caller,
    Json(asked): Json<TotpConfirmation>,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        app.accounts
            .confirm_totp(signed_in(&token, &caller), &asked.code, now())
            .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

problems!(TotpRemovalProblems: BODY TOKEN SERVICE, InvalidCredentials, InvalidSecondFactor, SecondFactorOff, TooManyAttempts, Busy);

/// Remove the authenticator app
///
/// Sign-ins take the password alone again.
#[utoipa::path(
    post,
    path = "/auth/totp/remove",
    operation_id = "removeTotp",
    tag = "auth",
    request_body = TotpRemoval,
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Sign-ins take no code any more"),
        TotpRemovalProblems,
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    caller: Caller,
    Json(asked): Json<TotpRemoval>,
) -> Result<StatusCode, Problem> {
    uninterrupted(&app.work.clone(), async move {
        let password = asked.current_password.expose_secret();
        app.accounts
            .remove_totp(signed_in(&token, &caller), password, &asked.code, now())
            .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
