//! The way in: a place among the sockets and a seat in the room before the
//! handshake is answered, the connection itself after it.

use std::{sync::Arc, time::Duration};

use contract::{BusError, ConnectionId, Position, Recovery, Timestamp};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    Gateway,
    frames::Frames,
    hub::{Behind, Occupant, Reading, Seat},
    outbox::Outbox,
    rooms_v1::{
        MAX_ERRORS_IN_A_ROW, MAX_ROOMS,
        event::{self, Event, Heartbeat, Limits, Welcome},
        seats::End,
        session::Session,
    },
    session::raw,
    socket::{CatchingUp, Input, Keeper, Mode, Raw, RoomsV1, Socket},
    sockets::{Full, Place},
    wire::Format,
};
use crate::{
    accounts::tokens::AccessToken, connection::Connection, presence::Attendance,
    request_id::RequestId,
};

/// Unsent bytes that the kernel takes for one socket. Its own default is
/// megabytes, which a stalled reader would fill before anyone notices.
const UNSENT_BYTES: u32 = 128 * 1024;

/// How long the connection may take to become a socket after the 101.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// How far ahead a token's end is looked for: longer than any timer runs.
const LONGEST_SESSION: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why there is no way in.
#[derive(Debug, thiserror::Error)]
pub(super) enum EntranceError {
    /// No place.
    #[error(transparent)]
    Full(#[from] Full),
    /// The session ended while its token was being looked at.
    #[error("the session has ended")]
    SessionEnded,
    /// The token's bearer was removed from the room.
    #[error("no member of the room any more")]
    NotPermitted,
    /// The room can't be listened to.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// What a client wants to hear, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) format: Format,
    /// In `rooms.v1`: where the client left the room.
    pub(super) since: Option<Position>,
}

/// Everything that a socket has but its connection.
pub(super) struct Entrance {
    token: AccessToken,
    who: Occupant,
    outbox: Arc<Outbox>,
    seat: Seat,
    /// What the seat is to be told first, since which place.
    missed: Option<(Position, Reading)>,
    place: Place,
    /// That of the handshake.
    request: Option<RequestId>,
}

impl Entrance {
    /// Takes a place and a seat for the bearer of a token.
    ///
    /// # Errors
    /// [`EntranceError`]
    pub(super) async fn reserve(
        gateway: &Gateway,
        mut token: AccessToken,
        wanted: Wanted,
        request: Option<RequestId>,
    ) -> Result<Self, EntranceError> {
        let who = Occupant {
            connection: ConnectionId::random(),
            user: token.user,
            grant: token.grant,
            format: wanted.format,
            presence: token.presence,
        };
        let outbox = Arc::new(Outbox::new(gateway.backlog.clone()));
        let place = gateway.sockets.admit(token.user, token.session, &outbox)?;
        // An end that came before that didn't find the socket.
        gateway
            .verifier
            .check_session(token.session, Timestamp::now())
            .map_err(|_| EntranceError::SessionEnded)?;
        let seat = gateway.hubs.join(&token.room, who, &outbox).await?;
        // As above: a change that came before the seat was taken didn't find it.
        let grant = gateway.memberships.grant(&token, Timestamp::now());
        token.grant = grant.ok_or(EntranceError::NotPermitted)?;
        let mut entrance = Self {
            token,
            who,
            outbox,
            seat,
            missed: None,
            place,
            request,
        };
        match (wanted.format, wanted.since) {
            (Format::Raw, _) => entrance.seat.go_live(|_| None),
            (Format::RoomsV1, since) => entrance.welcome(gateway, since).await?,
        }
        Ok(entrance)
    }

    /// From here on the seat is told what is said, after what it missed.
    async fn welcome(
        &mut self,
        gateway: &Gateway,
        since: Option<Position>,
    ) -> Result<(), EntranceError> {
        let welcome = |position, recovered| {
            let welcome = welcome(gateway, &self.token, position, recovered);
            Some(Event::Welcome(welcome).frame())
        };
        let Some(since) = since else {
            self.seat.go_live(|position| welcome(position, None));
            return Ok(());
        };
        let reading = self.seat.read(Some(since)).await?;
        if reading.history.recovery == Recovery::Complete {
            self.seat
                .go_behind(since, |position| welcome(position, Some(true)));
            self.missed = Some((since, reading));
        } else {
            let missed = Behind { after: Some(since) };
            self.seat.count_gap();
            self.seat
                .go_on(missed, &reading, |position| welcome(position, Some(false)));
        }
        Ok(())
    }

    /// Waits for the connection, then runs its socket in a task of its own
    /// size, on the thread of its room: the one that waits here is larger. Returns
    /// whether there is a socket now.
    pub(super) async fn enter(self, gateway: Arc<Gateway>, upgrade: OnUpgrade) -> bool {
        let Ok(Ok(upgraded)) = timeout(UPGRADE_TIMEOUT, upgrade).await else {
            tracing::debug!("a connection ended before it became a socket");
            return false;
        };
        let Ok(parts) = upgraded.downcast::<TokioIo<Connection>>() else {
            tracing::error!("the connection is not the one that was accepted");
            return false;
        };
        let read_ahead = parts.read_buf.to_vec();
        self.run(gateway, parts.io.into_inner().into_stream(), read_ahead)
    }

    fn run(self, gateway: Arc<Gateway>, stream: TcpStream, read_ahead: Vec<u8>) -> bool {
        if let Err(error) = tune(&stream) {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "socket options not set"
            );
        }
        let Self {
            token,
            who,
            outbox,
            seat,
            missed,
            mut place,
            request,
        } = self;
        let thread = gateway.hubs.thread_of(&token.room).clone();
        let moved = stream.into_std().and_then(|stream| {
            let _on_that_thread = thread.enter();
            TcpStream::from_std(stream)
        });
        let stream = match moved {
            Ok(stream) => stream,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a connection can't be waited for"
                );
                return false;
            }
        };
        let (reader, writer) = stream.into_split();
        outbox.attach(writer);
        place.opened(who.format);
        let now = Instant::now();
        let end = end_of(&token, now);
        let attendance = attend(&gateway, &token);
        let mode = match who.format {
            Format::Raw => Mode::Raw(Raw {
                user: who.user,
                connection: who.connection,
                session: raw::Session::new(&token, gateway.limits.clone(), end.at, now),
                seat: Some(seat),
                attendance: attendance.map(Box::new),
            }),
            Format::RoomsV1 => {
                let session = Session::new(&token, end, gateway.limits.clone(), now);
                let gateway = Arc::clone(&gateway);
                let seat = Arc::new(seat);
                let mut rooms = RoomsV1::new(gateway, who, session, seat.clone(), attendance);
                if let Some((since, reading)) = missed {
                    rooms.recover(CatchingUp::with(seat, since, reading));
                }
                Mode::RoomsV1(Box::new(rooms))
            }
        };
        let mut socket = Socket {
            reader,
            input: Input::new(read_ahead),
            frames: Frames::new(gateway.max_message_bytes),
            keeper: Keeper {
                outbox,
                patience: gateway.patience.clone(),
            },
            mode,
            place,
        };
        let (user, session, room) = (token.user, token.session, token.room);
        let connection = who.connection;
        // Not a span: every socket would carry it for all of its life. What is
        // logged of it later has the connection's id, and this line that of its
        // request.
        tracing::info!(
            %connection,
            request = request.as_ref().map(tracing::field::display),
            %user,
            %session,
            %room,
            protocol = who.format.subprotocol(),
            "socket opened"
        );
        thread.spawn(async move {
            let end = socket.run().await;
            let seconds = now.elapsed().as_secs();
            socket.place.instruments().ended(end);
            let (user, session) = (socket.place.user(), socket.place.session());
            tracing::info!(
                %connection, %user, %session, %room, end = end.label(), seconds, "socket closed"
            );
        });
        true
    }
}

/// When a token ends.
pub(super) fn end_of(token: &AccessToken, now: Instant) -> End {
    let left = token.expires_at.duration_since(Timestamp::now());
    let left = Duration::try_from(left)
        .unwrap_or(Duration::ZERO)
        .min(LONGEST_SESSION);
    End {
        at: now + left,
        expires_at: token.expires_at,
    }
}

/// Counts the bearer of a token as being in its room, if that tells who is
/// there.
pub(super) fn attend(gateway: &Gateway, token: &AccessToken) -> Option<Attendance> {
    token
        .presence
        .then(|| gateway.presence.enter(&token.room, token.user))
}

fn welcome(
    gateway: &Gateway,
    token: &AccessToken,
    position: Option<Position>,
    recovered: Option<bool>,
) -> Welcome {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Welcome {
        user: token.user,
        session: token.session,
        expires_at: token.expires_at,
        seat: event::Seat {
            room: token.room.clone(),
            grant: token.grant,
            presence: token.presence,
            expires_at: token.expires_at,
            position: event::position(position),
            recovered,
        },
        limits: Limits {
            rooms: MAX_ROOMS,
            message_bytes: gateway.max_message_bytes,
            messages_per_second: gateway.limits.messages_per_second,
            errors_in_a_row: MAX_ERRORS_IN_A_ROW,
        },
        heartbeat: Heartbeat {
            interval_ms: millis(gateway.limits.heartbeat_interval),
            timeout_ms: millis(gateway.limits.heartbeat_timeout),
        },
    }
}

#[cfg(target_os = "linux")]
fn tune(stream: &TcpStream) -> std::io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    // A slow reader is the outbox's to judge, not the kernel's.
    socket.set_tcp_user_timeout(None)
}

#[cfg(not(target_os = "linux"))]
fn tune(_: &TcpStream) -> std::io::Result<()> {
    Ok(())
}
