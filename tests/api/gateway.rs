//! A gateway alone, on a bus that does what a test wants.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use contract::RoomBus;
use hyper_util::rt::TokioIo;
use service::{
    accounts::tokens::{EndedSessions, TokenVerifier, VerificationKeys},
    config::{Config, Sources},
    connection::Connection,
    limits::{Limits, Rates},
    presence::Presence,
    rooms::MembershipChanges,
    ws::{Gate, Gateway, origins::Origins, route, shards::Spread},
};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::mint;

/// A gateway alone, and where it listens.
pub async fn gateway(bus: Arc<dyn RoomBus>) -> (Arc<Gateway>, SocketAddr) {
    gateway_with(bus, &[]).await
}

/// As [`gateway`], with environment variables.
pub async fn gateway_with(
    bus: Arc<dyn RoomBus>,
    variables: &[(&str, &str)],
) -> (Arc<Gateway>, SocketAddr) {
    let secret = Sources::default().variable("JWT_SECRET", mint::SECRET);
    let sources = variables.iter().fold(secret, |sources, (name, value)| {
        sources.variable(name, value)
    });
    let config = Config::load(&sources)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .config;
    let keys = VerificationKeys::from_secret(&mint::SECRET.to_owned().into()).unwrap();
    let (presence, news) = Presence::new(bus.clone());
    let gateway = Gateway::new(
        bus,
        Arc::new(TokenVerifier::new(
            Arc::new(keys),
            "service",
            "service",
            Duration::ZERO,
            Arc::new(EndedSessions::new(Duration::from_secs(600))),
        )),
        Arc::new(MembershipChanges::new(Duration::from_secs(600))),
        presence,
        Gate {
            origins: Origins::new(config.http.allowed_origins.clone()),
            limits: Arc::new(Limits::new(Rates::default())),
        },
        &config.ws,
        Spread::here(),
    );
    tokio::spawn(gateway.clone().tell_presence(news));
    let router = route::routes().into_router().with_state(gateway.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let router = router.clone();
            let service = hyper::service::service_fn(
                move |request: hyper::Request<hyper::body::Incoming>| {
                    router.clone().oneshot(request.map(axum::body::Body::new))
                },
            );
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(Connection::new(stream)), service)
                    .with_upgrades(),
            );
        }
    });
    (gateway, address)
}
