//! Every kind of request, with canaries wherever a secret belongs, and wherever
//! people put one by mistake.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Message, client::ClientRequestBuilder};

use super::canary::Canaries;
use crate::process::{PASSWORD, Process, SOON};

/// One who does all that, and what the answers were.
pub struct Everything {
    service: Option<Arc<Process>>,
    client: reqwest::Client,
    pub canaries: Canaries,
    /// Which answer, and it, with the names of what it must hold.
    pub answers: Vec<(String, String, Vec<&'static str>)>,
}

impl Everything {
    pub fn of(service: &Arc<Process>) -> Self {
        let client = reqwest::Client::builder().tls_certs_only([]);
        Self {
            service: Some(Arc::clone(service)),
            client: client.build().unwrap(),
            canaries: Canaries::default(),
            answers: Vec::new(),
        }
    }

    fn service(&self) -> &Process {
        self.service.as_ref().unwrap()
    }

    /// Waits for its end; the log.
    pub fn end(&mut self, service: Arc<Process>) -> String {
        self.service = None;
        Arc::into_inner(service).unwrap().wait().1
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.service().address);
        self.client.request(method, url).timeout(SOON)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// Keeps the answer; `holds` is what it may hold, by name.
    async fn ask(&mut self, request: RequestBuilder, holds: &[&'static str]) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = format!("{:?}", response.headers());
        let path = response.url().path().to_owned();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = (format!("{status} {path}"), headers + &text, holds.to_vec());
        self.answers.push(answer);
        (status, body)
    }

    /// All of it.
    pub async fn happens(&mut self) {
        self.canaries.add("the password", PASSWORD);
        self.people_register_badly().await;
        let made = self
            .service()
            .credentials("/auth/register", "ann")
            .await
            .unwrap();
        assert_eq!(made.0, 201, "{}", made.1);
        self.people_sign_in_badly().await;
        let (_, refresh) = self.sign_in().await;
        let (access, refresh) = self.refreshes(&refresh).await;
        self.tokens_are_put_anywhere(&access).await;
        self.bodies_are_wrong(&access, &refresh).await;
        self.rooms(&access).await;
        self.sockets(&access).await;
        self.heads_are_wrong(&access).await;
        self.the_password_is_changed().await;
    }

    async fn people_register_badly(&mut self) {
        let long = format!("canary-too-long-{}", "x".repeat(2000));
        let weak = self.canaries.make("a weak password", "canary12");
        let long = self.canaries.make("a long password", long);
        let odd = self
            .canaries
            .make("an odd password", "canary\u{7}with-a-bell");
        for password in [&weak, &long, &odd] {
            let body = json!({"username": "bob", "password": password});
            let (status, _) = self.ask(self.post("/auth/register").json(&body), &[]).await;
            assert_eq!(status, 400);
        }
        // In the wrong field.
        let typed = self
            .canaries
            .make("a password as a name", "Canary in the wrong field!");
        let body = json!({"username": typed, "password": PASSWORD});
        for path in ["/auth/register", "/auth/login"] {
            self.ask(self.post(path).json(&body), &[]).await;
        }
    }

    async fn people_sign_in_badly(&mut self) {
        let hash = "$argon2id$v=19$m=64,t=1,p=1$Y2FuYXJ5c2FsdGNhbmFyeQ$Y2FuYXJ5aGFzaGNhbmFyeWhhc2g";
        let malformed = "$argon2id$v=99$m=canary,t=none$canary-malformed";
        for (what, password) in [
            ("a wrong password", "canary-wrong-password"),
            ("a hash", hash),
            ("a malformed hash", malformed),
        ] {
            let password = self.canaries.make(what, password);
            for username in ["ann", "nobody"] {
                let body = json!({"username": username, "password": password});
                let (status, _) = self.ask(self.post("/auth/login").json(&body), &[]).await;
                assert_eq!(status, 401);
            }
        }
        let basic = self
            .canaries
            .make("a password in a header", "canary-basic-password");
        let request = self.post("/auth/login").basic_auth("ann", Some(basic));
        self.ask(request, &[]).await;
    }

    async fn sign_in(&mut self) -> (String, String) {
        let body = json!({"username": "ann", "password": PASSWORD});
        let holds = ["an access token", "a refresh token"];
        let (status, tokens) = self.ask(self.post("/auth/login").json(&body), &holds).await;
        assert_eq!(status, 200);
        self.keep(&tokens)
    }

    fn keep(&mut self, tokens: &Value) -> (String, String) {
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        self.canaries.token("an access token", &access);
        self.canaries.token("a refresh token", &refresh);
        (access, refresh)
    }

    /// Right, repeated, reused, forged, and malformed ones, which end the
    /// session; the tokens of another are given back.
    async fn refreshes(&mut self, first: &str) -> (String, String) {
        let holds = ["an access token", "a refresh token"];
        let present = |token: &str| json!({"refresh_token": token});
        let mut latest = first.to_owned();
        for token in [first, first] {
            let request = self.post("/auth/refresh").json(&present(token));
            let (status, tokens) = self.ask(request, &holds).await;
            assert_eq!(status, 200);
            latest = self.keep(&tokens).1;
        }
        let request = self.post("/auth/refresh").json(&present(&latest));
        let (_, tokens) = self.ask(request, &holds).await;
        self.keep(&tokens);
        let forged: String = latest.chars().rev().collect();
        self.canaries.add("a forged refresh token", &forged);
        let malformed = self
            .canaries
            .make("a malformed refresh token", "canary-refresh-token");
        for token in [first, &forged, &malformed] {
            let request = self.post("/auth/refresh").json(&present(token));
            assert_eq!(self.ask(request, &[]).await.0, 401);
        }
        self.sign_in().await
    }

    async fn tokens_are_put_anywhere(&mut self, access: &str) {
        let bad = self
            .canaries
            .make("a bad access token", "canary.access.token-that-is-none");
        let (head, signature) = access.rsplit_once('.').unwrap();
        let forged: String = signature.chars().rev().collect();
        let forged = format!("{head}.{forged}");
        self.canaries.token("a forged access token", &forged);
        for token in [&*bad, &*forged, access] {
            let get = |path: &str| self.request(Method::GET, path);
            let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
            let requests = [
                get("/auth/me").bearer_auth(token),
                get("/auth/me").header("authorization", format!("Token {token}")),
                get("/auth/me").bearer_auth(token).bearer_auth(token),
                get("/auth/me").header("cookie", format!("access_token={token}")),
                get("/auth/me").header("x-access-token", token),
                get("/auth/me").header("referer", format!("http://x/?token={token}")),
                get(&format!("/auth/me?access_token={encoded}")),
                get(&format!(
                    "/nothing?token={encoded}&password=canary-in-a-query"
                )),
                get(&format!("/ws?token={encoded}")),
                get(&format!("/rooms?after={encoded}")).bearer_auth(token),
                get("/ws").header("sec-websocket-protocol", format!("bearer, {token}")),
            ];
            for request in requests {
                self.ask(request, &[]).await;
            }
        }
        self.canaries
            .add("a password in a query", "canary-in-a-query");
    }

    async fn bodies_are_wrong(&mut self, access: &str, refresh: &str) {
        let body = self.canaries.make("a body", "canary-in-a-body");
        let bodies = [
            format!(r#"{{"username":"ann","password":"{body}""#),
            format!(r#"{{"username":"ann","password":["{body}"]}}"#),
            format!(r#"{{"username":"ann","password":{{"{body}":1}}}}"#),
            format!(r#"{{"username":"ann","password":"x","{body}":"{body}"}}"#),
            format!(r#"{{"username":"ann","refresh_token":"{refresh}","password":1}}"#),
            format!("username=ann&password={body}"),
            format!("\"{body}\""),
            body,
        ];
        for path in [
            "/auth/register",
            "/auth/login",
            "/auth/refresh",
            "/auth/password",
            "/rooms",
        ] {
            for body in &bodies {
                for media_type in ["application/json", "text/plain"] {
                    let request = self.post(path).bearer_auth(access);
                    let request = request
                        .header("content-type", media_type)
                        .body(body.clone());
                    self.ask(request, &[]).await;
                }
            }
        }
    }

    async fn rooms(&mut self, access: &str) {
        let holds = ["an access token"];
        let body = json!({"title": "Tea at five"});
        let request = self.post("/rooms").bearer_auth(access).json(&body);
        let (status, made) = self.ask(request, &[]).await;
        assert_eq!(status, 201, "{made}");
        let room = made["room"].as_str().unwrap().to_owned();
        let request = self
            .post(&format!("/rooms/{room}/token"))
            .bearer_auth(access);
        let (_, seat) = self.ask(request, &holds).await;
        self.canaries
            .token("an access token", seat["access_token"].as_str().unwrap());
        let said = self.canaries.make(
            "what somebody says",
            "canary: what people say to each other",
        );
        let path = format!("/rooms/{room}/messages");
        let request = self
            .post(&path)
            .bearer_auth(access)
            .json(&json!({"data": said}));
        let request = request.header("idempotency-key", "1");
        assert_eq!(self.ask(request, &[]).await.0, 201);
        let request = self.request(Method::GET, &path).bearer_auth(access);
        self.ask(request, &["what somebody says"]).await;
    }

    async fn sockets(&mut self, access: &str) {
        let said = self
            .canaries
            .make("what a socket says", "canary: what a socket says");
        for protocols in [&["bearer"][..], &["rooms.v1", "bearer"]] {
            let url = format!("ws://{}/ws?token={access}", self.service().address);
            let mut request = ClientRequestBuilder::new(url.parse().unwrap());
            for protocol in protocols {
                request = request.with_sub_protocol(*protocol);
            }
            let request = request.with_sub_protocol(access);
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
            let room = "0123456789abcdef";
            for text in [
                said.clone(),
                json!({"type": "publish", "id": "1", "room": room, "data": said}).to_string(),
                json!({"type": "join", "id": "2", "token": "canary-join-token"}).to_string(),
                json!({"type": "auth", "id": "3", "token": access}).to_string(),
                json!({"type": said, "token": access}).to_string(),
            ] {
                socket.send(Message::text(text)).await.unwrap();
            }
            // They have been answered, or heard.
            let heard = async {
                for _ in 0..5 {
                    let _ = socket.next().await;
                }
            };
            timeout(SOON, heard).await.unwrap();
            let _ = socket.close(None).await;
            let rest = async { while let Some(Ok(_)) = socket.next().await {} };
            timeout(SOON, rest).await.unwrap();
        }
        self.canaries
            .add("a token that joins nothing", "canary-join-token");
    }

    /// What no client would send.
    async fn heads_are_wrong(&mut self, access: &str) {
        let odd = self.canaries.make("an odd head", "canary-in-an-odd-head");
        for head in [
            format!("GET /auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {access}\0\r\n\r\n"),
            format!("GET /{odd} \r\n{odd}\r\n\r\n"),
            format!("GET / HTTP/1.1\r\nHost: x\r\n{odd} : {odd}\r\n\r\n"),
            format!("POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: x{odd}\r\n\r\n{odd}"),
            format!(
                "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {odd}\r\n\
                 Sec-WebSocket-Protocol: bearer\r\nSec-WebSocket-Protocol: {access}\r\n\
                 Sec-WebSocket-Protocol: {odd}\r\n\r\n"
            ),
        ] {
            let mut stream = TcpStream::connect(&*self.service().address).await.unwrap();
            let _ = stream.write_all(head.as_bytes()).await;
            let mut answer = vec![0; 4096];
            let read = timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
            let read = read.unwrap_or(Ok(0)).unwrap_or(0);
            let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
            self.answers
                .push(("an odd head".to_owned(), answer, Vec::new()));
        }
    }

    async fn the_password_is_changed(&mut self) {
        let (access, _) = self.sign_in().await;
        let new = self
            .canaries
            .make("a new password", "canary-new-plum-tractor-91");
        for (current, new, expected) in [
            ("canary-wrong-password", &*new, 401),
            (PASSWORD, "canary12", 400),
            (PASSWORD, &*new, 204),
        ] {
            let body = json!({"current_password": current, "new_password": new});
            let request = self.post("/auth/password").bearer_auth(&access).json(&body);
            assert_eq!(self.ask(request, &[]).await.0, expected);
        }
        let request = self.post("/auth/logout").bearer_auth(&access);
        self.ask(request, &[]).await;
        for path in ["/metrics", "/health"] {
            self.ask(self.request(Method::GET, path), &[]).await;
        }
    }

    /// Somebody who has signed in, before the store breaks; the refresh token.
    pub async fn ann_signs_in(&mut self) -> String {
        self.canaries.add("the password", PASSWORD);
        let made = self.service().credentials("/auth/register", "ann").await;
        assert_eq!(made.unwrap().0, 201);
        self.sign_in().await.1
    }

    /// What is asked of a store that is broken; returns how it was answered.
    pub async fn ask_in_vain(&mut self, refresh: &str) -> Vec<u16> {
        let new = self
            .canaries
            .make("a password in vain", "canary-in-vain-violin-91");
        let requests = [
            (
                "/auth/login",
                json!({"username": "ann", "password": PASSWORD}),
            ),
            ("/auth/login", json!({"username": "ann", "password": new})),
            (
                "/auth/register",
                json!({"username": "bob", "password": new}),
            ),
            ("/auth/refresh", json!({"refresh_token": refresh})),
        ];
        let mut answered = Vec::new();
        for (path, body) in requests {
            let holds = ["an access token", "a refresh token"];
            let (status, _) = self.ask(self.post(path).json(&body), &holds).await;
            answered.push(status);
        }
        answered
    }

    /// Nothing of it stands in what was answered, nor in the log.
    pub fn left_no_trace(&self, log: &str) {
        for (which, answer, holds) in &self.answers {
            self.canaries.assert_none_in(which, answer, holds);
        }
        self.canaries.assert_none_in("the log", log, &[]);
    }
}
