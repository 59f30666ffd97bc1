//! One API error: `application/problem+json` (RFC 9457) with a stable `type`.

pub(crate) mod document;

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::TooMany;
use crate::request_id::RequestId;

macro_rules! problem_types {
    ($( $(#[$doc:meta])* $name:ident = $status:ident, $slug:literal, $title:literal; )+) => {
        /// What can be wrong with a request, or with the service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemType { $( $(#[$doc])* $name, )+ }

        impl ProblemType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$name, )+];

            /// What tells it apart: the end of its `type`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $( Self::$name => $slug, )+ }
            }

            /// The stable `type`: a URN.
            #[must_use]
            pub const fn urn(self) -> &'static str {
                match self { $( Self::$name => concat!("urn:problem-type:", $slug), )+ }
            }

            /// The same sentence for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $( Self::$name => $title, )+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $( Self::$name => StatusCode::$status, )+ }
            }
        }
    };
}

problem_types! {
    /// The body is no JSON.
    MalformedJson = BAD_REQUEST, "malformed-json", "The body is not JSON";
    /// The body, path or query is not what the operation takes.
    InvalidRequest = BAD_REQUEST, "invalid-request", "The request is not what this operation takes";
    /// The username can't be one.
    InvalidUsername = BAD_REQUEST, "invalid-username", "The username is not acceptable";
    /// The password can't be one here.
    InvalidPassword = BAD_REQUEST, "invalid-password", "The password is not acceptable";
    /// The title can't be one.
    InvalidTitle = BAD_REQUEST, "invalid-title", "The title is not acceptable";
    /// The handshake is not one of RFC 6455.
    MalformedHandshake = BAD_REQUEST, "malformed-handshake", "The WebSocket handshake is malformed";
    /// Wrong name or password.
    InvalidCredentials = UNAUTHORIZED, "invalid-credentials", "The username or password is wrong";
    /// The password was right, and the account asks for more.
    SecondFactorRequired = UNAUTHORIZED, "second-factor-required", "A second factor is required";
    /// What was sent for the second factor is wrong.
    InvalidSecondFactor = UNAUTHORIZED, "invalid-second-factor", "The second factor is wrong";
    /// The refresh token is good for nothing.
    InvalidRefreshToken = UNAUTHORIZED, "invalid-refresh-token", "The refresh token is not valid";
    /// The access token is missing or good for nothing.
    InvalidToken = UNAUTHORIZED, "invalid-token", "The access token is missing or not valid";
    /// The socket was asked for without a valid token.
    TokenRequired = FORBIDDEN, "token-required", "A valid access token is required";
    /// The page's origin is not on the list.
    OriginNotAllowed = FORBIDDEN, "origin-not-allowed", "This origin is not allowed";
    /// Only the room's owners may do that.
    NotOwner = FORBIDDEN, "not-owner", "Only an owner of the room may do this";
    /// The user may hear in the room, and not speak.
    NotPermitted = FORBIDDEN, "not-permitted", "This is not permitted in this room";
    /// No such path.
    NotFound = NOT_FOUND, "not-found", "There is nothing here";
    /// No such session of this user.
    SessionNotFound = NOT_FOUND, "session-not-found", "There is no such session";
    /// No such room, or the user is not in it.
    RoomNotFound = NOT_FOUND, "room-not-found", "There is no such room";
    /// Nobody of that name is in the room.
    MemberNotFound = NOT_FOUND, "member-not-found", "There is no such member";
    /// Nobody has that name.
    NoSuchAccount = NOT_FOUND, "no-such-account", "There is no such account";
    /// The path has no such method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "This method is not allowed here";
    /// This service takes no second factor.
    SecondFactorOff = NOT_FOUND, "second-factor-off", "This service takes no second factor";
    /// The request took too long to arrive or to serve.
    RequestTimeout = REQUEST_TIMEOUT, "request-timeout", "The request took too long";
    /// Somebody has that name.
    NameTaken = CONFLICT, "name-taken", "The username is taken";
    /// The account has a second factor.
    SecondFactorExists = CONFLICT, "second-factor-exists", "The account has a second factor";
    /// The room would be left without an owner.
    LastOwner = CONFLICT, "last-owner", "The room would have no owner";
    /// The room has as many members as it may have.
    RoomFull = CONFLICT, "room-full", "The room has as many members as it may have";
    /// The user owns as many rooms as one may.
    TooManyRooms = CONFLICT, "too-many-rooms", "This user owns as many rooms as one may";
    /// The room doesn't tell who is there.
    PresenceOff = CONFLICT, "presence-off", "This room does not tell who is there";
    /// The first request with this key is being done.
    RequestInProgress = CONFLICT, "request-in-progress", "The request with this key is being done";
    /// The body, or the message in it, is larger than the limit.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large";
    /// The body is not declared as JSON.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body must be application/json";
    /// The key was used for another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The idempotency key was used for another request";
    /// Not a WebSocket handshake of version 13.
    UpgradeRequired = UPGRADE_REQUIRED, "upgrade-required", "A WebSocket handshake is required";
    /// The user has as many sockets as one may have.
    TooManySocketsOfUser = TOO_MANY_REQUESTS, "too-many-sockets-of-user", "This user has too many sockets";
    /// One client, or one user, asks too often.
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    /// Too many wrong passwords for one name, whether or not somebody has it.
    TooManyAttempts = TOO_MANY_REQUESTS, "too-many-attempts", "Too many wrong passwords lately";
    /// Something broke; the log says what.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side";
    /// The hashing pool has all that it can do.
    Busy = SERVICE_UNAVAILABLE, "busy", "Too many sign-ins at once";
    /// The node has as many sockets as it may have.
    TooManySockets = SERVICE_UNAVAILABLE, "too-many-sockets", "This node has too many sockets";
    /// The store or the bus can't be reached.
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "The service can't serve this now";
}

impl ProblemType {
    /// Whether its answers say when to come back, in `Retry-After`.
    #[must_use]
    pub const fn asks_to_come_back(self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::RequestInProgress
                | Self::TooManyAttempts
                | Self::TooManyRequests
                | Self::TooManySockets
                | Self::TooManySocketsOfUser
                | Self::Unavailable
        )
    }

    /// The challenge that RFC 9110 wants with every 401; RFC 6750 has its error.
    const fn challenge(self) -> &'static str {
        match self {
            Self::InvalidToken => "Bearer error=\"invalid_token\"",
            _ => "Bearer",
        }
    }
}

/// What has to be sent besides the password.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SecondFactorChallenge {
    /// What kind of answer is wanted: `totp` is a code of an authenticator app.
    pub kind: &'static str,
    /// What the answer is made of, where it is made of anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub data: Option<serde_json::Value>,
}

/// The body of every error (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(title = "Problem", as = Problem)]
pub struct ProblemBody {
    /// What is wrong, for programs: a stable URN.
    #[schema(schema_with = document::type_schema)]
    pub r#type: &'static str,
    /// What is wrong, for people; the same for every occurrence.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong in this case, where there is more to say. For people: the
    /// words may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// What to send to `/auth/login` besides the password: in
    /// `urn:problem-type:second-factor-required` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub second_factor: Option<SecondFactorChallenge>,
    /// The request's id: that of `X-Request-Id`, by which the service's operator
    /// finds it in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$")]
    pub request_id: Option<String>,
}

/// An error on its way to the client.
#[derive(Debug)]
pub struct Problem {
    kind: ProblemType,
    detail: Option<String>,
    second_factor: Option<SecondFactorChallenge>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of that type.
    #[must_use]
    pub fn new(kind: ProblemType) -> Self {
        Self {
            kind,
            detail: None,
            second_factor: None,
            retry_after: None,
        }
    }

    /// Says more; never with anything secret.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what is to be sent besides the password.
    #[must_use]
    pub fn second_factor(mut self, challenge: SecondFactorChallenge) -> Self {
        self.second_factor = Some(challenge);
        self
    }

    /// Says when to try again: in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl From<TooMany> for Problem {
    fn from(too_many: TooMany) -> Self {
        Self::new(ProblemType::TooManyRequests).retry_after(too_many.retry_after)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: self.kind.urn(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            second_factor: self.second_factor,
            request_id: None,
        };
        let mut response = (status, axum::Json(&body)).into_response();
        // What every request passes on its way back writes it anew, with its id.
        response.extensions_mut().insert(Unsigned(body));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(self.kind.challenge());
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000).max(1);
            if let Ok(seconds) = HeaderValue::try_from(seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, seconds);
            }
        }
        response
    }
}

/// The body of a problem that doesn't say yet of which request it is.
#[derive(Clone)]
struct Unsigned(ProblemBody);

/// Has a problem say of which request it is; every other answer stays as it is.
pub fn sign(response: &mut Response, request: &RequestId) {
    let Some(Unsigned(mut body)) = response.extensions_mut().remove() else {
        return;
    };
    body.request_id = Some(request.as_str().to_owned());
    if let Ok(json) = serde_json::to_vec(&body) {
        // It was that of the body without the id.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = json.into();
    }
}
