//! Say something without a socket, and read what was said.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use contract::{RoomName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::parts::{Asked, IdempotencyKey, RoomPath, limit};
use crate::{
    app::App,
    clock::now,
    http::{auth::uncached, bearer::Bearer, json::Json, uninterrupted::uninterrupted},
    problem::{Problem, ProblemBody},
    rooms::{
        RoomsError,
        message::{Encoding, MessageView, from_json},
        position::PositionText,
        publish::{Publication, Said},
    },
};

/// Something to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Any JSON. A string is a text message, any other value arrives spelled
    /// as it was sent; with `encoding`, a string that stands for bytes.
    #[schema(value_type = serde_json::Value, example = "hello")]
    data: Box<RawValue>,
    /// How `data` stands for bytes, if it does.
    #[serde(default)]
    encoding: Option<Encoding>,
}

/// What was said.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaidResponse {
    /// Where.
    #[schema(value_type = String)]
    room: RoomName,
    /// Its number in the room's order; absent where rooms have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// Its place: what was said after it is `?since=` this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "0123456789abcdef:42")]
    position: Option<PositionText>,
    /// When the service took it.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Said> for SaidResponse {
    fn from(said: Said) -> Self {
        Self {
            room: said.room,
            seq: said.seq,
            position: said.position,
            at: said.at,
        }
    }
}

/// Some of what was said in a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryResponse<'a> {
    /// The oldest first.
    messages: Vec<MessageView<'a>>,
    /// The `since` of what comes after; absent where rooms have no order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "0123456789abcdef:42")]
    position: Option<PositionText>,
    /// Whether `messages` begin with the first one after `since`; `false`, and
    /// no messages, if not all of it is kept. Absent without `since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recovered: Option<bool>,
}

/// Which of what was said.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// What was said after this place, the oldest first; without it, the newest.
    #[param(value_type = Option<String>, example = "0123456789abcdef:42")]
    since: Option<PositionText>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

/// Say something
///
/// Everybody in the room hears it. With an `Idempotency-Key` the request can be
/// repeated for 24 hours: it is said once, and answered the same.
#[utoipa::path(
    post,
    path = "/rooms/{room}/messages",
    operation_id = "publish",
    tag = "rooms",
    params(
        ("room" = String, Path, description = "the room's name"),
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "names the request, to whoever may have to repeat it; visible ASCII", min_length = 1, max_length = 255),
    ),
    request_body = NewMessage,
    security(("bearer" = [])),
    responses(
        (status = 201, description = "It was said", body = SaidResponse),
        (status = 400, description = "Not something that can be said, or no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The user may only hear in this room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The request took too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The first request with this key is being done; come back after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body, or the message, is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The key was used for another request", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store or the bus can't be reached; with a key, repeat it after `Retry-After`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn publish(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    IdempotencyKey(key): IdempotencyKey,
    Json(asked): Json<NewMessage>,
) -> Result<Response, Problem> {
    let (kind, data) = from_json(&asked.data, asked.encoding).map_err(RoomsError::from)?;
    let publication = Publication {
        room,
        kind,
        data,
        key,
    };
    let said = uninterrupted(&app.work.clone(), async move {
        app.rooms.publish(&token, publication, now()).await
    })
    .await?;
    let body = uncached(axum::Json(SaidResponse::from(said)));
    Ok((StatusCode::CREATED, body).into_response())
}

/// What was said
///
/// As far as it is kept. `position` of one answer is `since` of the next.
#[utoipa::path(
    get,
    path = "/rooms/{room}/messages",
    operation_id = "history",
    tag = "rooms",
    params(("room" = String, Path, description = "the room's name"), HistoryQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Messages of the room", body = HistoryResponse),
        (status = 400, description = "Not the query that is taken here", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "The access token is missing or not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The user is in no such room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something went wrong on our side", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The store or the bus can't be reached", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn history(
    State(app): State<Arc<App>>,
    Bearer(token): Bearer,
    RoomPath(room): RoomPath,
    Asked(query): Asked<HistoryQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let since = query.since.map(|since| since.0);
    let past = app.rooms.history(&token, &room, since, limit).await?;
    let messages = past.messages.iter();
    let body = HistoryResponse {
        messages: messages
            .map(|envelope| MessageView::new(&room, envelope))
            .collect(),
        position: past.position.map(PositionText),
        recovered: past.recovered,
    };
    Ok(uncached(axum::Json(body)))
}
