//! `GET /ws`: whoever has a token is let in, everybody else gets an answer
//! that is no socket.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use url::form_urlencoded;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Gateway,
    entrance::{Entrance, EntranceError, Wanted},
    handshake::{self, Refusal},
    sockets::Full,
    wire::Format,
};
use crate::{
    problem::{Problem, ProblemBody, ProblemType},
    rooms::position::PositionText,
};

/// How long a client that finds no place should wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The gateway's routes with their description.
pub fn routes() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(open_socket))
}

/// Open a socket in a room
///
/// The room is the one that the access token names. In raw mode (`bearer`),
/// whatever one socket sends, as text or binary, every socket in the room
/// receives. With `rooms.v1`, a socket sits in many rooms, and hears who said
/// what, in which order, and whether anything is missing; `/asyncapi.json`
/// describes it.
#[utoipa::path(
    get,
    path = "/ws",
    operation_id = "openSocket",
    tag = "rooms",
    params(
        ("Sec-WebSocket-Protocol" = String, Header,
            description = "`bearer` and the access token, in this order, or `rooms.v1` before them: in a browser, `new WebSocket(url, [\"rooms.v1\", \"bearer\", token])`"),
        ("since" = Option<String>, Query, pattern = "^[0-9a-f]{16}:(0|[1-9][0-9]{0,19})$",
            description = "with `rooms.v1`: where the client left the room. What was said since comes first, or the `welcome` says that not all of it is kept"),
        ("Origin" = Option<String>, Header, nullable = false,
            description = "if present, one of the allowed origins"),
    ),
    responses(
        (status = 101, description = "The connection is a WebSocket now, with the subprotocol `bearer` or `rooms.v1`, whichever was offered"),
        (status = 400, description = "Not a handshake of RFC 6455, or `since` is no position", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "No valid access token, or an origin that is not allowed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 426, description = "Not a WebSocket handshake, or not version 13", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "The user has too many sockets", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The node has too many sockets, or is going down", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn open_socket(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let asked = handshake::read(&parts, |origin| match origin {
        Some(origin) => gateway.origins.allows(origin),
        None => gateway.allow_missing_origin,
    });
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => return refuse(refusal),
    };
    let wanted = match wanted(&parts, asked.format) {
        Ok(wanted) => wanted,
        Err(refusal) => return refuse(refusal),
    };
    let token = match gateway.admit(&asked.token).await {
        Ok(token) => token,
        Err(reason) => {
            tracing::info!(%reason, "socket refused");
            return refuse(Refusal::Token);
        }
    };
    let Some(upgrade) = parts.extensions.remove::<hyper::upgrade::OnUpgrade>() else {
        return refuse(Refusal::NotAnUpgrade);
    };
    // Before the answer: whoever reads the 101 hears what is said from then on.
    let entrance = match Entrance::reserve(&gateway, token, wanted).await {
        Ok(entrance) => entrance,
        Err(reason) => return refuse_entrance(&reason),
    };
    tokio::spawn(entrance.enter(gateway, upgrade));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(asked.format.subprotocol()),
    );
    match HeaderValue::try_from(asked.accept) {
        Ok(accept) => headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept),
        Err(_) => return Problem::new(ProblemType::Internal).into_response(),
    };
    response
}

/// What the client wants to hear: with `rooms.v1`, what it missed, too. No
/// other query is looked at, nor logged: people put tokens there.
fn wanted(parts: &Parts, format: Format) -> Result<Wanted, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    let mut since = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "since");
    let since = match (format, since.next()) {
        (Format::RoomsV1, Some((_, since))) => {
            let since: PositionText = since.parse().map_err(|_| Refusal::Since)?;
            Some(since.0)
        }
        _ => None,
    };
    Ok(Wanted { format, since })
}

fn refuse(refusal: Refusal) -> Response {
    let kind = match refusal {
        Refusal::NotAnUpgrade | Refusal::Version => ProblemType::UpgradeRequired,
        Refusal::Malformed(_) | Refusal::Since => ProblemType::MalformedHandshake,
        Refusal::Origin => ProblemType::OriginNotAllowed,
        Refusal::Token => ProblemType::TokenRequired,
    };
    let mut response = Problem::new(kind)
        .detail(refusal.to_string())
        .into_response();
    if kind == ProblemType::UpgradeRequired {
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
    response
}

fn refuse_entrance(reason: &EntranceError) -> Response {
    let kind = match reason {
        EntranceError::Full(Full::Node) => ProblemType::TooManySockets,
        EntranceError::Full(Full::User) => ProblemType::TooManySocketsOfUser,
        EntranceError::SessionEnded | EntranceError::NotPermitted => return refuse(Refusal::Token),
        EntranceError::Bus(error) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "a room can't be listened to"
            );
            ProblemType::Unavailable
        }
    };
    Problem::new(kind).retry_after(RETRY_AFTER).into_response()
}
