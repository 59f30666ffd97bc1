//! A WebSocket client that isn't ours.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::ClientRequestBuilder, protocol::CloseFrame},
};

use crate::service::soon;

pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The one that was chosen.
    pub subprotocol: String,
}

impl Socket {
    /// Opens a socket as a browser does: `new WebSocket(url, ["bearer", token])`.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self, Box<Refused>> {
        let request = request(address)
            .with_sub_protocol("bearer")
            .with_sub_protocol(token);
        let socket = Self::ask(request).await?;
        assert_eq!(socket.subprotocol, "bearer");
        Ok(socket)
    }

    /// Opens a socket that speaks `rooms.v1`; `query` is what follows `/ws`.
    pub async fn open_rooms_v1(
        address: SocketAddr,
        token: &str,
        query: &str,
    ) -> Result<Self, Box<Refused>> {
        let url = format!("ws://{address}/ws{query}");
        let request = ClientRequestBuilder::new(url.parse().unwrap())
            .with_sub_protocol("rooms.v1")
            .with_sub_protocol("bearer")
            .with_sub_protocol(token);
        let socket = Self::ask(request).await?;
        assert_eq!(socket.subprotocol, "rooms.v1");
        Ok(socket)
    }

    pub async fn ask(request: ClientRequestBuilder) -> Result<Self, Box<Refused>> {
        match soon(connect_async(request)).await {
            Ok((stream, response)) => {
                let chosen = response.headers().get("sec-websocket-protocol").unwrap();
                let chosen = chosen.to_str().unwrap();
                // The token is never sent back.
                assert!(["bearer", "rooms.v1"].contains(&chosen), "{chosen}");
                let subprotocol = chosen.to_owned();
                Ok(Self {
                    stream,
                    subprotocol,
                })
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(Box::new(Refused {
                    status: StatusCode::from_u16(response.status().as_u16()).unwrap(),
                    retry_after: response.headers().contains_key("retry-after"),
                    body: serde_json::from_slice(body).unwrap(),
                }))
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn say(&mut self, text: &str) {
        soon(self.stream.send(Message::text(text))).await.unwrap();
    }

    /// The next text message.
    pub async fn hear(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("heard {other:?}"),
        }
    }

    /// The next frame that is no ping or pong.
    pub async fn next(&mut self) -> Message {
        loop {
            match soon(self.stream.next())
                .await
                .expect("the socket ended")
                .unwrap()
            {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// The close frame, whatever comes before it.
    pub async fn closed(&mut self) -> CloseFrame {
        loop {
            match soon(self.stream.next())
                .await
                .expect("the socket ended")
                .unwrap()
            {
                Message::Close(Some(frame)) => return frame,
                Message::Close(None) => panic!("a close frame without a code"),
                _ => {}
            }
        }
    }

    /// Nothing is there to hear: proved by hearing one's own message next.
    pub async fn hears_nothing_but_itself(&mut self) {
        self.say("anybody?").await;
        assert_eq!(self.hear().await, "anybody?");
    }
}

pub fn request(address: SocketAddr) -> ClientRequestBuilder {
    ClientRequestBuilder::new(format!("ws://{address}/ws").parse().unwrap())
}

#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    pub retry_after: bool,
    pub body: Value,
}

impl Refused {
    #[track_caller]
    pub fn is_problem(&self, status: u16, slug: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(
            self.body["type"],
            format!("urn:problem-type:{slug}"),
            "{self:?}"
        );
    }
}
