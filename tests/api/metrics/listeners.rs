//! Where metrics are served, and where they are not.

use reqwest::{Method, StatusCode};

use super::scrape_at;
use crate::service::{Answer, Service, client, soon};

#[tokio::test]
async fn they_can_be_off() {
    let service = Service::with(&[("APP__METRICS__BIND", "off")]).await;
    let answer = Answer::of(service.request(Method::GET, "/metrics")).await;
    answer.is_problem(404, "not-found");
}

#[tokio::test]
async fn they_can_have_a_listener_of_their_own_and_nothing_else_is_there() {
    let mut service = Service::with(&[("APP__METRICS__BIND", "127.0.0.1:0")]).await;
    let answer = Answer::of(service.request(Method::GET, "/metrics")).await;
    answer.is_problem(404, "not-found");
    let address = service.metrics.unwrap();
    let said = scrape_at(&format!("http://{address}/metrics")).await;
    assert_eq!(said.value("service_ready", &[]), 1.0);
    for path in ["/auth/me", "/health", "/ws", "/"] {
        let url = format!("http://{address}{path}");
        let answer = Answer::of(client().get(url)).await;
        answer.is_problem(404, "not-found");
    }
    // It goes with the node.
    service.stop().await;
    let url = format!("http://{address}/metrics");
    assert!(soon(client().get(url).send()).await.is_err());
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let service = Service::start().await;
    let answer = Answer::of(service.request(Method::POST, "/metrics")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}
