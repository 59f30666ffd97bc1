//! The way in: a place among the sockets and a seat in the room before the
//! handshake is answered, the connection itself after it.

use std::{sync::Arc, time::Duration};

use contract::{BusError, ConnectionId, Timestamp};
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
    hub::{Occupant, Seat},
    outbox::Outbox,
    session::Session,
    socket::Socket,
    sockets::{Admission, Full, Registration},
};
use crate::{accounts::tokens::AccessToken, connection::Connection};

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

/// Everything that a socket has but its connection.
pub(super) struct Entrance {
    token: AccessToken,
    connection: ConnectionId,
    outbox: Arc<Outbox>,
    seat: Seat,
    place: Place,
}

/// What counts and names a socket for as long as it lives.
struct Place {
    _registration: Registration,
    _admission: Admission,
}

impl Entrance {
    /// Takes a place and a seat for the bearer of a token.
    ///
    /// # Errors
    /// [`EntranceError`]
    pub(super) async fn reserve(
        gateway: &Gateway,
        mut token: AccessToken,
    ) -> Result<Self, EntranceError> {
        let admission = gateway.sockets.admit(token.user)?;
        let connection = ConnectionId::random();
        let outbox = Arc::new(Outbox::new(gateway.backlog));
        let registration = gateway.sockets.register(token.session, connection, &outbox);
        // An end that came before the registration didn't find the socket.
        gateway
            .verifier
            .check_session(token.session, Timestamp::now())
            .map_err(|_| EntranceError::SessionEnded)?;
        let who = Occupant {
            connection,
            user: token.user,
            grant: token.grant,
        };
        let seat = gateway.hubs.join(&token.room, who, &outbox).await?;
        // As above: a change that came before the seat was taken didn't find it.
        let grant = gateway.memberships.grant(&token, Timestamp::now());
        token.grant = grant.ok_or(EntranceError::NotPermitted)?;
        let place = Place {
            _registration: registration,
            _admission: admission,
        };
        Ok(Self {
            token,
            connection,
            outbox,
            seat,
            place,
        })
    }

    /// Waits for the connection, then runs its socket in a task of its own
    /// size: the one that waits here is larger.
    pub(super) async fn enter(self, gateway: Arc<Gateway>, upgrade: OnUpgrade) {
        let Ok(Ok(upgraded)) = timeout(UPGRADE_TIMEOUT, upgrade).await else {
            tracing::debug!("a connection ended before it became a socket");
            return;
        };
        let Ok(parts) = upgraded.downcast::<TokioIo<Connection>>() else {
            tracing::error!("the connection is not the one that was accepted");
            return;
        };
        let read_ahead = parts.read_buf.to_vec();
        self.run(&gateway, parts.io.into_inner().into_stream(), read_ahead);
    }

    fn run(self, gateway: &Gateway, stream: TcpStream, read_ahead: Vec<u8>) {
        if let Err(error) = tune(&stream) {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "socket options not set"
            );
        }
        let Self {
            token,
            connection,
            outbox,
            seat,
            place,
        } = self;
        let (reader, writer) = stream.into_split();
        outbox.attach(writer);
        let left = token.expires_at.duration_since(Timestamp::now());
        let left = Duration::try_from(left)
            .unwrap_or(Duration::ZERO)
            .min(LONGEST_SESSION);
        let now = Instant::now();
        let mut socket = Socket {
            user: token.user,
            connection,
            reader,
            read_ahead,
            outbox,
            seat: Some(seat),
            session: Session::new(gateway.limits, token.grant, now + left, now),
            max_message_bytes: gateway.max_message_bytes,
            write_timeout: gateway.write_timeout,
            close_timeout: gateway.close_timeout,
        };
        let (user, session, room) = (token.user, token.session, token.room);
        // Not a span: every socket would carry it for all of its life.
        tracing::info!(%user, %session, %room, "socket opened");
        tokio::spawn(async move {
            let _place = place;
            let end = socket.run().await;
            let seconds = now.elapsed().as_secs();
            tracing::info!(%user, %session, %room, end = end.label(), seconds, "socket closed");
        });
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
