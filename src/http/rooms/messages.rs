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

use super::parts::{IdempotencyKey, IdempotencyParam, RoomParam, RoomPath, limit};
use crate::{
    app::App,
    clock::now,
    http::{
        auth::uncached, bearer::Bearer, json::Json, query::Asked, uninterrupted::uninterrupted,
    },
    problem::{Problem, document::problems},
    rooms::{
        RoomsError,
        message::{Encoding, MessageView, from_json},
        position::PositionText,
        publish::{Publication, Said},
        schema::RoomNameSchema,
    },
};

/// Something to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"data": "Who brings cake?"})))]
pub struct NewMessage {
    /// Any JSON. A string is a text message, any other value arrives spelled
    /// as it was sent; with `encoding`, a string that stands for bytes.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// How `data` stands for bytes, if it does.
    #[serde(default)]
    encoding: Option<Encoding>,
}

/// What was said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "room": "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10",
    "seq": 42,
    "position": "0123456789abcdef:42",
    "at": "2026-01-31T17:00:00Z",
})))]
pub struct SaidResponse {
    /// Where.
    #[schema(value_type = RoomNameSchema)]
    room: RoomName,
    /// Its number in the room's order; absent where rooms have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// Its place: what was said after it is `?since=` this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
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
#[schema(examples(json!({
    "messages": [{
        "room": "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10",
        "seq": 42,
        "from": "5e0cf1b2-a8d4-4a3f-9f0f-6f2f6c1f7a10",
        "at": "2026-01-31T17:00:00Z",
        "data": "Who brings cake?",
    }],
    "position": "0123456789abcdef:42",
})))]
pub struct HistoryResponse<'a> {
    /// The oldest first.
    #[schema(max_items = 100)]
    messages: Vec<MessageView<'a>>,
    /// The `since` of what comes after; absent where rooms have no order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
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
    #[param(value_type = Option<String>, pattern = "^[0-9a-f]{16}:(0|[1-9][0-9]{0,19})$", example = "0123456789abcdef:42")]
    since: Option<PositionText>,
    /// How many at most.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

problems!(PublishProblems: BODY TOKEN SERVICE, NotPermitted, RoomNotFound, RequestInProgress, IdempotencyKeyReused);

/// Say something
///
/// Everybody in the room hears it. With an `Idempotency-Key` the request can be
/// repeated for 24 hours: it is said once, and answered the same.
#[utoipa::path(
    post,
    path = "/rooms/{room}/messages",
    operation_id = "publish",
    tag = "rooms",
    params(RoomParam, IdempotencyParam),
    request_body = NewMessage,
    security(("bearer" = [])),
    responses(
        (status = 201, description = "It was said", body = SaidResponse, links(
            ("history" = (operation_id = "history", parameters(("room" = "$request.path.room"), ("since" = "$response.body#/position")))),
        )),
        PublishProblems,
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

problems!(HistoryProblems: TOKEN SERVICE, InvalidRequest, RoomNotFound);

/// What was said
///
/// As far as it is kept. `position` of one answer is `since` of the next.
#[utoipa::path(
    get,
    path = "/rooms/{room}/messages",
    operation_id = "history",
    tag = "rooms",
    params(RoomParam, HistoryQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Messages of the room", body = HistoryResponse, links(
            ("history" = (operation_id = "history", parameters(("room" = "$request.path.room"), ("since" = "$response.body#/position")))),
        )),
        HistoryProblems,
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
