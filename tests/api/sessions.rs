//! Where one is signed in, and signing out: here, there, everywhere.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    service::{Answer, Service, Tokens},
    socket::Socket,
};

async fn list(service: &Service, tokens: &Tokens) -> Vec<Value> {
    let answer = service.get("/auth/sessions", &tokens.access).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body["sessions"].as_array().unwrap().clone()
}

async fn end(service: &Service, tokens: &Tokens, session: &str) -> Answer {
    let path = format!("/auth/sessions/{session}");
    Answer::of(
        service
            .request(Method::DELETE, &path)
            .bearer_auth(&tokens.access),
    )
    .await
}

async fn logout(service: &Service, tokens: &Tokens, query: &str) -> Answer {
    let path = format!("/auth/logout{query}");
    Answer::of(
        service
            .request(Method::POST, &path)
            .bearer_auth(&tokens.access),
    )
    .await
}

#[tokio::test]
async fn a_user_sees_every_session_and_which_one_asks() {
    let service = Service::start().await;
    let here = service.sign_up("ann").await;
    let there = service.sign_in("ann").await;
    service.sign_up("bob").await;
    let sessions = list(&service, &here).await;
    assert_eq!(sessions.len(), 2);
    let current: Vec<_> = sessions
        .iter()
        .filter(|session| session["current"] == true)
        .collect();
    let me = service.get("/auth/me", &here.access).await;
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["id"], me.body["session"]);
    assert_eq!(list(&service, &there).await.len(), 2);
}

#[tokio::test]
async fn the_client_that_signed_in_is_named() {
    let service = Service::start().await;
    service.sign_up("ann").await;
    let login = service
        .request(Method::POST, "/auth/login")
        .header("user-agent", format!("Phone/1.0 {}", "x".repeat(500)))
        .json(&serde_json::json!({"username": "ann", "password": crate::service::PASSWORD}));
    let tokens = Tokens::of(&Answer::of(login).await);
    let sessions = list(&service, &tokens).await;
    let agent = sessions
        .iter()
        .find(|session| session["current"] == true)
        .unwrap()["user_agent"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(agent.starts_with("Phone/1.0 x"));
    assert_eq!(agent.len(), 256);
}

#[tokio::test]
async fn logging_out_ends_this_session_alone() {
    let service = Service::start().await;
    let here = service.sign_up("ann").await;
    let there = service.sign_in("ann").await;
    let mut socket_here = service.socket(&here.access).await;
    let mut socket_there = service.socket(&there.access).await;
    assert_eq!(
        logout(&service, &here, "").await.status,
        StatusCode::NO_CONTENT
    );

    let closed = socket_here.closed().await;
    assert_eq!(u16::from(closed.code), 4503);
    service
        .get("/auth/me", &here.access)
        .await
        .is_problem(401, "invalid-token");
    service
        .refresh(&here.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
    let refused = crate::socket::Socket::open(service.address, &here.access)
        .await
        .err()
        .unwrap();
    refused.is_problem(403, "token-required");

    socket_there.hears_nothing_but_itself().await;
    assert_eq!(list(&service, &there).await.len(), 1);
}

#[tokio::test]
async fn logging_out_everywhere_ends_all_of_the_users_and_no_one_elses() {
    let service = Service::start().await;
    let here = service.sign_up("ann").await;
    let there = service.sign_in("ann").await;
    let bob = service.sign_up("bob").await;
    let mut sockets = [
        service.socket(&here.access).await,
        service.socket(&there.access).await,
    ];
    assert_eq!(
        logout(&service, &here, "?all=true").await.status,
        StatusCode::NO_CONTENT
    );
    for socket in &mut sockets {
        assert_eq!(u16::from(socket.closed().await.code), 4503);
    }
    for tokens in [&here, &there] {
        service
            .get("/auth/me", &tokens.access)
            .await
            .is_problem(401, "invalid-token");
        service
            .refresh(&tokens.refresh)
            .await
            .is_problem(401, "invalid-refresh-token");
    }
    assert_eq!(list(&service, &bob).await.len(), 1);
}

#[tokio::test]
async fn a_session_can_be_ended_from_another() {
    let service = Service::start().await;
    let here = service.sign_up("ann").await;
    let there = service.sign_in("ann").await;
    let mut socket = service.socket(&there.access).await;
    let session = service.get("/auth/me", &there.access).await.body["session"].clone();
    let session = session.as_str().unwrap();
    assert_eq!(
        end(&service, &here, session).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(u16::from(socket.closed().await.code), 4503);
    service
        .refresh(&there.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
    end(&service, &here, session)
        .await
        .is_problem(404, "session-not-found");
}

#[tokio::test]
async fn somebody_elses_session_is_as_absent_as_none() {
    let service = Service::start().await;
    let ann = service.sign_up("ann").await;
    let bob = service.sign_up("bob").await;
    let bobs = service.get("/auth/me", &bob.access).await.body["session"].clone();
    let theirs = end(&service, &ann, bobs.as_str().unwrap()).await;
    let nobodys = end(&service, &ann, &Uuid::new_v4().to_string()).await;
    theirs.is_problem(404, "session-not-found");
    assert_eq!(theirs.body_without_id(), nobodys.body_without_id());
    end(&service, &ann, "no-uuid")
        .await
        .is_problem(404, "session-not-found");
    assert_eq!(service.refresh(&bob.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_query_that_is_not_understood_ends_nothing() {
    let service = Service::start().await;
    let ann = service.sign_up("ann").await;
    for query in ["?all=maybe", "?everywhere=true", "?all=true&all=true"] {
        logout(&service, &ann, query)
            .await
            .is_problem(400, "invalid-request");
    }
    assert_eq!(service.refresh(&ann.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_the_answer_is_signed_out_all_the_same() {
    use tokio::io::AsyncWriteExt;
    let service = Service::start().await;
    service.sign_up("ann").await;
    for _ in 0..20 {
        let tokens = service.sign_in("ann").await;
        let mut socket = service.socket(&tokens.access).await;
        let mut client = tokio::net::TcpStream::connect(service.address)
            .await
            .unwrap();
        let request = format!(
            "POST /auth/logout HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            tokens.access
        );
        client.write_all(request.as_bytes()).await.unwrap();
        // Until the row is gone, no earlier and hardly later: in between the
        // store's answer and the announcement is where the client leaves.
        while service.refresh(&tokens.refresh).await.status == StatusCode::OK {}
        drop(client);
        assert_eq!(u16::from(socket.closed().await.code), 4503);
    }
}

#[tokio::test]
async fn a_logout_outlives_a_restart() {
    let service = Service::start().await;
    let out = service.sign_up("ann").await;
    let stays = service.sign_in("ann").await;
    assert_eq!(
        logout(&service, &out, "").await.status,
        StatusCode::NO_CONTENT
    );
    let service = service.restart().await;
    service
        .get("/auth/me", &out.access)
        .await
        .is_problem(401, "invalid-token");
    let refused = Socket::open(service.address, &out.access)
        .await
        .err()
        .unwrap();
    refused.is_problem(403, "token-required");
    assert_eq!(
        service.get("/auth/me", &stays.access).await.status,
        StatusCode::OK
    );
}
