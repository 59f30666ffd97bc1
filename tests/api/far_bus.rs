//! A bus on which messages are on their way for a while, as between machines.

use std::{sync::Arc, time::Duration};

use contract::{BusError, History, Message, Position, Published, RoomBus, RoomName, Subscription};
use tokio::sync::mpsc;

use crate::{
    gateway::{gateway, gateway_with},
    local_bus::LocalBus,
    mint,
    socket::Socket,
};

/// Messages of which each comes by itself, before the others come all at once.
const STRAGGLING: usize = 5;

/// Between two of them, and before the others.
const PAUSE: Duration = Duration::from_millis(10);

/// Takes what is said at once, and brings it in its order, later; of what is
/// said first, `lost` messages never come.
struct FarBus {
    here: Arc<LocalBus>,
    away: mpsc::UnboundedSender<(RoomName, Message)>,
}

impl FarBus {
    fn losing(lost: usize) -> Arc<Self> {
        let here = LocalBus::new();
        let (away, mut coming) = mpsc::unbounded_channel::<(RoomName, Message)>();
        tokio::spawn({
            let here = Arc::clone(&here);
            async move {
                for _ in 0..lost {
                    coming.recv().await;
                }
                loop {
                    for _ in 0..STRAGGLING {
                        let Some((room, message)) = coming.recv().await else {
                            return;
                        };
                        tokio::time::sleep(PAUSE).await;
                        here.publish(&room, message).await.unwrap();
                    }
                    tokio::time::sleep(PAUSE).await;
                    while let Ok((room, message)) = coming.try_recv() {
                        here.publish(&room, message).await.unwrap();
                    }
                }
            }
        });
        Arc::new(Self { here, away })
    }
}

#[async_trait::async_trait]
impl RoomBus for FarBus {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        self.away.send((room.clone(), message)).unwrap();
        Ok(Published { position: None })
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        self.here.subscribe(room, since).await
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.here.ping().await
    }

    async fn history(&self, room: &RoomName, since: Option<Position>) -> Result<History, BusError> {
        self.here.history(room, since).await
    }

    fn rooms(&self) -> usize {
        self.here.rooms()
    }
}

/// However many could be on their way: more than the room's hub may have
/// pending never are.
#[tokio::test]
async fn whoever_speaks_fast_waits_for_what_is_on_its_way() {
    let fast = ("APP__WS__MAX_MESSAGES_PER_SECOND", "100000");
    let (_gateway, address) = gateway_with(FarBus::losing(0), &[fast]).await;
    let token = mint::token(&mint::claims("lobby"));
    let mut ann = Socket::open(address, &token).await.unwrap();
    let mut bob = Socket::open(address, &token).await.unwrap();
    for number in 0..2000 {
        ann.say(&number.to_string()).await;
    }
    for number in 0..2000 {
        assert_eq!(bob.hear().await, number.to_string());
    }
}

/// Nobody can tell a message that is lost from one that is on its way for long.
#[tokio::test]
async fn whoever_speaks_does_not_wait_for_ever_for_what_was_lost() {
    // More than may be on their way.
    let (_gateway, address) = gateway(FarBus::losing(60)).await;
    let token = mint::token(&mint::claims("lobby"));
    let mut ann = Socket::open(address, &token).await.unwrap();
    for number in 0..=60 {
        ann.say(&number.to_string()).await;
    }
    assert_eq!(ann.hear().await, "60");
}
