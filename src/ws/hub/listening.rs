//! The hub of a room: takes all that is pending on the bus, encodes it, hands
//! it to every member.

use std::sync::Arc;

use contract::{Delivery, Envelope, Subscription};

use super::{
    member::{Member, Said},
    room::{PUBLISH_PERMITS, Room},
};
use crate::{
    telemetry::metrics::Label,
    ws::{
        instruments::Delivered,
        wire::{Encoder, Format},
    },
};

/// Bytes of payload after which a batch is written, so that its memory stays
/// bounded.
const BATCH_BYTES: usize = 256 * 1024;

/// Writes under one lock of the room, some 4 µs each: how long a socket may
/// wait to come in or go.
const SWEEP_STEP: usize = 64;

/// Writes, of however many batches, before the other tasks of this core get
/// their turn.
const SWEEP_TURN: usize = 1024;

/// Bytes that the kernel copies in the time of one small write.
const WRITE_BYTES: usize = 16 * 1024;

/// Goes on until it is aborted, with the last member.
pub(super) async fn run(room: Arc<Room>, mut subscription: Subscription, echo: bool) {
    let mut raw = Encoder::new(Format::Raw);
    let mut rooms_v1 = Encoder::new(Format::RoomsV1);
    let mut envelopes = Vec::new();
    let mut writes = 0;
    loop {
        let first = subscription.recv().await;
        let taken = gather(&room, &mut subscription, first, &mut envelopes);
        let said = take(&room, &envelopes, &mut raw, &mut rooms_v1, echo);
        // No more than that: what else was published may be on its way still.
        room.give_back(taken);
        if !envelopes.is_empty() {
            hand_out(&room, &said, &mut writes).await;
        }
        envelopes.clear();
        if envelopes.capacity() > PUBLISH_PERMITS {
            // A room that was loud once may be silent for days.
            envelopes = Vec::new();
        }
    }
}

/// Takes what is pending. Returns how many messages of publishers are not under
/// way any more.
fn gather(
    room: &Room,
    subscription: &mut Subscription,
    first: Delivery,
    envelopes: &mut Vec<Arc<Envelope>>,
) -> usize {
    let mut taken = 0_usize;
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(delivery) = next {
        match delivery {
            Delivery::Message(envelope) => {
                taken = taken.saturating_add(1);
                bytes += envelope.message.data.len();
                envelopes.push(envelope);
            }
            Delivery::Missed(missed) => {
                tracing::warn!(room = %room.name, missed, "the room lost messages");
                room.traffic.missed(missed);
                room.members.lock().lose();
                taken = taken.saturating_add(usize::try_from(missed).unwrap_or(PUBLISH_PERMITS));
            }
            Delivery::CutOff => {
                tracing::warn!(room = %room.name, "the room was cut off from the bus");
                room.traffic.cut_off();
                room.members.lock().lose();
                // Whatever was under way is not on its way any more.
                taken = usize::MAX;
            }
        }
        if bytes >= BATCH_BYTES {
            break;
        }
        next = subscription.try_recv();
    }
    taken
}

/// Moves the room on to the last of the messages, and encodes them in the
/// formats of those who are in it now: whoever comes after that begins behind
/// them.
fn take<'a>(
    room: &Room,
    envelopes: &'a [Arc<Envelope>],
    raw: &mut Encoder,
    rooms_v1: &mut Encoder,
    echo: bool,
) -> Said<'a> {
    let (before, wants_raw, wants_rooms_v1) = {
        let mut members = room.members.lock();
        let before = members.position;
        if let Some(last) = envelopes.last() {
            members.move_on(last.position);
        }
        let (raw, rooms_v1) = (members.want(Format::Raw), members.want(Format::RoomsV1));
        (before, raw, rooms_v1)
    };
    Said {
        envelopes,
        raw: wants_raw.then(|| raw.encode(&room.name, envelopes)),
        rooms_v1: wants_rooms_v1.then(|| rooms_v1.encode(&room.name, envelopes)),
        before,
        echo,
    }
}

/// Hands a batch to every member.
async fn hand_out(room: &Room, said: &Said<'_>, writes: &mut usize) {
    let batches = [&said.raw, &said.rooms_v1];
    let longest = batches
        .iter()
        .filter_map(|batch| batch.as_ref().map(|batch| batch.bytes.len()))
        .max();
    let cost = 1 + longest.unwrap_or(0) / WRITE_BYTES;
    // One for each format. Counted here and added to the room's once, whatever
    // the number of its members.
    let mut delivered = [Delivered::default(); 2];
    sweep(room, cost, writes, |member| {
        let handed = member.hear(said);
        let of_format = &mut delivered[member.format.index()];
        of_format.messages += handed.messages;
        of_format.bytes += handed.bytes;
    })
    .await;
    room.traffic.taken(said.envelopes.len());
    for (format, delivered) in Format::ALL.iter().zip(delivered) {
        room.traffic.delivered(*format, delivered);
    }
}

/// Goes through all members, in steps, so that a large room or a busy one
/// doesn't keep a core from the others: each is worth `cost` writes, and
/// `writes` counts those since the last pause. Whoever joins meanwhile may be
/// among them or not.
pub(super) async fn sweep(
    room: &Room,
    cost: usize,
    writes: &mut usize,
    mut each: impl FnMut(&mut Member),
) {
    let step = (SWEEP_STEP / cost).max(1);
    let mut next = 0;
    loop {
        let last = {
            let mut members = room.members.lock();
            let end = members.seats.capacity().min(next + step);
            for key in next..end {
                if let Some(member) = members.seats.get_mut(key) {
                    *writes += cost;
                    each(member);
                }
            }
            next = end;
            end >= members.seats.capacity()
        };
        if *writes >= SWEEP_TURN {
            *writes = 0;
            tokio::task::yield_now().await;
        }
        if last {
            return;
        }
    }
}
