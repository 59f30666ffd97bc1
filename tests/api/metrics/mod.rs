//! Metrics: what is counted, that it is documented, and that nothing of it grows
//! with users or rooms.

mod counted;
mod documented;
mod exposition;
mod listeners;
mod traffic;

pub use self::exposition::Exposition;
use crate::service::{Service, soon};

/// What a service says of itself.
pub async fn scrape(service: &Service) -> Exposition {
    scrape_at(&service.url("/metrics")).await
}

async fn scrape_at(url: &str) -> Exposition {
    let response = soon(crate::service::client().get(url).send())
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let media_type = response.headers()["content-type"].to_str().unwrap();
    assert_eq!(
        media_type,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    Exposition::parse(&soon(response.text()).await.unwrap())
}
