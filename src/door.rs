//! The way into the process: listens, lets in as many connections as there may
//! be, and serves HTTP/1.1 on them until it is closed.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{
    config::Http,
    connection::{Connection, Patience},
    http::layers::Peer,
};

/// Largest head of a request, in bytes; a token of 4 KiB fits.
const MAX_HEAD: usize = 16 * 1024;

/// Most headers of a request.
const MAX_HEADERS: usize = 64;

/// Connections that wait to be accepted.
const LISTEN_BACKLOG: i32 = 1024;

/// How long to wait when the process has no descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// How long a client may leave unread what it was sent. Longer than a socket's
/// own limits, which say why before they end it.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Lets connections in, and serves them.
pub(crate) struct Door {
    router: Router,
    connections: Arc<Semaphore>,
    patience: Patience,
    draining: CancellationToken,
    tracker: TaskTracker,
}

impl Door {
    /// A door to the routes of `router`; the connections are those that
    /// `tracker` counts.
    pub(crate) fn new(router: Router, http: &Http, tracker: TaskTracker) -> Self {
        Self {
            router,
            connections: Arc::new(Semaphore::new(http.max_connections)),
            patience: Patience {
                head: http.header_timeout,
                idle: http.keep_alive,
            },
            draining: CancellationToken::new(),
            tracker,
        }
    }

    /// How many connections are open; sockets are none of them.
    pub(crate) fn connections(&self) -> usize {
        self.tracker.len()
    }

    /// Lets nobody in any more, and waits until the requests under way are
    /// answered.
    pub(crate) async fn close(&self, listener: TcpListener) {
        drop(listener);
        self.draining.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Lets connections in until `end`.
    pub(crate) async fn keep_open(&self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return,
                accepted = accept(listener, &self.connections) => self.serve_one(accepted),
            }
        }
    }

    /// Lets connections in until it is dropped, and those end with it.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let _end = self.draining.clone().drop_guard();
        self.keep_open(&listener, std::future::pending()).await;
    }

    fn serve_one(&self, (stream, peer, permit): (TcpStream, SocketAddr, OwnedSemaphorePermit)) {
        let router = self.router.clone();
        let draining = self.draining.clone();
        let patience = self.patience;
        self.tracker.spawn(async move {
            let _permit = permit;
            if let Err(error) = tune(&stream) {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "socket options not set"
                );
            }
            let stream = Connection::new(stream);
            let phase = stream.phase();
            let watched = phase.clone();
            let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                phase.busy();
                let phase = phase.clone();
                request
                    .extensions_mut()
                    .insert(Peer(peer.ip().to_canonical()));
                let answered = router.clone().oneshot(request.map(Body::new));
                async move {
                    let answer = answered.await;
                    phase.idle();
                    answer
                }
            });
            let connection = http1::Builder::new()
                // The connection itself has its patience.
                .header_read_timeout(None)
                .max_buf_size(MAX_HEAD)
                .max_headers(MAX_HEADERS)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            let mut connection = pin!(connection);
            let mut serving = pin!(async {
                tokio::select! {
                    ended = &mut connection => ended,
                    () = draining.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            });
            let ended = watched.watch(serving.as_mut(), patience).await;
            if let Some(Err(error)) = ended {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a connection broke"
                );
            }
        });
    }
}

/// Listens on `address`; also says where, if that has port 0.
///
/// # Errors
/// The system's.
pub(crate) fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        None,
    )?;
    // A restart must not wait for the old connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT))?;
    Ok(())
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else {
            // Nobody closes the semaphore.
            std::future::pending::<()>().await;
            continue;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                // Mostly the client's doing; but out of descriptors, this
                // would turn round at full speed.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a connection was not accepted"
                );
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}
