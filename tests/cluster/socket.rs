//! A WebSocket client that isn't ours.

use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::ClientRequestBuilder},
};

use crate::process::{Process, SOON};

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn try_open(node: &Process, token: &str) -> Result<Self, Box<tungstenite::Error>> {
        let url = format!("ws://{}/ws", node.address);
        let request = ClientRequestBuilder::new(url.parse().unwrap())
            .with_sub_protocol("bearer")
            .with_sub_protocol(token);
        let opened = timeout(SOON, connect_async(request)).await.unwrap();
        opened.map(|(stream, _)| Self(stream)).map_err(Box::new)
    }

    /// A socket that speaks `rooms.v1`; `query` is what follows `/ws`.
    pub async fn open_rooms_v1(node: &Process, token: &str, query: &str) -> Self {
        let url = format!("ws://{}/ws{query}", node.address);
        let request = ClientRequestBuilder::new(url.parse().unwrap())
            .with_sub_protocol("rooms.v1")
            .with_sub_protocol("bearer")
            .with_sub_protocol(token);
        let opened = timeout(SOON, connect_async(request)).await.unwrap();
        Self(opened.unwrap().0)
    }

    pub async fn open(node: &Process, token: &str) -> Self {
        Self::try_open(node, token).await.unwrap()
    }

    /// The status with which a socket is refused.
    pub async fn refused(node: &Process, token: &str) -> u16 {
        match Self::try_open(node, token).await.err().map(|error| *error) {
            Some(tungstenite::Error::Http(response)) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    pub async fn say(&mut self, text: impl Into<String>) {
        let said = self.0.send(Message::text(text.into()));
        timeout(SOON, said).await.unwrap().unwrap();
    }

    async fn next(&mut self) -> Message {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(message)) => return message,
                    other => panic!("the socket ended without a close: {other:?}"),
                }
            }
        };
        // Of all of it: the pings of an idle socket come sooner.
        timeout(SOON, next).await.expect("something comes soon")
    }

    pub async fn hear(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("heard {other:?}"),
        }
    }

    /// The code of its close, before which nothing is heard.
    pub async fn closed(&mut self) -> u16 {
        match self.next().await {
            Message::Close(Some(close)) => close.code.into(),
            other => panic!("heard {other:?}"),
        }
    }
}
