//! Keeps a roster true, for as long as somebody is in the room by this node.

use std::{sync::Arc, time::Duration};

use contract::{Delivery, RoomBus, Subscription};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, sleep_until};

use super::{BEAT, News, Presence, Tracked, event::PresenceEvent, roster::Wish};

/// Changes are told this often at most.
const FLUSH: Duration = Duration::from_millis(250);

/// How often silence is looked for, and a question that is due is asked.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait for a bus that can't be listened to.
const RETRY: Duration = Duration::from_secs(1);

/// Goes on until nobody is in the room by this node.
pub(super) async fn run(presence: Arc<Presence>, tracked: Arc<Tracked>) {
    loop {
        match presence.bus.subscribe(&tracked.room.presence(), None).await {
            Ok(subscription) => {
                follow(&presence, &tracked, subscription).await;
                break;
            }
            Err(error) => {
                tracing::warn!(
                    room = %tracked.room,
                    error = &error as &dyn std::error::Error,
                    "who is in a room can't be heard of; trying again"
                );
                // Those of this node are told of each other all the same.
                tell_sockets(&presence, &tracked).await;
                if tracked.roster.lock().end() {
                    break;
                }
                sleep(RETRY).await;
            }
        }
    }
    presence.forget(&tracked);
}

async fn follow(presence: &Presence, tracked: &Tracked, mut subscription: Subscription) {
    let bus = &*presence.bus;
    let mut ask = true;
    let mut beats = interval_at(Instant::now() + BEAT, BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut earliest = Instant::now();
    let mut flush_at = Some(earliest);
    loop {
        let changed = tokio::select! {
            () = sleep_until(flush_at.unwrap_or(earliest)), if flush_at.is_some() => {
                let change = tracked.roster.lock().take_change();
                if let Some(change) = change {
                    tell(&change, bus, tracked).await;
                }
                tell_sockets(presence, tracked).await;
                if tracked.roster.lock().end() {
                    return;
                }
                earliest = Instant::now() + FLUSH;
                flush_at = None;
                false
            }
            () = tracked.changed.notified() => true,
            delivery = subscription.recv() => {
                ask |= hear(&delivery, bus, tracked).await;
                true
            }
            _ = beats.tick() => {
                let beat = tracked.roster.lock().beat();
                tell(&beat, bus, tracked).await;
                false
            }
            now = looks.tick() => {
                if std::mem::take(&mut ask) {
                    tell(&PresenceEvent::Wanted, bus, tracked).await;
                }
                tracked.roster.lock().expire(now)
            }
        };
        if changed {
            flush_at.get_or_insert_with(|| earliest.max(Instant::now()));
        }
    }
}

/// Returns whether the others are to be asked.
async fn hear(delivery: &Delivery, bus: &dyn RoomBus, tracked: &Tracked) -> bool {
    let Delivery::Message(envelope) = delivery else {
        return true;
    };
    let event = match PresenceEvent::from_message(&envelope.message) {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a node speaks of something this version does not know"
            );
            return false;
        }
    };
    let wish = tracked.roster.lock().hear(event, Instant::now());
    match wish {
        Wish::Nothing => false,
        Wish::Ask => true,
        Wish::Roll => {
            let roll = tracked.roster.lock().roll();
            for piece in roll {
                tell(&piece, bus, tracked).await;
            }
            false
        }
    }
}

async fn tell_sockets(presence: &Presence, tracked: &Tracked) {
    let news = tracked.roster.lock().take_news();
    if let Some((joined, left)) = news {
        let news = News {
            room: tracked.room.clone(),
            joined,
            left,
        };
        // Nobody takes it: the node is going down.
        let _ = presence.news.send(news).await;
    }
}

async fn tell(event: &PresenceEvent, bus: &dyn RoomBus, tracked: &Tracked) {
    if let Err(error) = event.tell(bus, &tracked.room).await {
        // The next beat that is heard makes up for it.
        tracing::debug!(
            room = %tracked.room,
            error = &error as &dyn std::error::Error,
            "the other nodes can't be told who is in a room"
        );
    }
}
