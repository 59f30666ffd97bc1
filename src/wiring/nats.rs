use std::sync::Arc;

use bus_nats::{ConnectError, History, NatsBus, NatsSettings, Storage, Tls};
use contract::RoomBus;
use secrecy::ExposeSecret;

use super::{WiringError, history};
use crate::config::{HistoryStorage, Nats};

pub(super) fn describe(nats: &Nats) -> String {
    format!("nats ({}; {})", servers(nats), history(nats.history))
}

/// `host:port, host:port`.
fn servers(nats: &Nats) -> String {
    let Ok(servers) = nats.servers() else {
        return "not a URL".to_owned();
    };
    let servers = servers.iter();
    let listed: Vec<String> = servers
        .map(|server| format!("{}:{}", server.host, server.port))
        .collect();
    listed.join(", ")
}

pub(super) async fn open(nats: &Nats) -> Result<Arc<dyn RoomBus>, WiringError> {
    let urls = nats
        .servers()
        .map_err(|reason| WiringError::new("bus.url", reason))?;
    let settings = NatsSettings {
        servers: urls
            .iter()
            .map(|server| server.url.expose_secret().to_owned())
            .collect(),
        credentials_file: nats.credentials_file.clone(),
        tls: Tls {
            ca_file: nats.ca_file.clone(),
            cert_file: nats.cert_file.clone(),
            key_file: nats.key_file.clone(),
        },
        prefix: nats.prefix.clone(),
        capacity: nats.capacity,
        history: (nats.history > 0).then_some(History {
            messages: nats.history,
            age: nats.history_age,
            storage: match nats.history_storage {
                HistoryStorage::File => Storage::File,
                HistoryStorage::Memory => Storage::Memory,
            },
            replicas: nats.history_replicas,
        }),
    };
    let bus = NatsBus::connect(&settings)
        .await
        .map_err(|error| WiringError::new(setting(&error), error))?;
    Ok(Arc::new(bus))
}

fn setting(error: &ConnectError) -> &'static str {
    match error.setting() {
        "url" => "bus.url",
        "credentials_file" => "bus.credentials_file",
        "ca_file" => "bus.ca_file",
        "cert_file" => "bus.cert_file",
        "key_file" => "bus.key_file",
        "history" => "bus.history",
        _ => "bus",
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};

    #[test]
    fn it_says_where_without_saying_who() {
        for (url, history, said) in [
            (
                "nats://ann:pw@a.example,tls://ann:pw@b.example:1",
                "100",
                "nats (a.example:4222, b.example:1; history of 100)",
            ),
            ("nats://[::1]", "", "nats ([::1]:4222; no history)"),
        ] {
            let sources = Sources::default()
                .variable("NATS_URL", url)
                .variable("APP__BUS__HISTORY", history);
            let (_, bus) = crate::wiring::describe(&Config::load(&sources).unwrap().config);
            assert_eq!(bus, said);
        }
    }
}
