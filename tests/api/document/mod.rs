//! The OpenAPI document is the one that is committed, served, and true.

mod contract;
mod examples;
mod refusals;
mod sockets;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use service::{config::Role, problem::ProblemType, router, ws::close::Close};

use crate::service::{Answer, Service};

fn committed() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_committed_document_is_fresh() {
    let fresh = router::document_json(&Role::ALL).unwrap();
    assert_eq!(
        committed(),
        fresh,
        "stale: run `make openapi` and commit the result"
    );
}

#[tokio::test]
async fn the_served_document_is_the_committed_one() {
    let service = Service::start().await;
    let answer = Answer::of(service.request(Method::GET, "/openapi.json")).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.body,
        serde_json::from_str::<Value>(&committed()).unwrap()
    );
}

#[tokio::test]
async fn every_described_operation_is_there_and_answers_as_described() {
    let service = Service::start().await;
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path
                .replace("{sid}", "3f1c9a52-0f0b-4f3c-9d47-2f6f5a3f0c11")
                .replace("{room}", "5e0cf1b2a8d44a3f9f0f6f2f6c1f7a10")
                .replace("{username}", "ann");
            // Without a token or a body: the answer must be a described one.
            let answer = Answer::of(service.request(method, &path)).await;
            let responses = operation["responses"].as_object().unwrap();
            let described = responses.get(answer.status.as_str());
            assert!(described.is_some(), "{id} answers {}", answer.status);
            for (status, response) in responses {
                let text = response["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{id} {status} has no description");
                if status.starts_with(['4', '5'])
                    && !path.starts_with("/health")
                    && path != "/readyz"
                {
                    let problem = &response["content"]["application/problem+json"];
                    let schema = &problem["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/Problem", "{id} {status}");
                    let examples = problem["examples"].as_object().unwrap();
                    assert!(!examples.is_empty(), "{id} {status}");
                    // Also without a token, somebody else's answer is not kept.
                    let cached = &response["headers"]["Cache-Control"]["$ref"];
                    assert_eq!(cached, "#/components/headers/NoStore", "{id} {status}");
                }
            }
            assert!(operation["security"].is_array(), "{id}: who may ask?");
        }
    }
    for id in [
        "register",
        "login",
        "refresh",
        "logout",
        "changePassword",
        "me",
        "listSessions",
        "endSession",
        "createRoom",
        "listRooms",
        "getRoom",
        "deleteRoom",
        "listMembers",
        "putMember",
        "removeMember",
        "roomToken",
        "publish",
        "history",
        "presence",
        "openSocket",
        "health",
        "live",
        "ready",
        "jwks",
        "openapi",
        "asyncapi",
    ] {
        assert!(ids.contains(id), "{id} is not described");
    }
}

#[test]
fn every_problem_is_listed_and_told_what_it_is() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let listed = &document["components"]["schemas"]["Problem"]["properties"]["type"];
    let listed = listed["x-extensible-enum"].as_array().unwrap();
    let guide = document["info"]["description"].as_str().unwrap();
    let all: Vec<&str> = ProblemType::ALL.iter().map(|kind| kind.urn()).collect();
    assert_eq!(listed, &all);
    for kind in ProblemType::ALL {
        let line = format!("`{}` | {} |", kind.urn(), kind.status().as_u16());
        assert!(guide.contains(&line), "{line}");
    }
}

#[test]
fn every_close_code_is_told_of_where_the_socket_is() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let socket = &document["paths"]["/ws"]["get"];
    let guide = socket["description"].as_str().unwrap();
    for close in Close::ALL {
        let line = format!("| {} | {} |", close.code(), close.meaning());
        assert!(guide.contains(&line), "{line}");
    }
}
