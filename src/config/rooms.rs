use serde::{Deserialize, Serialize};

use super::bounds::Bounds;

/// Rooms that people manage.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rooms {
    /// Rooms that one user may own; 1 to 100,000.
    pub max_owned: u32,
    /// Members that one room may have; 1 to 100,000.
    pub max_members: u32,
}

impl Rooms {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        bounds.number("rooms.max_owned", self.max_owned, 1..=100_000);
        bounds.number("rooms.max_members", self.max_members, 1..=100_000);
    }
}
