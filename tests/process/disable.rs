//! `user disable`: another process ends what goes on in the one that serves.

use futures_util::StreamExt;
use test_servers::Place;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::ClientRequestBuilder},
};

use crate::process::{Process, SOON, output};

#[tokio::test]
async fn whoever_is_disabled_is_out_at_once() {
    let service = Process::start(&[]);
    service.credentials("/auth/register", "ann").await.unwrap();
    let (_, tokens) = service.credentials("/auth/login", "ann").await.unwrap();
    let url = format!("ws://{}/ws", service.address);
    let request = ClientRequestBuilder::new(url.parse().unwrap())
        .with_sub_protocol("bearer")
        .with_sub_protocol(tokens["access_token"].as_str().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();

    let disabled = output(&service.place, &[], &["user", "disable", "Ann"]);
    assert!(disabled.status.success(), "{disabled:?}");
    let said = String::from_utf8(disabled.stdout).unwrap();
    assert_eq!(said, "disabled; 1 sessions ended\n");

    let closed = tokio::time::timeout(SOON, socket.next()).await.unwrap();
    let Some(Ok(Message::Close(Some(close)))) = closed else {
        panic!("{closed:?}");
    };
    assert_eq!(u16::from(close.code), 4503);
    let (status, _) = service.credentials("/auth/login", "ann").await.unwrap();
    assert_eq!(status, 401);
    let refresh = serde_json::json!({"refresh_token": tokens["refresh_token"]});
    let (status, _) = service.post("/auth/refresh", refresh).await.unwrap();
    assert_eq!(status, 401);
}

#[test]
fn nobody_to_disable_is_an_error() {
    let place = Place::new();
    for (name, reason) in [
        ("nobody", "there is no account `nobody`"),
        ("a b", "a username has"),
    ] {
        let refused = output(&place, &[], &["user", "disable", name]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(reason), "{said}");
    }
}

/// Only where accounts are can one be disabled.
#[test]
fn a_gateway_alone_disables_nobody() {
    let place = Place::new();
    let gateway = [("APP__ROLES", "gateway")];
    let refused = output(&place, &gateway, &["user", "disable", "ann"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.ends_with(
            "error: roles: auth is not among them, so there are no accounts here; use the \
             configuration of an auth node\n"
        ),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}
