//! The gateway: a token becomes a seat in a room.
//!
//! | file | what it holds |
//! |---|---|
//! | [`route`] | `GET /ws`: who is let in, and what the others are told |
//! | [`handshake`] | RFC 6455's opening handshake, strictly |
//! | [`origins`] | whose web pages may open a socket |
//! | `entrance` | a place and a seat before the answer, the connection after it |
//! | `socket` | the one loop of a socket |
//! | [`session`] | what a peer may do, decided without sockets or clocks |
//! | [`rooms_v1`] | the same for `rooms.v1`, and its wire format |
//! | [`hub`] | one listener per active room, one write per member and batch |
//! | [`outbox`] | a socket's way out, with its bounded backlog |
//! | [`frames`] | what a client sends, from bytes to whole messages |
//! | [`wire`] | what a server sends: frames, and batches of them that are encoded once |
//! | [`asyncapi`] | the document that describes all of it |
//! | [`close`] | why a socket is closed: the table of codes |
//! | [`sockets`] | how many, whose, and closing them |
//! | `instruments` | what is counted |
//! | [`shards`] | the threads that rooms are spread over |

pub mod asyncapi;
pub mod close;
mod entrance;
pub mod frames;
pub mod handshake;
pub mod hub;
mod instruments;
pub mod origins;
pub mod outbox;
pub mod rooms_v1;
pub mod route;
pub mod session;
pub mod shards;
mod socket;
pub mod sockets;
pub mod wire;

use std::sync::Arc;

use contract::{MembershipChange, RoomBus, Timestamp};
use tokio::sync::mpsc;

use self::{
    hub::Hubs,
    origins::Origins,
    outbox::BacklogLimits,
    rooms_v1::event::{self, Event},
    session::SessionLimits,
    shards::Spread,
    socket::Patience,
    sockets::Sockets,
};
use crate::{
    accounts::tokens::{AccessToken, Grant, TokenError, TokenVerifier},
    config::Ws,
    limits::Limits,
    presence::{News, Presence},
    rooms::MembershipChanges,
};

/// Whoever asks for a socket has to pass it first.
#[derive(Debug)]
pub struct Gate {
    /// The pages that may ask.
    pub origins: Origins,
    /// How often clients and users may.
    pub limits: Arc<Limits>,
}

/// What every socket of this node shares.
pub struct Gateway {
    verifier: Arc<TokenVerifier>,
    memberships: Arc<MembershipChanges>,
    presence: Arc<Presence>,
    gate: Gate,
    allow_missing_origin: bool,
    hubs: Arc<Hubs>,
    sockets: Arc<Sockets>,
    backlog: Arc<BacklogLimits>,
    limits: Arc<SessionLimits>,
    patience: Arc<Patience>,
    max_message_bytes: usize,
}

impl Gateway {
    /// A gateway to the rooms of `bus`, for bearers of tokens that `verifier`
    /// accepts, behind `gate`; sockets and rooms are on the threads of `spread`.
    #[must_use]
    pub fn new(
        bus: Arc<dyn RoomBus>,
        verifier: Arc<TokenVerifier>,
        memberships: Arc<MembershipChanges>,
        presence: Arc<Presence>,
        gate: Gate,
        ws: &Ws,
        spread: Spread,
    ) -> Arc<Self> {
        Arc::new(Self {
            verifier,
            memberships,
            presence,
            gate,
            allow_missing_origin: ws.allow_missing_origin,
            hubs: Hubs::new(bus, ws.echo, spread),
            sockets: Sockets::new(ws.max_connections, ws.max_connections_per_user),
            backlog: Arc::new(BacklogLimits {
                messages: ws.backlog_messages,
                bytes: ws.backlog_bytes,
            }),
            limits: Arc::new(SessionLimits {
                messages_per_second: ws.max_messages_per_second,
                heartbeat_interval: ws.heartbeat_interval,
                heartbeat_timeout: ws.heartbeat_timeout,
            }),
            patience: Arc::new(Patience {
                write: ws.write_timeout,
                close: ws.close_timeout,
            }),
            max_message_bytes: ws.max_message_bytes,
        })
    }

    /// The sockets of this node.
    #[must_use]
    pub fn sockets(&self) -> &Arc<Sockets> {
        &self.sockets
    }

    /// A membership changed, and `memberships` knows it: sockets that were let
    /// in under the old one hear and say no more than the new one allows.
    pub fn membership_changed(&self, change: &MembershipChange) {
        let grant = change.role.map(Grant::from);
        self.hubs.set_grant(&change.room, change.user, grant);
    }

    /// Tells sockets what changes of who is in their rooms, for as long as
    /// there is anything to tell.
    pub async fn tell_presence(self: Arc<Self>, mut news: mpsc::Receiver<News>) {
        while let Some(News { room, joined, left }) = news.recv().await {
            let presence = event::Presence {
                room: room.as_str().into(),
                joined: &joined,
                left: &left,
                ..event::Presence::default()
            };
            let frame = Event::Presence(presence).frame();
            self.hubs.tell_presence(&room, &frame).await;
        }
    }

    /// What a token opens now, if anything.
    ///
    /// # Errors
    /// [`Inadmissible`]
    async fn admit(&self, token: &str) -> Result<AccessToken, Inadmissible> {
        let now = Timestamp::now();
        let mut token = self.verifier.verify(token, now).await?;
        token.grant = self
            .memberships
            .grant(&token, now)
            .ok_or(Inadmissible::NotPermitted)?;
        Ok(token)
    }

    /// The rooms with a socket of this node in them.
    #[must_use]
    pub fn hubs(&self) -> &Arc<Hubs> {
        &self.hubs
    }
}

/// Why a token opens nothing. For the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Inadmissible {
    /// It is not valid.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its bearer is no member of the room any more.
    #[error("no member of the room any more")]
    NotPermitted,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("sockets", &self.sockets)
            .finish_non_exhaustive()
    }
}
