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
use utoipa::IntoParams;

use super::{
    Gateway,
    close::Close,
    entrance::{Entrance, EntranceError, Wanted},
    handshake::{self, Refusal},
    instruments::HandshakeOutcome,
    sockets::Full,
    wire::Format,
};
use crate::{
    accounts::Caller,
    limits::Action,
    operations::{Operations, operation},
    problem::{Problem, ProblemType, document::problems},
    request_id::RequestId,
    rooms::position::PositionText,
    telemetry::traces,
};

/// How long a client that finds no place should wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The gateway's routes with their description.
pub fn routes() -> Operations<Arc<Gateway>> {
    Operations::new().with(operation!(open_socket))
}

/// What a handshake has beside what RFC 6455 wants.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "read by `handshake`; this is what the document says of it"
)]
struct HandshakeParams {
    /// `bearer` and the access token, in this order, or `rooms.v1` before them:
    /// in a browser, `new WebSocket(url, ["rooms.v1", "bearer", token])`.
    #[param(
        rename = "Sec-WebSocket-Protocol",
        example = "rooms.v1, bearer, eyJ0eXAiOiJhdCtqd3QifQ.e30.c2lnbmF0dXJl"
    )]
    protocol: String,
    /// Of a page: one of the allowed origins, or the service's own where it
    /// serves its page. Browsers send it by themselves.
    #[param(rename = "Origin", required = false, example = "http://localhost:3000")]
    origin: String,
}

/// What a client that comes back asks for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "read by `wanted`; this is what the document says of it"
)]
struct SinceParam {
    /// With `rooms.v1`: where the client left the room. What was said since
    /// comes first, or the `welcome` says that not all of it is kept.
    #[param(
        required = false,
        pattern = "^[0-9a-f]{16}:(0|[1-9][0-9]{0,19})$",
        example = "0123456789abcdef:42"
    )]
    since: String,
}

/// What no schema says of the socket.
fn description() -> String {
    let guide = "\
        A handshake of RFC 6455, version 13, over HTTP/1.1. The room is the one that \
        the access token names. In raw mode (`bearer`), whatever one socket sends, as \
        text or binary, every socket in the room receives. With `rooms.v1`, a socket \
        sits in many rooms, and hears who said what, in which order, and whether \
        anything is missing. `/asyncapi.json` describes the messages of both.\n\n\
        The service closes a socket with one of these codes; 4000 to 4499 mean \"come \
        back\", 4500 to 4999 \"don't\":\n\n\
        | code | what happened | come back? |\n|---|---|---|\n";
    Close::ALL.iter().fold(guide.to_owned(), |table, close| {
        let (code, meaning) = (close.code(), close.meaning());
        table + &format!("| {code} | {meaning} | {} |\n", close.reconnect())
    })
}

problems!(SocketProblems: SERVICE, MalformedHandshake, TokenRequired, OriginNotAllowed, UpgradeRequired, TooManyRequests, TooManySocketsOfUser, TooManySockets);

/// Open a socket in a room
#[utoipa::path(
    get,
    path = "/ws",
    operation_id = "openSocket",
    tag = "rooms",
    description = description(),
    params(HandshakeParams, SinceParam),
    security(("subprotocol" = [])),
    responses(
        (status = 101, description = "The connection is a WebSocket now", headers(
            ("Connection" = String, description = "`upgrade`"),
            ("Upgrade" = String, description = "`websocket`"),
            ("Sec-WebSocket-Accept" = String, description = "What RFC 6455 makes of the `Sec-WebSocket-Key`"),
            ("Sec-WebSocket-Protocol" = String, description = "`rooms.v1` if that was offered, or else `bearer`"),
        )),
        SocketProblems,
    )
)]
async fn open_socket(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    request: Request,
) -> Response {
    let limits = &gateway.gate.limits;
    if let Err(too_many) = limits.of_address(Action::Connect, caller.address) {
        return Problem::from(too_many).into_response();
    }
    let (mut parts, _) = request.into_parts();
    let instruments = gateway.sockets.instruments();
    let refuse = |refusal: Refusal| {
        instruments.handshake(refusal);
        refuse(refusal)
    };
    let asked = handshake::read(&parts, |origin| match origin {
        Some(origin) => gateway.gate.origins.allow(origin, &parts.headers),
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
    if let Err(too_many) = limits.connect_of(token.user) {
        return Problem::from(too_many).into_response();
    }
    let Some(upgrade) = parts.extensions.remove::<hyper::upgrade::OnUpgrade>() else {
        return refuse(Refusal::NotAnUpgrade);
    };
    // Before the answer: whoever reads the 101 hears what is said from then on.
    let request = parts.extensions.remove::<RequestId>();
    let entrance = match Entrance::reserve(&gateway, token, wanted, request).await {
        Ok(entrance) => entrance,
        Err(reason) => {
            instruments.handshake(&reason);
            return refuse_entrance(&reason);
        }
    };
    instruments.handshake(HandshakeOutcome::Accepted);
    let entering = entrance.enter(gateway.clone(), upgrade);
    let entering = traces::child("websocket.upgrade", entering, |entered| {
        (!entered).then_some("not_upgraded")
    });
    tokio::spawn(traces::carried(entering));
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
