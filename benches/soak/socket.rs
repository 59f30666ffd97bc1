//! A client's end of a `rooms.v1` socket.

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, Utf8Bytes, client::ClientRequestBuilder},
};
use uuid::Uuid;

use crate::harness::{Outcome, tokens};

/// Longest that a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes that the kernel may keep for a client that reads little.
const LITTLE: u32 = 4096;

/// Somebody whose tokens another back end mints.
pub(crate) struct Person<'a> {
    secret: &'a str,
    user: Uuid,
    session: Uuid,
}

impl<'a> Person<'a> {
    pub(crate) fn new(secret: &'a str) -> Self {
        Self {
            secret,
            user: Uuid::new_v4(),
            session: Uuid::new_v4(),
        }
    }

    pub(crate) fn token(&self, room: &str) -> Outcome<String> {
        tokens::mint_for(self.secret, self.user, self.session, room)
    }
}

/// What the service says, as far as it matters here.
#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    #[serde(borrow)]
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) room: Option<&'a str>,
    pub(crate) seq: Option<u64>,
    pub(crate) at: Option<Timestamp>,
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) seat: Option<Seat<'a>>,
    pub(crate) code: Option<&'a str>,
}

#[derive(Deserialize)]
pub(crate) struct Seat<'a> {
    pub(crate) room: &'a str,
    pub(crate) position: Option<&'a str>,
    pub(crate) recovered: Option<bool>,
}

/// An open socket.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one; `query` is what follows `/ws`.
    pub(crate) async fn open(
        address: SocketAddr,
        protocols: &[&str],
        query: &str,
    ) -> Outcome<Self> {
        Self::open_on(TcpSocket::new_v4()?, address, protocols, query).await
    }

    /// Opens one that speaks `rooms.v1`.
    pub(crate) async fn rooms_v1(address: SocketAddr, token: &str, query: &str) -> Outcome<Self> {
        Self::open(address, &["rooms.v1", "bearer", token], query).await
    }

    /// The same, for which the kernel keeps little that isn't read.
    pub(crate) async fn reading_little(address: SocketAddr, token: &str) -> Outcome<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(LITTLE)?;
        Self::open_on(socket, address, &["rooms.v1", "bearer", token], "").await
    }

    async fn open_on(
        socket: TcpSocket,
        address: SocketAddr,
        protocols: &[&str],
        query: &str,
    ) -> Outcome<Self> {
        let url = format!("ws://{address}/ws{query}").parse()?;
        let request = protocols
            .iter()
            .fold(ClientRequestBuilder::new(url), |request, protocol| {
                request.with_sub_protocol(*protocol)
            });
        let opening = async {
            let stream = socket.connect(address).await?;
            stream.set_nodelay(true)?;
            Outcome::Ok(client_async(request, stream).await?)
        };
        let (socket, _) = timeout(PATIENCE, opening).await??;
        Ok(Self(socket))
    }

    pub(crate) async fn say(&mut self, text: String) -> Outcome<()> {
        Ok(timeout(PATIENCE, self.0.send(Message::text(text))).await??)
    }

    /// The next text; `None` once the socket is closed.
    pub(crate) async fn hear(&mut self) -> Option<Utf8Bytes> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(text),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Says goodbye and waits for the answer, but not for long.
    pub(crate) async fn close(mut self) {
        let goodbye = async {
            let _ = self.0.close(None).await;
            while let Some(Ok(_)) = self.0.next().await {}
        };
        let _ = timeout(PATIENCE, goodbye).await;
    }
}
