//! What EXTENDING.md says how to add is there: this runs in a copy of the
//! project in which it was added.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{fs, net::SocketAddr, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use service::{
    config::{Config, Role, Sources},
    router,
    server::Server,
    wiring,
    ws::asyncapi,
};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{ClientRequestBuilder, Message},
};

const SECRET: &str = "a-secret-of-tests-9f2c61d07be84a53";
const PASSWORD: &str = "plum-tractor-91-violin";

struct Service {
    address: SocketAddr,
    folder: TempDir,
    config: Config,
}

impl Service {
    async fn start(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.db");
        let mut sources = Sources::default()
            .variable("DATABASE_URL", format!("sqlite:{}", file.display()))
            .variable("GATEWAY_BIND_ADDR", "127.0.0.1:0")
            .variable("JWT_SECRET", SECRET)
            .variable("APP__PASSWORDS__MEMORY_KIB", "64")
            .variable("APP__PASSWORDS__ITERATIONS", "1");
        for (name, value) in variables {
            sources = sources.variable(name, *value);
        }
        let config = Config::load(&sources).unwrap().config;
        let server = Server::bind(&config).await.unwrap();
        let address = server.local_addr();
        tokio::spawn(server.run(std::future::pending()));
        Self {
            address,
            folder,
            config,
        }
    }

    async fn ask(
        &self,
        token: Option<&str>,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let url = format!("http://{}{path}", self.address);
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .unwrap();
        let mut request = match body {
            Some(body) => client.post(url).json(&body),
            None => client.get(url),
        };
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = soon(request.send()).await.unwrap();
        let status = answer.status();
        (status, soon(answer.json()).await.unwrap_or_default())
    }

    /// Registers and signs in.
    async fn sign_up(&self, name: &str) -> String {
        let credentials = json!({"username": name, "password": PASSWORD});
        let (made, _) = self
            .ask(None, "/auth/register", Some(credentials.clone()))
            .await;
        assert_eq!(made, StatusCode::CREATED);
        let (_, tokens) = self.ask(None, "/auth/login", Some(credentials)).await;
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    async fn room_token(&self, token: &str, room: &str) -> (StatusCode, Value) {
        self.ask(
            Some(token),
            &format!("/rooms/{room}/token"),
            Some(json!({})),
        )
        .await
    }

    async fn socket(&self, token: &str) -> Socket {
        let uri = format!("ws://{}/ws", self.address).parse().unwrap();
        let mut request = ClientRequestBuilder::new(uri);
        for protocol in ["rooms.v1", "bearer", token] {
            request = request.with_sub_protocol(protocol);
        }
        let (stream, _) = soon(tokio_tungstenite::connect_async(request))
            .await
            .unwrap();
        let mut socket = Socket(stream);
        assert_eq!(socket.event().await["type"], "welcome");
        socket
    }
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn event(&mut self) -> Value {
        loop {
            if let Message::Text(text) = soon(self.0.next()).await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    async fn ask(&mut self, command: Value) -> Value {
        soon(self.0.send(command.to_string().into())).await.unwrap();
        loop {
            let event = self.event().await;
            if event["id"] == command["id"] {
                return event;
            }
        }
    }
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future).await.unwrap()
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_route() {
    let service = Service::start(&[]).await;
    let token = service.sign_up("ann").await;
    let (status, body) = service.ask(Some(&token), "/greeting", None).await;
    assert_eq!(
        (status, body),
        (StatusCode::OK, json!({"text": "Hello, ann"}))
    );
    let (status, _) = service.ask(None, "/greeting", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (_, document) = service.ask(None, "/openapi.json", None).await;
    let operation = &document["paths"]["/greeting"]["get"];
    assert_eq!(operation["operationId"], "greet");
    assert_eq!(operation["security"], json!([{"bearer": []}]));
    assert!(operation["responses"]["401"].is_object());
    let tags = document["tags"].as_array().unwrap();
    assert!(tags.iter().any(|tag| tag["name"] == "own"));
}

#[tokio::test]
async fn a_claim() {
    let service = Service::start(&[]).await;
    let bytes = |room: &Value| json!({"type": "publish", "id": "1", "room": room, "data": "AP+A", "encoding": "base64"});
    for (name, plan, answer) in [
        ("pro-ann", json!("pro"), "ack"),
        ("bob", Value::Null, "error"),
    ] {
        let token = service.sign_up(name).await;
        assert_eq!(claims(&token)["plan"], plan);
        let (_, me) = service.ask(Some(&token), "/auth/me", None).await;
        assert_eq!(me["plan"], plan);
        let own = &claims(&token)["room"];
        let (_, room) = service.room_token(&token, own.as_str().unwrap()).await;
        assert_eq!(claims(room["access_token"].as_str().unwrap())["plan"], plan);
        let mut socket = service.socket(&token).await;
        assert_eq!(socket.ask(bytes(own)).await["type"], answer);
    }
    let document = serde_json::to_value(router::document(&[Role::Auth])).unwrap();
    let me = document["components"]["schemas"]["MeResponse"].to_string();
    assert!(me.contains("\"plan\""), "{me}");
}

#[tokio::test]
async fn a_claim_that_makes_no_sense() {
    let service = Service::start(&[]).await;
    let good = service.sign_up("pro-ann").await;
    for (plan, status) in [("pro", StatusCode::OK), ("gold", StatusCode::UNAUTHORIZED)] {
        let mut claims = claims(&good);
        claims["plan"] = json!(plan);
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = encode(&json!({"typ": "at+jwt", "alg": "HS256"}));
        let message = format!("{header}.{}", encode(&claims));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()));
        let token = format!("{message}.{signature}");
        let (answer, _) = service.ask(Some(&token), "/auth/me", None).await;
        assert_eq!(answer, status);
    }
}

#[tokio::test]
async fn a_migration() {
    let service = Service::start(&[]).await;
    let stored: Vec<u8> = ["accounts.db", "accounts.db-wal"]
        .iter()
        .filter_map(|file| fs::read(service.folder.path().join(file)).ok())
        .flatten()
        .collect();
    assert!(String::from_utf8_lossy(&stored).contains("CREATE TABLE plans"));
}

#[tokio::test]
async fn a_message_type() {
    let service = Service::start(&[]).await;
    let token = service.sign_up("ann").await;
    let mut socket = service.socket(&token).await;
    let answer = socket.ask(json!({"type": "seats", "id": "1"})).await;
    assert_eq!(answer, json!({"type": "seats", "id": "1", "count": 1}));
    let document: Value = serde_json::from_str(&asyncapi::document_json().unwrap()).unwrap();
    let messages = &document["components"]["messages"];
    for message in ["SeatsCommand", "SeatsEvent"] {
        assert_ne!(messages[message]["examples"], json!([]), "{message}");
        assert!(messages[message]["examples"].is_array(), "{message}");
    }
}

#[tokio::test]
async fn who_may_join_a_room() {
    let service = Service::start(&[]).await;
    let ann = service.sign_up("ann").await;
    let (status, lobby) = service.room_token(&ann, "lobby").await;
    assert_eq!((status, &lobby["grant"]), (StatusCode::OK, &json!("rw")));
    let mut socket = service
        .socket(lobby["access_token"].as_str().unwrap())
        .await;
    let said = json!({"type": "publish", "id": "1", "room": "lobby", "data": "hello"});
    assert_eq!(socket.ask(said).await["type"], "ack");
    // Others are what they were: members'.
    let (status, _) = service.room_token(&ann, "elsewhere").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, made) = service
        .ask(Some(&ann), "/rooms", Some(json!({"title": "Tea"})))
        .await;
    let (status, _) = service
        .room_token(&ann, made["room"].as_str().unwrap())
        .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_backend() {
    let service = Service::start(&[("APP__BUS__KIND", "plain")]).await;
    assert_eq!(
        wiring::describe(&service.config).1,
        "plain (rooms of this process)"
    );
    let (ann, bob) = (service.sign_up("ann").await, service.sign_up("bob").await);
    let (_, ann) = service.room_token(&ann, "lobby").await;
    let (_, bob) = service.room_token(&bob, "lobby").await;
    let mut ann = service.socket(ann["access_token"].as_str().unwrap()).await;
    let mut bob = service.socket(bob["access_token"].as_str().unwrap()).await;
    let said = json!({"type": "publish", "id": "1", "room": "lobby", "data": "hello"});
    assert_eq!(ann.ask(said).await["type"], "ack");
    loop {
        let event = bob.event().await;
        if event["type"] == "message" {
            assert_eq!(event["data"], "hello");
            break;
        }
    }
}
