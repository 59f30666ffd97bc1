//! Two ends of a line: two bare clients, or two nodes.

use std::time::{Duration, Instant};

use bus_nats::{History, NatsBus, NatsSettings, Tls};
use bytes::Bytes;
use contract::{
    ConnectionId, Delivery, Kind, Message, RoomBus, RoomName, Subscription, Timestamp, UserId,
};
use futures_util::StreamExt;

use crate::{PAYLOAD, harness::Outcome};

/// How far a node's listener may fall behind here, as far as the bare client's.
const CAPACITY: usize = 64 * 1024;

/// One end speaks, the other hears.
pub(crate) trait Line: Send {
    /// One message, from before it is published until it is heard.
    fn once(&mut self) -> impl Future<Output = Outcome<Duration>> + Send;

    /// That many messages by one publisher, until the last is heard.
    fn burst(&mut self, count: usize) -> impl Future<Output = Outcome<Duration>> + Send;
}

/// Two connections to NATS, and nothing else.
pub(crate) struct Bare {
    speaker: async_nats::Client,
    _listener: async_nats::Client,
    heard: async_nats::Subscriber,
    payload: Bytes,
}

const SUBJECT: &str = "bare";

impl Bare {
    pub(crate) async fn connect(url: &str) -> Outcome<Self> {
        let listener = async_nats::connect(url).await?;
        let heard = listener.subscribe(SUBJECT).await?;
        listener.flush().await?;
        let mut line = Self {
            speaker: async_nats::connect(url).await?,
            _listener: listener,
            heard,
            payload: Bytes::from(vec![b'x'; PAYLOAD]),
        };
        // Flushed is not yet known to the server.
        tokio::time::sleep(Duration::from_millis(200)).await;
        line.once().await?;
        Ok(line)
    }

    async fn hear(&mut self, count: usize) -> Outcome<()> {
        for _ in 0..count {
            self.heard.next().await.ok_or("the bare client has ended")?;
        }
        Ok(())
    }
}

impl Line for Bare {
    async fn once(&mut self) -> Outcome<Duration> {
        let start = Instant::now();
        self.speaker.publish(SUBJECT, self.payload.clone()).await?;
        self.hear(1).await?;
        Ok(start.elapsed())
    }

    async fn burst(&mut self, count: usize) -> Outcome<Duration> {
        let (speaker, payload) = (self.speaker.clone(), self.payload.clone());
        let start = Instant::now();
        let speaking = tokio::spawn(async move {
            for _ in 0..count {
                speaker.publish(SUBJECT, payload.clone()).await?;
            }
            Outcome::Ok(())
        });
        self.hear(count).await?;
        let took = start.elapsed();
        speaking.await??;
        Ok(took)
    }
}

/// Two handles on the bus, as two nodes of the service have them.
pub(crate) struct Nodes {
    speaker: NatsBus,
    _listener: NatsBus,
    room: RoomName,
    heard: Subscription,
    message: Message,
}

impl Nodes {
    pub(crate) async fn connect(url: &str, history: Option<History>) -> Outcome<Self> {
        let settings = NatsSettings {
            servers: vec![url.to_owned()],
            credentials_file: None,
            tls: Tls::default(),
            prefix: if history.is_some() { "kept" } else { "live" }.to_owned(),
            capacity: CAPACITY,
            history,
        };
        let listener = NatsBus::connect(&settings).await?;
        let room: RoomName = "room".parse()?;
        Ok(Self {
            heard: listener.subscribe(&room, None).await?,
            speaker: NatsBus::connect(&settings).await?,
            _listener: listener,
            room,
            message: Message {
                from: Some(UserId::random()),
                connection: Some(ConnectionId::random()),
                at: Timestamp::now(),
                kind: Kind::Text,
                data: Bytes::from(vec![b'x'; PAYLOAD]),
                key: None,
            },
        })
    }

    /// As a room's hub does: waits for one, and takes what else has come.
    async fn hear(&mut self, count: usize) -> Outcome<()> {
        let mut left = count;
        while left > 0 {
            let mut next = Some(self.heard.recv().await);
            while let Some(delivery) = next {
                if !matches!(delivery, Delivery::Message(_)) {
                    return Err(format!("a node heard {delivery:?}").into());
                }
                left -= 1;
                if left == 0 {
                    return Ok(());
                }
                next = self.heard.try_recv();
            }
        }
        Ok(())
    }
}

impl Line for Nodes {
    async fn once(&mut self) -> Outcome<Duration> {
        let start = Instant::now();
        self.speaker
            .publish(&self.room, self.message.clone())
            .await?;
        self.hear(1).await?;
        Ok(start.elapsed())
    }

    async fn burst(&mut self, count: usize) -> Outcome<Duration> {
        let (speaker, room) = (self.speaker.clone(), self.room.clone());
        let message = self.message.clone();
        let start = Instant::now();
        let speaking = tokio::spawn(async move {
            for _ in 0..count {
                speaker.publish(&room, message.clone()).await?;
            }
            Outcome::Ok(())
        });
        self.hear(count).await?;
        let took = start.elapsed();
        speaking.await??;
        Ok(took)
    }
}
