//! Who is in a room, on a few nodes that hear each other badly: what they say
//! is lost, repeated and overtaken. Once they hear each other again, all of
//! them know the truth within the bound that is stated.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use arbitrary::{Arbitrary, Result, Unstructured};
use contract::UserId;
use service::presence::{
    BEAT, BOUND,
    event::PresenceEvent,
    roster::{Roster, Wish},
};
use tokio::time::Instant;
use uuid::Uuid;

const NODES: usize = 3;

/// More users than one event names.
const CROWD: u32 = 1001;

/// How often a node looks for silence, and asks. It tells what changed more
/// often than that.
const LOOK: Duration = Duration::from_secs(1);

/// Events that may be under way to a node.
const UNDER_WAY: usize = 32;

#[derive(Debug, Arbitrary)]
enum Step {
    /// One of a few users, or all of a crowd.
    Enter(u8),
    Leave(u8),
    Flush,
    Beat,
    Look,
    /// The node hears one of the events that are under way to it.
    Hear {
        which: u8,
        again: bool,
    },
    Lose(u8),
    Crash,
    Wait(u16),
}

/// Some time in one room.
pub fn run(input: &[u8]) {
    let mut cluster = Cluster {
        nodes: Default::default(),
        now: Instant::now(),
    };
    // An input that ends early is a shorter time.
    let _ = cluster.badly(&mut Unstructured::new(input));
    cluster.well();
}

struct Cluster {
    nodes: [Node; NODES],
    now: Instant,
}

/// A node, as its sockets and the others see it.
#[derive(Default)]
struct Node {
    /// Sockets of each user.
    here: BTreeMap<UserId, u32>,
    /// While somebody is here, and a little longer.
    roster: Option<Roster>,
    /// The others are to be asked.
    ask: bool,
    /// Something may have changed.
    changed: bool,
    /// What its sockets were told.
    told: BTreeSet<UserId>,
    under_way: Vec<PresenceEvent>,
}

impl Node {
    fn enter(&mut self, user: UserId) {
        self.changed = true;
        *self.here.entry(user).or_insert(0) += 1;
        if self
            .roster
            .as_mut()
            .is_some_and(|roster| roster.enter(user))
        {
            return;
        }
        self.told.clear();
        self.ask = true;
        assert!(self.roster.insert(Roster::new()).enter(user));
    }

    fn leave(&mut self, user: UserId) {
        let Some(sockets) = self.here.get_mut(&user) else {
            return;
        };
        *sockets -= 1;
        if *sockets == 0 {
            self.here.remove(&user);
        }
        self.changed = true;
        self.roster.as_mut().unwrap().leave(user);
    }

    /// Returns what changed, for the others.
    fn flush(&mut self) -> Option<PresenceEvent> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let roster = self.roster.as_mut()?;
        let change = roster.take_change();
        if let Some((joined, left)) = roster.take_news() {
            assert!(!joined.is_empty() || !left.is_empty());
            assert!(left.iter().all(|user| self.told.remove(user)));
            assert!(joined.iter().all(|user| self.told.insert(*user)));
        }
        let users = roster.users();
        assert!(users.is_sorted() && users.iter().eq(&self.told));
        assert!(self.here.keys().all(|user| self.told.contains(user)));
        if roster.end() {
            assert!(self.here.is_empty());
            self.roster = None;
            self.under_way.clear();
        }
        change
    }

    /// Returns what the node says then.
    fn hear(&mut self, event: PresenceEvent, now: Instant) -> Vec<PresenceEvent> {
        let Some(roster) = &mut self.roster else {
            return Vec::new();
        };
        self.changed = true;
        match roster.hear(event, now) {
            Wish::Nothing => Vec::new(),
            Wish::Roll => roster.roll(),
            Wish::Ask => {
                self.ask = true;
                Vec::new()
            }
        }
    }

    fn look(&mut self, now: Instant) -> Option<PresenceEvent> {
        self.changed |= self.roster.as_mut()?.expire(now);
        std::mem::take(&mut self.ask).then_some(PresenceEvent::Wanted)
    }
}

impl Cluster {
    fn badly(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        while !input.is_empty() {
            let node = usize::from(input.arbitrary::<u8>()?) % NODES;
            let now = self.now;
            let at = &mut self.nodes[node];
            let said = match input.arbitrary()? {
                Step::Enter(u8::MAX) => {
                    for user in (1..=CROWD).map(user) {
                        if !at.here.contains_key(&user) {
                            at.enter(user);
                        }
                    }
                    Vec::new()
                }
                Step::Leave(u8::MAX) => {
                    (1..=CROWD).map(user).for_each(|user| at.leave(user));
                    Vec::new()
                }
                Step::Enter(number) => {
                    at.enter(user(u32::from(number % 8)));
                    Vec::new()
                }
                Step::Leave(number) => {
                    at.leave(user(u32::from(number % 8)));
                    Vec::new()
                }
                Step::Flush => at.flush().into_iter().collect(),
                Step::Beat => at.roster.as_ref().map(Roster::beat).into_iter().collect(),
                Step::Look => at.look(now).into_iter().collect(),
                Step::Hear { which, again } => match pick(&at.under_way, which) {
                    None => Vec::new(),
                    Some(which) => {
                        let event = match again {
                            true => at.under_way[which].clone(),
                            false => at.under_way.remove(which),
                        };
                        at.hear(event, now)
                    }
                },
                Step::Lose(which) => {
                    if let Some(which) = pick(&at.under_way, which) {
                        at.under_way.remove(which);
                    }
                    Vec::new()
                }
                Step::Crash => {
                    *at = Node::default();
                    Vec::new()
                }
                Step::Wait(millis) => {
                    self.now += Duration::from_millis(millis.into());
                    Vec::new()
                }
            };
            for event in said {
                for node in &mut self.nodes {
                    if node.roster.is_some() && node.under_way.len() < UNDER_WAY {
                        node.under_way.push(event.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// From now on nodes hear all that is said, at once and in order.
    fn well(&mut self) {
        for node in &mut self.nodes {
            node.under_way.clear();
        }
        let began = self.now;
        let mut beat_at = began;
        while self.now < began + BOUND {
            let beats = self.now >= beat_at;
            if beats {
                beat_at += BEAT;
            }
            for node in 0..NODES {
                if beats {
                    let beat = self.nodes[node].roster.as_ref().map(Roster::beat);
                    self.tell(beat);
                }
                let asked = self.nodes[node].look(self.now);
                self.tell(asked);
                let change = self.nodes[node].flush();
                self.tell(change);
            }
            self.now += LOOK;
        }
        let here = self.nodes.iter().flat_map(|node| node.here.keys());
        let truth: BTreeSet<UserId> = here.copied().collect();
        for node in &self.nodes {
            assert_eq!(node.roster.is_some(), !node.here.is_empty());
            assert!(node.roster.is_none() || node.told == truth);
        }
    }

    fn tell(&mut self, said: impl IntoIterator<Item = PresenceEvent>) {
        let mut said: Vec<PresenceEvent> = said.into_iter().collect();
        while !said.is_empty() {
            let mut answers = Vec::new();
            for node in &mut self.nodes {
                for event in &said {
                    answers.extend(node.hear(event.clone(), self.now));
                }
            }
            said = answers;
        }
    }
}

fn pick(events: &[PresenceEvent], which: u8) -> Option<usize> {
    (!events.is_empty()).then(|| usize::from(which) % events.len())
}

fn user(number: u32) -> UserId {
    UserId(Uuid::from_u128(number.into()))
}
