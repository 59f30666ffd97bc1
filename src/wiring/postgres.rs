use std::sync::Arc;

use secrecy::ExposeSecret;
use store_postgres::{PostgresSettings, PostgresStore};

use super::{Stores, WiringError};
use crate::config::Postgres;

pub(super) fn describe(postgres: &Postgres) -> String {
    format!("postgres ({})", database(postgres))
}

/// `host:port/database`, as far as it is named.
fn database(postgres: &Postgres) -> String {
    let Ok(database) = postgres.database() else {
        return "not a URL".to_owned();
    };
    let port = database.port.map(|port| format!(":{port}"));
    let name = database.name.map(|name| format!("/{name}"));
    [Some(database.host), port, name]
        .into_iter()
        .flatten()
        .collect()
}

pub(super) async fn open(postgres: &Postgres) -> Result<Stores, WiringError> {
    let settings = PostgresSettings {
        url: postgres.url.expose_secret().to_owned(),
        max_connections: postgres.max_connections,
    };
    PostgresStore::connect(&settings)
        .await
        .map(|store| Stores {
            legacy: Some(Arc::new(store.clone())),
            ..Stores::of(store)
        })
        .map_err(|error| WiringError::of_store("store.url", error))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};

    #[test]
    fn it_says_where_without_saying_who() {
        for (url, said) in [
            (
                "postgres://ann:pw@db.example/app?password=pw",
                "postgres (db.example:5432/app)",
            ),
            (
                "postgres:///app?host=/run/postgresql",
                "postgres (/run/postgresql/app)",
            ),
            ("postgres://localhost", "postgres (localhost:5432)"),
        ] {
            let sources = Sources::default().variable("DATABASE_URL", url);
            let (store, _) = crate::wiring::describe(&Config::load(&sources).unwrap().config);
            assert_eq!(store, said);
        }
    }
}
