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
}

impl Socket {
    /// Opens a socket as a browser does: `new WebSocket(url, ["bearer", token])`.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self, Box<Refused>> {
        Self::ask(
            request(address)
                .with_sub_protocol("bearer")
                .with_sub_protocol(token),
        )
        .await
    }

    pub async fn ask(request: ClientRequestBuilder) -> Result<Self, Box<Refused>> {
        match soon(connect_async(request)).await {
            Ok((stream, response)) => {
                let chosen = response.headers().get("sec-websocket-protocol").unwrap();
                assert_eq!(chosen, "bearer", "the token is never sent back");
                Ok(Self { stream })
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
