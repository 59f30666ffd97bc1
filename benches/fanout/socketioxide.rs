//! A peer: a chat room with socketioxide, as its pages on rooms say. The client
//! names the room when it connects.

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use serde::Deserialize;
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};
use tokio::net::TcpListener;

use crate::harness::Outcome;

#[derive(Deserialize)]
struct Auth {
    room: String,
}

/// Serves until it is killed.
pub(crate) fn serve(address: &str) -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let (layer, io) = SocketIo::new_layer();
            io.ns("/", connected);
            let app = Router::new()
                .route("/livez", get(async || "ok"))
                .layer(layer);
            // As every server here.
            let listener = TcpListener::bind(address).await?.tap_io(|stream| {
                let _worse_but_works = stream.set_nodelay(true);
            });
            Ok(axum::serve(listener, app).await?)
        })
}

async fn connected(socket: SocketRef, Data(Auth { room }): Data<Auth>) {
    socket.join(room.clone());
    socket.on(
        "message",
        async move |socket: SocketRef, Data(data): Data<String>| {
            let _somebody_is_slow = socket.within(room).emit("message", &data).await;
        },
    );
}
