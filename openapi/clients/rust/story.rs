//! One story with the generated client: from a new account to its last socket.

use std::{env, fmt::Debug, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use service_client::{
    apis::{Error, auth_api, configuration::Configuration, rooms_api, sessions_api},
    models::{Credentials, Grant, NewMessage, NewRoom, Problem, RefreshRequest, Role},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Message, http::Uri},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Anything<T> = Result<T, Box<dyn std::error::Error>>;

/// How long anything on the socket may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answer is a problem of that type.
fn bad<T: Debug, E: Debug>(answer: Result<T, Error<E>>, status: u16, kind: &str) {
    match answer {
        Err(Error::ResponseError(response)) => {
            let problem: Problem = serde_json::from_str(&response.content).unwrap();
            assert_eq!(problem.r#type, format!("urn:problem-type:{kind}"));
            assert_eq!(problem.status, i32::from(status));
            assert_eq!(response.status.as_u16(), status);
            // Typed for this operation, too: of the statuses that it can have.
            assert!(response.entity.is_some());
        }
        other => panic!("{kind} is promised, and not {other:?}"),
    }
}

/// The next message on the socket.
async fn heard(socket: &mut Socket) -> Anything<Message> {
    let message = timeout(PATIENCE, socket.next()).await?;
    Ok(message.ok_or("the socket ended")??)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Anything<()> {
    let service = env::var("SERVICE")?;
    let mut client = Configuration {
        base_path: service.clone(),
        ..Configuration::default()
    };
    let ann = Credentials::new("correct horse battery staple".into(), "ann".into());

    // An account.
    let account = auth_api::register(&client, ann.clone()).await?;
    assert_eq!(account.username, "ann");
    let taken = auth_api::register(&client, ann.clone()).await;
    bad(taken, 409, "name-taken");
    let wrong = Credentials::new("wrong".into(), "ann".into());
    bad(
        auth_api::login(&client, wrong).await,
        401,
        "invalid-credentials",
    );

    // A session.
    let first = auth_api::login(&client, ann).await?;
    assert_eq!(first.token_type, "Bearer");
    let asked = RefreshRequest::new(first.refresh_token.clone());
    let tokens = auth_api::refresh(&client, asked).await?;
    assert_ne!(tokens.refresh_token, first.refresh_token);
    client.bearer_access_token = Some(tokens.access_token);
    let me = auth_api::me(&client).await?;
    assert_eq!((me.id, me.username.as_str()), (account.id, "ann"));
    let sessions = sessions_api::list_sessions(&client).await?.sessions;
    let sessions: Vec<_> = sessions.iter().map(|one| (one.id, one.current)).collect();
    assert_eq!(sessions, [(me.session, true)]);

    // A room, and a socket in it.
    let made = rooms_api::create_room(&client, NewRoom::new("Tea at five".into())).await?;
    assert_eq!(made.role, Role::Owner);
    let room = made.room.as_str();
    let key = rooms_api::room_token(&client, room).await?;
    assert_eq!((key.room.as_str(), key.grant), (room, Grant::Rw));
    let address: Uri = format!("{}/ws", service.replacen("http", "ws", 1)).parse()?;
    let request = ClientRequestBuilder::new(address)
        .with_sub_protocol("bearer")
        .with_sub_protocol(key.access_token);
    let (mut socket, answer) = timeout(PATIENCE, connect_async(request)).await??;
    assert_eq!(answer.headers()["sec-websocket-protocol"], "bearer");
    socket.send("hello".into()).await?;
    assert_eq!(heard(&mut socket).await?, "hello".into());

    // Said over HTTP, twice with one key, heard once.
    let data = json!({ "who": "brings cake?" });
    let cake = NewMessage::new(Some(data.clone()));
    let said = rooms_api::publish(&client, room, cake.clone(), Some("cake")).await?;
    let again = rooms_api::publish(&client, room, cake, Some("cake")).await?;
    assert_eq!(said, again);
    assert_eq!(heard(&mut socket).await?, data.to_string().into());
    socket.send("bye".into()).await?;
    assert_eq!(heard(&mut socket).await?, "bye".into());
    let past = rooms_api::history(&client, room, None, None).await?;
    let of_all: Vec<_> = past.messages.iter().map(|one| one.data.clone()).collect();
    assert_eq!(
        of_all,
        [Some("hello".into()), Some(data), Some("bye".into())]
    );
    assert!(past.messages.iter().all(|one| one.from == Some(me.id)));
    let since = said.position.ok_or("no position")?;
    let after = rooms_api::history(&client, room, Some(&since), Some(10)).await?;
    let of_after: Vec<_> = after.messages.into_iter().map(|one| one.data).collect();
    assert_eq!(after.recovered, Some(true));
    assert_eq!(of_after, [Some("bye".into())]);

    // The end of it all.
    auth_api::logout(&client, None).await?;
    match heard(&mut socket).await? {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 4503),
        other => panic!("the socket closes, and hears no {other:?}"),
    }
    bad(auth_api::me(&client).await, 401, "invalid-token");
    Ok(())
}
