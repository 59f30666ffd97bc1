//! A network between a client and a server that can be slow, or cut.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

/// What the network does to what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Carries it after so long.
    Fair(Duration),
    /// Carries nothing, and says nothing: packets are lost.
    Cut,
}

/// A listener on the loopback interface that forwards to a server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Changes when connections are to be reset.
    resets: watch::Sender<u64>,
    /// Changes when connections are to be lost.
    losses: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Forwards to a port of the loopback interface.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, _) = watch::channel(Weather::Fair(Duration::ZERO));
        let (resets, _) = watch::channel(0);
        let (losses, _) = watch::channel(0);
        let accepting = tokio::spawn({
            let weather = weather.subscribe();
            let (resets, losses) = (resets.subscribe(), losses.subscribe());
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let (mut resets, mut losses) = (resets.clone(), losses.clone());
                    resets.mark_unchanged();
                    losses.mark_unchanged();
                    tokio::spawn(connection(client, to, weather.clone(), resets, losses));
                }
            }
        });
        Self {
            address,
            weather,
            resets,
            losses,
            accepting,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing gets through, in either direction, and nobody is told.
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
    }

    /// Everything gets through again, what was sent meanwhile too, as after a
    /// retransmission.
    pub fn heal(&self) {
        self.weather.send_replace(Weather::Fair(Duration::ZERO));
    }

    /// Everything gets through so much later.
    pub fn delay(&self, delay: Duration) {
        self.weather.send_replace(Weather::Fair(delay));
    }

    /// Nothing gets through any more on the connections of now, and nobody is
    /// told, as when a router forgets them; new ones are as good as ever.
    pub fn lose(&self) {
        self.losses.send_modify(|count| *count += 1);
    }

    /// Ends every connection.
    pub fn reset(&self) {
        self.resets.send_modify(|count| *count += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.reset();
        self.accepting.abort();
    }
}

async fn connection(
    client: TcpStream,
    to: u16,
    weather: watch::Receiver<Weather>,
    mut resets: watch::Receiver<u64>,
    mut losses: watch::Receiver<u64>,
) {
    let through = async {
        // A cut network lets nobody connect either.
        fair(&mut weather.clone()).await?;
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await.ok()?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        tokio::select! {
            () = carry(client_reads, server_writes, weather.clone()) => {}
            () = carry(server_reads, client_writes, weather.clone()) => {}
        }
        Some(())
    };
    // Kept while it is lost, so that neither side sees it closed.
    let mut through = std::pin::pin!(through);
    tokio::select! {
        // First: what a cut has held back is not sent after a reset.
        biased;
        _ = resets.changed() => {}
        _ = &mut through => {}
        _ = losses.changed() => {
            let _ = resets.changed().await;
        }
    }
}

/// Waits until the network carries something; how long that takes.
async fn fair(weather: &mut watch::Receiver<Weather>) -> Option<Duration> {
    let fair = weather.wait_for(|weather| *weather != Weather::Cut);
    match *fair.await.ok()? {
        Weather::Fair(delay) => Some(delay),
        Weather::Cut => None,
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let Some(delay) = fair(&mut weather).await else {
            return;
        };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
