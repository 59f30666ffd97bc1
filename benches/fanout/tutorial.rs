//! The rival: a chat room with axum's WebSocket as every tutorial has it.
//!
//! A broadcast channel of 100 for each room, a task that sends and a task that
//! receives for each socket, default buffers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::harness::Outcome;

type Rooms = Arc<Mutex<HashMap<String, broadcast::Sender<String>>>>;

/// Serves until it is killed. With `nagle`, sockets stay as the kernel makes
/// them.
pub(crate) fn serve(address: &str, nagle: bool) -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let app = Router::new()
                .route("/livez", get(async || "ok"))
                .route("/ws/{room}", get(upgrade))
                .with_state(Rooms::default());
            let listener = TcpListener::bind(address).await?.tap_io(move |stream| {
                if !nagle {
                    let _worse_but_works = stream.set_nodelay(true);
                }
            });
            Ok(axum::serve(listener, app).await?)
        })
}

async fn upgrade(
    upgrade: WebSocketUpgrade,
    Path(room): Path<String>,
    State(rooms): State<Rooms>,
) -> Response {
    let upgrade = upgrade.protocols(["bearer"]);
    upgrade.on_upgrade(move |socket| chat(socket, room, rooms))
}

async fn chat(socket: WebSocket, room: String, rooms: Rooms) {
    let (mut sender, mut receiver) = socket.split();
    let tx = rooms
        .lock()
        .entry(room)
        .or_insert_with(|| broadcast::channel(100).0)
        .clone();
    let mut rx = tx.subscribe();

    let mut send_task = tokio::spawn(async move {
        while let Ok(message) = rx.recv().await {
            if sender.send(Message::text(message)).await.is_err() {
                break;
            }
        }
    });
    let mut recv_task = tokio::spawn(async move {
        while let Some(Ok(Message::Text(text))) = receiver.next().await {
            let _nobody_there = tx.send(text.to_string());
        }
    });

    tokio::select! {
        _ = &mut send_task => recv_task.abort(),
        _ = &mut recv_task => send_task.abort(),
    }
}
