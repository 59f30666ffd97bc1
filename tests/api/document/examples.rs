//! The examples of the document work: sent as they stand there, they do what
//! they are examples of, and what comes back looks as it does there.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::contract::Contract;
use crate::{
    second_factor::{self, App},
    service::{Answer, PASSWORD, Service, keeps_history},
};

/// Somebody who does everything that the document has an example of.
struct Reader<'a> {
    contract: &'a Contract,
    service: &'a Service,
    token: String,
    done: BTreeSet<String>,
}

impl Reader<'_> {
    /// Sends the example of an operation, with what only the service can know.
    async fn sends(&mut self, id: &str, values: &[(&str, &str)], known: Value) -> Answer {
        let operation = self.contract.operation(id);
        let mut request = operation.request(self.service, values);
        if operation.takes_a_token() {
            request = request.bearer_auth(&self.token);
        }
        if operation.takes_a_body() {
            let mut body = operation.body();
            for (name, value) in known.as_object().unwrap() {
                assert!(body.get(name).is_some(), "{id}: {name}");
                body[name] = value.clone();
            }
            request = request.json(&body);
        }
        let answer = Answer::of(request).await;
        assert!(answer.status.is_success(), "{id}: {answer:?}");
        operation.assert_describes(&answer);
        self.done.insert(id.to_owned());
        answer
    }

    /// The same, where the answer should look like its example.
    async fn sees(&mut self, id: &str, values: &[(&str, &str)], known: Value) -> Answer {
        let answer = self.sends(id, values, known).await;
        self.contract.operation(id).assert_shows(&answer);
        answer
    }
}

#[tokio::test]
async fn every_example_works() {
    let service = Service::with(&[second_factor::KEY]).await;
    let contract = Contract::committed();
    let mut ann = Reader {
        contract: &contract,
        service: &service,
        token: String::new(),
        done: BTreeSet::new(),
    };
    service.register("bob", PASSWORD).await;

    for id in ["health", "ready", "live", "openapi", "asyncapi"] {
        ann.sends(id, &[], json!({})).await;
    }
    ann.sees("jwks", &[], json!({})).await;
    ann.sees("register", &[], json!({})).await;
    let tokens = ann.sees("login", &[], json!({})).await.body;
    let known = json!({ "refresh_token": tokens["refresh_token"] });
    let tokens = ann.sees("refresh", &[], known).await.body;
    ann.token = tokens["access_token"].as_str().unwrap().to_owned();
    ann.sees("me", &[], json!({})).await;
    let sessions = ann.sees("listSessions", &[], json!({})).await.body;

    let room = ann.sees("createRoom", &[], json!({})).await;
    let name = room.body["room"].as_str().unwrap();
    assert_eq!(room.header("location"), format!("/rooms/{name}"));
    let room = [("room", name)];
    // The examples of a place in a list are one that is behind everything.
    let page = [("after", "0"), ("room", name)];
    ann.sees("listRooms", &page, json!({})).await;
    ann.sees("getRoom", &room, json!({})).await;
    ann.sees("listMembers", &page, json!({})).await;
    let added = ann.sees("putMember", &room, json!({})).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let changed = ann.sees("putMember", &room, json!({})).await;
    assert_eq!(changed.status, StatusCode::OK);
    ann.sees("roomToken", &room, json!({})).await;
    let said = ann.sends("publish", &room, json!({})).await;
    if keeps_history() {
        contract.operation("publish").assert_shows(&said);
        let position = said.body["position"].as_str().unwrap();
        let since = [("room", name), ("since", position)];
        ann.sends("history", &since, json!({})).await;
    }
    ann.sends("history", &room, json!({})).await;
    ann.sends("removeMember", &room, json!({})).await;
    ann.sends("deleteRoom", &room, json!({})).await;

    let told = service.post_as(
        &ann.token,
        "/rooms",
        json!({"title": "x", "presence": true}),
    );
    let told = told.await.body;
    let told = [("room", told["room"].as_str().unwrap())];
    ann.sees("presence", &told, json!({})).await;

    let app = App::told(&ann.sends("addTotp", &[], json!({})).await);
    second_factor::young_step().await;
    let code = json!({"code": app.shows(-1)});
    ann.sends("confirmTotp", &[], code).await;
    let code = json!({"code": app.shows(0)});
    ann.sends("removeTotp", &[], code).await;

    ann.sends("changePassword", &[], json!({})).await;
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    ann.sends("endSession", &[("sid", id)], json!({})).await;
    let tokens = service.sign_in("ann").await;
    ann.token = tokens.access;
    ann.sends("logout", &[], json!({})).await;

    let all = contract.operations().map(|operation| operation.id);
    let left: Vec<&str> = all.filter(|id| !ann.done.contains(*id)).collect();
    // Its handshake is in `sockets`.
    assert_eq!(left, ["openSocket"]);
}

#[tokio::test]
async fn public_keys_look_as_described() {
    let service = Service::with(&[("JWT_SECRET", "")]).await;
    let contract = Contract::committed();
    let operation = contract.operation("jwks");
    let answer = Answer::of(operation.request(&service, &[])).await;
    operation.assert_describes(&answer);
    assert_eq!(answer.body["keys"].as_array().unwrap().len(), 1);
}
