//! The configuration, as whoever runs the program meets it: a process in an
//! empty folder, with nothing in its environment but what a test puts there.

// What the tests share may panic as a test may.
#![allow(clippy::unwrap_used)]

// {% if page %}The page.
mod page;

// {% endif %}{% if store != "postgres" %}One file.
mod sqlite;

// {% endif %}{% if store != "sqlite" %}A database.
mod postgres;

// {% endif %}{% if store == "both" %}What becomes of one store's settings with another.
mod stores;

// {% endif %}{% if bus != "nats" %}Rooms in the process.
mod memory;

// {% endif %}{% if bus != "memory" %}Rooms on servers.
mod nats;

// {% endif %}{% if bus == "both" %}What becomes of one bus's settings with another.
mod buses;

// {% endif %}{% if store == "both" and bus != "memory" %}Several nodes, each with a file.
mod nodes;

// {% endif %}Whatever it runs on.
mod command_line;
mod layers;
mod metrics;
mod mistakes;
mod production;
mod program;
mod roles;
mod secrets;
mod traces;
