//! Rooms that people manage: the promises of `/rooms`.

mod fragile_bus;
mod history;
mod limits;
mod managing;
mod members;
mod policies;
mod presence;
mod publishing;
mod repeating;
mod sockets;
mod strangers;
mod tokens;

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{Answer, Service};

/// Somebody who is signed in.
pub struct Person<'a> {
    pub service: &'a Service,
    pub access: String,
}

impl<'a> Person<'a> {
    pub async fn new(service: &'a Service, name: &str) -> Self {
        Self {
            service,
            access: service.sign_up(name).await.access,
        }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.service.request(method, path).bearer_auth(&self.access)
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body)).await
    }

    /// Makes a room; its path.
    pub async fn room(&self, title: &str) -> String {
        let made = self.post("/rooms", json!({"title": title})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        made.header("location").to_owned()
    }

    /// Puts somebody into a room of one's own.
    pub async fn adds(&self, room: &str, name: &str, role: &str) {
        let path = format!("{room}/members/{name}");
        let added = self.put(&path, json!({"role": role})).await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    }

    /// A token for a room.
    pub async fn token(&self, room: &str) -> String {
        let answer = Answer::of(self.request(Method::POST, &format!("{room}/token"))).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Says something; the answer's body.
    pub async fn says(&self, room: &str, data: Value) -> Value {
        let path = format!("{room}/messages");
        let said = self.post(&path, json!({"data": data})).await;
        assert_eq!(said.status, StatusCode::CREATED, "{said:?}");
        said.body
    }

    /// The path of one's own room.
    pub fn own_room(&self) -> String {
        format!("/rooms/{}", self.id())
    }

    pub fn id(&self) -> String {
        claims(&self.access)["sub"].as_str().unwrap().to_owned()
    }

    /// Who is in a room.
    pub async fn names(&self, room: &str) -> Vec<String> {
        let path = format!("{room}/members");
        self.pages(&path, "members", "username", 100).await
    }

    /// Every page of a list, `limit` items each; the items' `key`s.
    pub async fn pages(&self, path: &str, list: &str, key: &str, limit: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("{path}?limit={limit}{after}")).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            let items = page.body[list].as_array().unwrap();
            let keys = items
                .iter()
                .map(|item| item[key].as_str().unwrap().to_owned());
            found.extend(keys);
            assert!(items.len() <= limit);
            match page.body.get("next") {
                Some(next) => {
                    assert_eq!(items.len(), limit, "a page before the last is full");
                    after = format!("&after={}", next.as_str().unwrap());
                }
                None => return found,
            }
        }
    }
}

/// What a token claims.
pub fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// A room's name in its path.
pub fn name_in(room: &str) -> &str {
    room.strip_prefix("/rooms/").unwrap()
}

/// An answer without what is of the moment.
pub fn comparable(answer: &Answer) -> (u16, BTreeSet<(String, String)>, Value) {
    let headers = answer.headers.iter();
    let headers = headers
        .filter(|(name, _)| *name != "date" && *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    (answer.status.as_u16(), headers, answer.body_without_id())
}
