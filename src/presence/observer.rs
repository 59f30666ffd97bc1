//! Who is in a room, asked by a node that nobody is in the room by.

use std::time::Duration;

use contract::{BusError, Delivery, RoomBus, RoomName, UserId};
use tokio::time::{Instant, timeout_at};

use super::{event::PresenceEvent, roster::Roster};

/// How long the others have to answer. Nobody knows how many they are, so it
/// is waited for in any case.
const PATIENCE: Duration = Duration::from_millis(150);

pub(super) async fn ask(bus: &dyn RoomBus, room: &RoomName) -> Result<Vec<UserId>, BusError> {
    let mut subscription = bus.subscribe(&room.presence(), None).await?;
    let mut roster = Roster::new();
    // Twice: servers of a bus may not know yet that somebody listens here.
    for _ in 0..2 {
        PresenceEvent::Wanted.tell(bus, room).await?;
        let deadline = Instant::now() + PATIENCE;
        while let Ok(delivery) = timeout_at(deadline, subscription.recv()).await {
            if let Delivery::Message(envelope) = delivery
                && let Ok(event) = PresenceEvent::from_message(&envelope.message)
            {
                roster.hear(event, Instant::now());
            }
        }
    }
    Ok(roster.users())
}
