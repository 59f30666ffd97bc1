//! How long, how many, how fast.

use std::{str::FromStr, time::Duration};

use crate::harness::Outcome;

/// What a soak is told.
pub(crate) struct Settings {
    /// For how long it is watched.
    pub(crate) duration: Duration,
    /// For how long speakers go at full speed first.
    pub(crate) calibration: Duration,
    /// Messages a second in all rooms together, if not half of full speed.
    pub(crate) rate: Option<f64>,
    /// Rooms that are spoken in.
    pub(crate) rooms: usize,
    /// Readers that stay, for each room.
    pub(crate) readers_per_room: usize,
    /// Clients that come and go.
    pub(crate) visitors: usize,
    /// Clients that stop reading for a while.
    pub(crate) slow: usize,
    /// People who sign in, refresh and sign out.
    pub(crate) people: usize,
}

/// Rooms in which a reader sits.
pub(crate) const SEATS: usize = 2;

impl Settings {
    /// Reads the environment.
    pub(crate) fn read() -> Outcome<Self> {
        let minutes: f64 = variable("SOAK_MINUTES")?.unwrap_or(30.0);
        Ok(Self {
            duration: Duration::from_secs_f64(minutes * 60.0),
            calibration: Duration::from_secs(8),
            rate: variable("SOAK_RATE")?,
            rooms: 20,
            readers_per_room: 5,
            visitors: 12,
            slow: 4,
            people: 4,
        })
    }

    /// Readers that stay.
    pub(crate) fn readers(&self) -> usize {
        self.rooms * self.readers_per_room
    }

    /// Those of them that sit in each room.
    pub(crate) fn hearers(&self) -> usize {
        self.readers_per_room * SEATS
    }

    /// What the room is called.
    pub(crate) fn room(&self, room: usize) -> String {
        format!("soak-{}", room % self.rooms)
    }
}

fn variable<T: FromStr>(name: &str) -> Outcome<Option<T>> {
    match std::env::var(name) {
        Ok(text) => match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!("{name} is not a number: {text}").into()),
        },
        Err(_) => Ok(None),
    }
}
