//! Who has the account, and goes on with it meanwhile.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot, time::interval};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::ClientRequestBuilder},
};

use crate::{attack::name, harness::Outcome};

/// Where the owner is at home.
const HOME: &str = "192.0.2.7";
const PASSWORD: &str = "plum-tractor-91-violin";
/// How often something is done.
const PACE: Duration = Duration::from_secs(2);
/// How many have accounts, beside the names that nobody has.
const ENROLLED: u32 = 50;

/// Who has the account.
pub(crate) struct Owner {
    client: Client,
    address: SocketAddr,
    tokens: Tokens,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What the owner did.
#[derive(Debug, Default)]
pub(crate) struct Days {
    pub(crate) sign_ins: u64,
    pub(crate) refreshes: u64,
    pub(crate) heard: u64,
    /// Whatever of it was refused.
    pub(crate) refused: u64,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

impl Owner {
    /// Registers, and signs in from home.
    pub(crate) async fn settle(address: SocketAddr) -> Outcome<Self> {
        let client = Client::builder().tls_certs_only([]).build()?;
        for account in 0..ENROLLED {
            let from = format!("192.0.2.{}", 100 + account);
            let body = credentials(account);
            let answer = post(&client, address, &from, "/auth/register", &body).await?;
            if answer.status() != StatusCode::CREATED {
                return Err(format!("registering was answered {}", answer.status()).into());
            }
        }
        let answer = post(&client, address, HOME, "/auth/login", &credentials(0)).await?;
        let tokens: Tokens = answer.error_for_status()?.json().await?;
        let asked = ClientRequestBuilder::new(format!("ws://{address}/ws").parse()?)
            .with_sub_protocol("bearer")
            .with_sub_protocol(tokens.access_token.as_str());
        let (socket, _) = connect_async(asked).await?;
        Ok(Self {
            client,
            address,
            tokens,
            socket,
        })
    }

    /// Every other second: says something on the socket and hears it, asks who this
    /// is, refreshes the session, and signs in once more.
    pub(crate) async fn live_until(mut self, mut over: oneshot::Receiver<()>) -> Outcome<Days> {
        let mut days = Days::default();
        let mut pace = interval(PACE);
        loop {
            pace.tick().await;
            self.live(&mut days).await?;
            if over.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                return Ok(days);
            }
        }
    }

    async fn live(&mut self, days: &mut Days) -> Outcome<()> {
        self.socket.send(Message::text("anybody?")).await?;
        loop {
            match self.socket.next().await.ok_or("the socket ended")?? {
                Message::Text(text) if text == "anybody?" => break,
                Message::Ping(_) | Message::Pong(_) => {}
                other => return Err(format!("the socket heard {other:?}").into()),
            }
        }
        days.heard += 1;
        let refresh = json!({"refresh_token": self.tokens.refresh_token});
        let answer = self.post("/auth/refresh", &refresh).await?;
        if answer.status() == StatusCode::OK {
            self.tokens = answer.json().await?;
            days.refreshes += 1;
        } else {
            days.refused += 1;
        }
        let me = self.client.get(format!("http://{}/auth/me", self.address));
        let me = me.bearer_auth(&self.tokens.access_token).send().await?;
        days.refused += u64::from(me.status() != StatusCode::OK);
        let answer = self.post("/auth/login", &credentials(0)).await?;
        if answer.status() == StatusCode::OK {
            days.sign_ins += 1;
        } else {
            days.refused += 1;
        }
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value) -> Outcome<Response> {
        post(&self.client, self.address, HOME, path, body).await
    }
}

fn credentials(account: u32) -> Value {
    json!({"username": name(account), "password": PASSWORD})
}

async fn post(
    client: &Client,
    address: SocketAddr,
    from: &str,
    path: &str,
    body: &Value,
) -> Outcome<Response> {
    let url = format!("http://{address}{path}");
    let asked = client.post(url).header("x-forwarded-for", from);
    Ok(asked.json(body).send().await?)
}
