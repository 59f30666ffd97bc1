//! What everything is called on NATS.
//!
//! | subject | what is said there |
//! |---|---|
//! | `<prefix>.control` | news of ended sessions and memberships, between nodes |
//! | `<prefix>.rooms.<room>` | a room without history |
//! | `<prefix>.rooms.$presence-<room>` | who is in a room, between nodes |
//! | `<prefix>.rooms.in.<room>` | a room with history: into the stream |
//! | `<prefix>.rooms.out.<room>` | and out of it, with its place |
//! | `<prefix>.epoch` | names the life of the stream's order |
//! | `<prefix>.echo.<id>` | nothing: who says it hears it when all before it is done |

use contract::RoomName;

#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    prefix: String,
}

impl Subjects {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// Of a room that has no history.
    pub(crate) fn live(&self, room: &RoomName) -> String {
        if *room == RoomName::control() {
            format!("{}.control", self.prefix)
        } else {
            self.of_room(".rooms.", room)
        }
    }

    pub(crate) fn inward(&self, room: &RoomName) -> String {
        self.of_room(".rooms.in.", room)
    }

    pub(crate) fn outward(&self, room: &RoomName) -> String {
        self.of_room(".rooms.out.", room)
    }

    /// Made for each message, so in one piece.
    fn of_room(&self, kind: &str, room: &RoomName) -> String {
        [&self.prefix, kind, room.as_str()].concat()
    }

    pub(crate) fn all_inward(&self) -> String {
        format!("{}.rooms.in.>", self.prefix)
    }

    pub(crate) fn all_outward(&self) -> String {
        format!("{}.rooms.out.>", self.prefix)
    }

    pub(crate) fn epoch(&self) -> String {
        format!("{}.epoch", self.prefix)
    }

    pub(crate) fn echo(&self) -> String {
        format!("{}.echo", self.prefix)
    }

    /// The stream's name, in which NATS allows no dot.
    pub(crate) fn stream(&self) -> String {
        format!("{}_rooms", self.prefix.replace('.', "_"))
    }
}
