//! A client of `rooms.v1`, and people whose tokens another back end mints.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    asyncapi::schemas::{COMMANDS, EVENTS, assert_valid},
    mint,
    socket::{Refused, Socket},
};

/// Somebody who is signed in.
#[derive(Clone, Copy)]
pub struct Person {
    pub user: Uuid,
    pub session: Uuid,
}

impl Person {
    pub fn new() -> Self {
        Self {
            user: Uuid::new_v4(),
            session: Uuid::new_v4(),
        }
    }

    pub fn token(&self, room: &str) -> String {
        self.token_with(room, &json!({}))
    }

    /// A token with some claims set otherwise.
    pub fn token_with(&self, room: &str, otherwise: &Value) -> String {
        let mut claims = mint::claims(room);
        claims["sub"] = json!(self.user);
        claims["sid"] = json!(self.session);
        for (name, value) in otherwise.as_object().unwrap() {
            claims[name] = value.clone();
        }
        mint::token(&claims)
    }
}

pub struct Client {
    pub socket: Socket,
    pub welcome: Value,
    ids: u32,
    /// What came before the answer to a command.
    unheard: VecDeque<Value>,
}

impl Client {
    pub async fn open(address: SocketAddr, token: &str) -> Self {
        Self::try_open(address, token, "").await.unwrap()
    }

    /// `query` is what follows `/ws`.
    pub async fn try_open(
        address: SocketAddr,
        token: &str,
        query: &str,
    ) -> Result<Self, Box<Refused>> {
        let mut socket = Socket::open_rooms_v1(address, token, query).await?;
        let welcome = event(&mut socket).await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        Ok(Self {
            socket,
            welcome,
            ids: 0,
            unheard: VecDeque::new(),
        })
    }

    pub async fn send(&mut self, command: &Value) {
        self.socket.say(&command.to_string()).await;
    }

    /// The next event.
    pub async fn event(&mut self) -> Value {
        match self.unheard.pop_front() {
            Some(event) => event,
            None => event(&mut self.socket).await,
        }
    }

    /// The next event, which is of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let event = self.event().await;
        assert_eq!(event["type"], kind, "{event}");
        event
    }

    /// Sends a command and returns what answers it. Other events that come
    /// before are heard after it.
    pub async fn ask(&mut self, mut command: Value) -> Value {
        self.ids += 1;
        command["id"] = json!(self.ids.to_string());
        self.send(&command).await;
        loop {
            let event = event(&mut self.socket).await;
            if event["id"] == command["id"] {
                return event;
            }
            self.unheard.push_back(event);
        }
    }

    /// As `ask`, for a command that has its effect.
    pub async fn done(&mut self, command: Value) -> Value {
        assert_valid(&COMMANDS, &command);
        let answer = self.ask(command).await;
        assert_ne!(answer["type"], "error", "{answer}");
        answer
    }

    /// The code of the error that answers a command.
    pub async fn refused(&mut self, command: Value) -> String {
        let answer = self.ask(command).await;
        assert_eq!(answer["type"], "error", "{answer}");
        answer["code"].as_str().unwrap().to_owned()
    }

    pub async fn join(&mut self, token: &str) -> Value {
        let ack = self.done(json!({"type": "join", "token": token})).await;
        ack["seat"].clone()
    }

    pub async fn publish(&mut self, room: &str, data: impl Into<Value>) -> Value {
        self.done(json!({"type": "publish", "room": room, "data": data.into()}))
            .await
    }

    /// The `data` of the next message, which is one of this room.
    pub async fn hear(&mut self, room: &str) -> Value {
        let message = self.expect("message").await;
        assert_eq!(message["room"], room, "{message}");
        message["data"].clone()
    }

    /// Nothing is there to hear.
    pub async fn hears_nothing(&mut self) {
        self.ask(json!({"type": "ping"})).await;
        assert_eq!(self.unheard, [] as [Value; 0]);
    }

    /// What has come so far is of no interest.
    pub fn forget(&mut self) {
        self.unheard.clear();
    }

    pub async fn closed(&mut self) -> u16 {
        self.socket.closed().await.code.into()
    }
}

/// The next event, which is as the document says.
async fn event(socket: &mut Socket) -> Value {
    let event = serde_json::from_str(&socket.hear().await).unwrap();
    assert_valid(&EVENTS, &event);
    event
}
