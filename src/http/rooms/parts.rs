//! Paths and headers that several operations take, and how long a page is.

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderName, request::Parts},
};
use contract::{IdempotentRequest, RoomName};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    problem::{Problem, ProblemType},
    rooms::Page,
};

/// The room of a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RoomParam {
    /// The room's name.
    #[param(value_type = String, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10")]
    room: RoomName,
}

/// The member of a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct MemberParam {
    /// The member's name; upper and lower case are one.
    #[param(min_length = 1, max_length = 256, example = "bob")]
    username: String,
}

/// A request that may have to be repeated.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct IdempotencyParam {
    /// Names the request, to whoever may have to repeat it: visible ASCII.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        pattern = "^[!-~]{1,255}$",
        example = "8e03978e-40d5-43e8-bc93-6894a57f9324"
    )]
    #[expect(
        dead_code,
        reason = "read by `IdempotencyKey`; this is what the document says of it"
    )]
    idempotency_key: String,
}

/// The room of a path. What can't be a room's name is a room that doesn't
/// exist.
#[derive(Debug)]
pub struct RoomPath(pub(super) RoomName);

impl<S: Send + Sync> FromRequestParts<S> for RoomPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<RoomParam>::from_request_parts(parts, state).await {
            Ok(Path(RoomParam { room })) => Ok(Self(room)),
            Err(_) => Err(Problem::new(ProblemType::RoomNotFound)),
        }
    }
}

/// A member's name in a path, as somebody typed it. Comes after the room: a
/// path whose bytes are no text names none.
#[derive(Debug)]
pub struct MemberPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for MemberPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<MemberParam>::from_request_parts(parts, state).await {
            Ok(Path(MemberParam { username })) => Ok(Self(username)),
            Err(_) => Err(Problem::new(ProblemType::RoomNotFound)),
        }
    }
}

/// How long a page is; the longest unless it is said.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    const MAX: u32 = Page::<()>::MAX;
    match asked.unwrap_or(MAX) {
        limit @ 1..=MAX => Ok(limit),
        _ => Err(Problem::new(ProblemType::InvalidRequest)
            .detail(format!("`limit` is a number from 1 to {MAX}"))),
    }
}

/// `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), taken as it
/// is: whatever a client repeats is the same key.
#[derive(Debug)]
pub struct IdempotencyKey(pub(super) Option<String>);

/// The header's name.
pub(in crate::http) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
        let key = match (values.next(), values.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        };
        let longest = IdempotentRequest::MAX_KEY_BYTES;
        let key = key.filter(|key| {
            (1..=longest).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        });
        match key {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => Err(Problem::new(ProblemType::InvalidRequest).detail(format!(
                "`Idempotency-Key` is sent once and has 1 to {longest} visible ASCII characters"
            ))),
        }
    }
}
