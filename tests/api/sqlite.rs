//! What was in the file before a start.

use std::sync::Arc;

use contract::Timestamp;
use reqwest::StatusCode;
use sqlx_core::{connection::Connection, query::query, query_scalar::query_scalar};
use sqlx_sqlite::{SqliteConnectOptions, SqliteConnection};
use test_servers::Place;

use crate::{
    node::Node,
    service::{Answer, client, soon},
};

async fn start(place: &Arc<Place>) -> Node {
    let url = format!("sqlite:{}", place.path().join("accounts.db").display());
    Node::start_at(place.clone(), "127.0.0.1:0", &[("DATABASE_URL", &url)]).await
}

/// Where sessions may idle for less time than access tokens are valid, a
/// session that ended by time can still be signed out of.
#[tokio::test]
async fn a_logout_of_an_idle_session_outlives_a_restart() {
    let place = Arc::new(Place::new());
    let file = place.path().join("accounts.db");
    let node = start(&place).await;
    node.register("ann").await;
    node.register("bob").await;
    let out = node.sign_in("ann").await;
    node.sign_in("bob").await;
    node.stop().await;
    // Her session has just ended by time, and his long ago.
    let options = SqliteConnectOptions::new().filename(&file);
    let mut file = SqliteConnection::connect_with(&options).await.unwrap();
    query(
        "UPDATE sessions SET idle_expires_at =
            CASE (SELECT username FROM accounts WHERE id = user_id) WHEN 'ann' THEN ? ELSE 0 END",
    )
    .bind(Timestamp::now().as_millisecond())
    .execute(&mut file)
    .await
    .unwrap();

    let node = start(&place).await;
    let purged = async {
        let mut left = 2;
        while left == 2 {
            left = query_scalar("SELECT count(*) FROM sessions")
                .fetch_one(&mut file)
                .await
                .unwrap();
        }
    };
    soon(purged).await;
    let url = format!("http://{}/auth/logout", node.address);
    let left = Answer::of(client().post(url).bearer_auth(&out)).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    node.stop().await;

    let node = start(&place).await;
    let url = format!("http://{}/auth/me", node.address);
    Answer::of(client().get(url).bearer_auth(&out))
        .await
        .is_problem(401, "invalid-token");
}
