//! Who gets in: bearers of a valid token, from a page that is on the list.

use crate::{
    mint,
    service::{Service, until},
    socket::{Socket, request},
};

async fn with_origin(service: &Service, origin: &str) -> Option<(u16, String)> {
    let token = mint::token(&mint::claims("lobby"));
    let asked = request(service.address)
        .with_header("Origin", origin)
        .with_sub_protocol("bearer")
        .with_sub_protocol(token);
    let refused = Socket::ask(asked).await.err()?;
    Some((
        refused.status.as_u16(),
        refused.body["type"].as_str().unwrap().to_owned(),
    ))
}

#[tokio::test]
async fn listed_origins_get_in_and_others_do_not() {
    let service = Service::start().await;
    for origin in ["http://localhost:3000", "http://127.0.0.1:3000"] {
        assert_eq!(with_origin(&service, origin).await, None, "{origin}");
    }
    let refused = Some((403, "urn:problem-type:origin-not-allowed".to_owned()));
    for origin in [
        "null",
        "http://localhost",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.evil.example",
        "http://evil.example:3000",
        "http://evil.example/http://localhost:3000",
        "http://localhost:3000@evil.example",
        "http://localhost:3000/",
        "http://xlocalhost:3000",
    ] {
        assert_eq!(with_origin(&service, origin).await, refused, "{origin}");
    }
}

#[tokio::test]
async fn clients_without_an_origin_are_let_in_by_setting() {
    let service = Service::with(&[("APP__WS__ALLOW_MISSING_ORIGIN", "false")]).await;
    let token = mint::token(&mint::claims("lobby"));
    let refused = Socket::open(service.address, &token).await.err().unwrap();
    refused.is_problem(403, "origin-not-allowed");
    assert_eq!(with_origin(&service, "http://localhost:3000").await, None);
}

#[tokio::test]
async fn the_token_is_offered_once_behind_bearer() {
    let service = Service::start().await;
    let token = mint::token(&mint::claims("lobby"));
    let offers: [&[&str]; 6] = [
        &["bearer"],
        &[&token],
        &[&token, "bearer"],
        &["bearer", &token, &token],
        &["bearer", "bearer", &token],
        &["chat", "bearer", &token],
    ];
    for offer in offers {
        let asked = offer
            .iter()
            .fold(request(service.address), |asked, protocol| {
                asked.with_sub_protocol(*protocol)
            });
        let refused = Socket::ask(asked).await.err().unwrap();
        refused.is_problem(403, "token-required");
    }
}

#[tokio::test]
async fn tokens_elsewhere_do_not_count() {
    let service = Service::start().await;
    let token = mint::token(&mint::claims("lobby"));
    let url = format!(
        "ws://{}/ws?token={token}&access_token={token}",
        service.address
    );
    let asked =
        tokio_tungstenite::tungstenite::client::ClientRequestBuilder::new(url.parse().unwrap())
            .with_header("Authorization", format!("Bearer {token}"));
    let refused = Socket::ask(asked).await.err().unwrap();
    refused.is_problem(403, "token-required");
}

#[tokio::test]
async fn a_user_and_a_node_have_only_so_many_sockets() {
    let service = Service::with(&[
        ("APP__WS__MAX_CONNECTIONS", "3"),
        ("APP__WS__MAX_CONNECTIONS_PER_USER", "2"),
    ])
    .await;
    let ann = mint::token(&mint::claims("lobby"));
    let _first = service.socket(&ann).await;
    let second = service.socket(&ann).await;
    let refused = Socket::open(service.address, &ann).await.err().unwrap();
    refused.is_problem(429, "too-many-sockets-of-user");
    assert!(refused.retry_after);

    let _bob = service.socket_in("lobby").await;
    let token = mint::token(&mint::claims("lobby"));
    let refused = Socket::open(service.address, &token).await.err().unwrap();
    refused.is_problem(503, "too-many-sockets");
    assert!(refused.retry_after);

    drop(second);
    let sockets = service.gateway.sockets().clone();
    until("there is room again", || sockets.count() == 2).await;
    let _third = service.socket(&ann).await;
}

#[tokio::test]
async fn who_may_only_hear_hears_and_is_closed_when_it_speaks() {
    let service = Service::start().await;
    let mut claims = mint::claims("lobby");
    claims["grant"] = "r".into();
    let mut reader = service.socket(&mint::token(&claims)).await;
    let mut speaker = service.socket_in("lobby").await;
    speaker.say("hello").await;
    assert_eq!(reader.hear().await, "hello");
    reader.say("me too").await;
    assert_eq!(u16::from(reader.closed().await.code), 4507);
    assert_eq!(speaker.hear().await, "hello");
    speaker.hears_nothing_but_itself().await;
}
