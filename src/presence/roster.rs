//! What a node knows of who is in one room: by its own sockets, and by what
//! the other nodes say.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    time::Duration,
};

use contract::UserId;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    SILENCE,
    event::{Part, PresenceEvent},
};

/// After so long the other nodes have answered the first question, or there
/// are none.
const SETTLING: Duration = Duration::from_millis(500);

/// Who is in a room.
#[derive(Debug)]
pub struct Roster {
    part: Part,
    /// Sockets of each user on this node.
    here: HashMap<UserId, usize>,
    /// Who is here, as the other nodes were told, and the number of that change.
    told: HashSet<UserId>,
    revision: u64,
    others: HashMap<Part, Other>,
    /// Who is in the room, as the sockets of this node were told.
    shown: HashSet<UserId>,
    since: Instant,
    ended: bool,
}

/// What is known of another node.
#[derive(Debug)]
struct Other {
    /// `None` until its whole roll is known.
    revision: Option<u64>,
    users: HashSet<UserId>,
    heard_at: Instant,
    /// Pieces of a roll that isn't whole yet, and which roll that is.
    pieces: Vec<UserId>,
    pieces_of: u64,
    next_piece: u32,
}

impl Other {
    fn new(now: Instant) -> Self {
        Self {
            revision: None,
            users: HashSet::new(),
            heard_at: now,
            pieces: Vec::new(),
            pieces_of: 0,
            next_piece: 0,
        }
    }
}

/// What an event asks of the node that hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Nothing,
    /// To tell who is here.
    Roll,
    /// To ask the others: something was missed.
    Ask,
}

impl Default for Roster {
    fn default() -> Self {
        Self::new()
    }
}

impl Roster {
    /// Nobody is there.
    #[must_use]
    pub fn new() -> Self {
        Self {
            part: Part(Uuid::new_v4()),
            here: HashMap::new(),
            told: HashSet::new(),
            revision: 0,
            others: HashMap::new(),
            shown: HashSet::new(),
            since: Instant::now(),
            ended: false,
        }
    }

    /// Somebody comes by a socket of this node; returns whether that is still
    /// possible.
    #[must_use]
    pub fn enter(&mut self, user: UserId) -> bool {
        if self.ended {
            return false;
        }
        *self.here.entry(user).or_insert(0) += 1;
        true
    }

    /// A socket of this node goes.
    pub fn leave(&mut self, user: UserId) {
        if let Entry::Occupied(mut sockets) = self.here.entry(user) {
            *sockets.get_mut() -= 1;
            if *sockets.get() == 0 {
                sockets.remove();
            }
        }
    }

    /// Ends it if nobody is here by this node, and the others know that;
    /// returns whether it has ended.
    #[must_use]
    pub fn end(&mut self) -> bool {
        self.ended = self.here.is_empty() && self.told.is_empty();
        self.ended
    }

    /// Whether the others have had the time to say who is there by them.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.since.elapsed() >= SETTLING
    }

    /// Who is in the room, in the order of their ids.
    #[must_use]
    pub fn users(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> = self.union().into_iter().collect();
        users.sort_unstable();
        users
    }

    /// Who is in the room, as the sockets of this node were told: whatever
    /// changes of it they are told, too.
    #[must_use]
    pub fn shown(&self) -> &HashSet<UserId> {
        &self.shown
    }

    fn union(&self) -> HashSet<UserId> {
        let others = self.others.values().flat_map(|other| &other.users);
        self.here.keys().chain(others).copied().collect()
    }

    /// What changed here since the other nodes were told, for them; they are
    /// told by this call.
    pub fn take_change(&mut self) -> Option<PresenceEvent> {
        let here: HashSet<UserId> = self.here.keys().copied().collect();
        if here == self.told {
            return None;
        }
        self.revision += 1;
        let change = PresenceEvent::Changed {
            part: self.part,
            revision: self.revision,
            joined: here.difference(&self.told).copied().collect(),
            left: self.told.difference(&here).copied().collect(),
        };
        self.told = here;
        Some(change)
    }

    /// What changed in the room since the sockets of this node were told: who
    /// came, and who went. They are told by this call.
    pub fn take_news(&mut self) -> Option<(Vec<UserId>, Vec<UserId>)> {
        let now = self.union();
        if now == self.shown {
            return None;
        }
        let joined = now.difference(&self.shown).copied().collect();
        let left = self.shown.difference(&now).copied().collect();
        self.shown = now;
        Some((joined, left))
    }

    /// That this node is there.
    #[must_use]
    pub fn beat(&self) -> PresenceEvent {
        PresenceEvent::Beat {
            part: self.part,
            revision: self.revision,
        }
    }

    /// Who is here, as the others were told.
    #[must_use]
    pub fn roll(&self) -> Vec<PresenceEvent> {
        let users: Vec<UserId> = self.told.iter().copied().collect();
        PresenceEvent::roll(self.part, self.revision, &users)
    }

    /// A node said something.
    pub fn hear(&mut self, event: PresenceEvent, now: Instant) -> Wish {
        match event {
            PresenceEvent::Wanted => Wish::Roll,
            PresenceEvent::Changed { part, .. }
            | PresenceEvent::Beat { part, .. }
            | PresenceEvent::Roll { part, .. }
                if part == self.part =>
            {
                Wish::Nothing
            }
            PresenceEvent::Changed {
                part,
                revision,
                joined,
                left,
            } => self.on_change(part, revision, &joined, &left, now),
            PresenceEvent::Beat { part, revision } => {
                let other = self.other(part, now);
                wish_unless(other.revision == Some(revision))
            }
            PresenceEvent::Roll {
                part,
                revision,
                piece,
                last,
                users,
            } => {
                let other = self.other(part, now);
                if piece == 0 {
                    other.pieces.clear();
                    other.pieces_of = revision;
                } else if (piece, revision) != (other.next_piece, other.pieces_of) {
                    other.next_piece = 0;
                    return Wish::Ask;
                }
                other.next_piece = piece + 1;
                other.pieces.extend(users);
                if last {
                    other.users = std::mem::take(&mut other.pieces).into_iter().collect();
                    other.revision = Some(revision);
                    other.next_piece = 0;
                }
                Wish::Nothing
            }
        }
    }

    fn on_change(
        &mut self,
        part: Part,
        revision: u64,
        joined: &[UserId],
        left: &[UserId],
        now: Instant,
    ) -> Wish {
        let other = self.other(part, now);
        // The first change of a part says all there is to say.
        let known = other.revision.unwrap_or(0);
        if revision <= known {
            return Wish::Nothing;
        }
        if revision != known + 1 {
            return Wish::Ask;
        }
        other.revision = Some(revision);
        other.users.extend(joined);
        for user in left {
            other.users.remove(user);
        }
        if other.users.is_empty() {
            // Its last one has left, and with it the part ends.
            self.others.remove(&part);
        }
        Wish::Nothing
    }

    fn other(&mut self, part: Part, now: Instant) -> &mut Other {
        let other = self.others.entry(part).or_insert_with(|| Other::new(now));
        other.heard_at = now;
        other
    }

    /// Forgets nodes that were not heard for [`SILENCE`]; returns whether there
    /// were any.
    pub fn expire(&mut self, now: Instant) -> bool {
        let before = self.others.len();
        self.others
            .retain(|_, other| now.saturating_duration_since(other.heard_at) < SILENCE);
        self.others.len() < before
    }
}

fn wish_unless(known: bool) -> Wish {
    if known { Wish::Nothing } else { Wish::Ask }
}

#[cfg(test)]
mod tests;
