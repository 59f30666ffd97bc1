//! What operators do from the command line.
//!
//! | file | what it holds |
//! |---|---|
//! | `user` | accounts and their sessions |
//! | `legacy` | accounts of another application |
//! | `keys` | the keys that sign access tokens |
//! | `audit` | what happened |
//! | `password` | a password from standard input |
//! | `print` | lines for people, lines for programs |

mod audit;
mod keys;
pub(crate) mod legacy;
mod password;
mod print;
mod user;

use std::error::Error;

use contract::{AuditRecord, SessionId, Timestamp};
use service::{
    config::{Loaded, Log},
    news::{self, EndReason},
    telemetry, wiring,
};
use tokio::runtime;

pub(crate) use self::{audit::audit, keys::keys, user::user};
use crate::{about, write};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Does the work of a command. What fails behind its back is logged.
fn run<T>(loaded: &Loaded, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let audit = &loaded.config.audit;
    telemetry::logs::start(&Log {
        // Where there is no table of it, what an operator does is a line here.
        filter: if audit.retention.is_zero() {
            format!("error,{}=info", service::audit::TARGET)
        } else {
            "error".to_owned()
        },
        ..loaded.config.log.clone()
    })?;
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// This configuration's store, where it has accounts.
async fn account_stores(loaded: &Loaded) -> Outcome<wiring::Stores> {
    let stores = stores(loaded).await?;
    let none = "roles: auth is not among them, so there are no accounts here; use the \
                configuration of an auth node";
    stores.ok_or_else(|| none.into())
}

async fn stores(loaded: &Loaded) -> Outcome<Option<wiring::Stores>> {
    wiring::open_stores(&loaded.config)
        .await
        .map_err(|error| about(loaded, Some(error.setting()), error))
}

/// Does what needs the stores, and closes them, whatever came of it.
async fn with<T>(stores: &wiring::Stores, work: impl Future<Output = T>) -> T {
    let done = work.await;
    stores.credentials.close().await;
    done
}

/// Tells the nodes that sessions ended. They have, in the store: whoever has to
/// be kept out is out, whatever the bus does.
async fn announce(loaded: &Loaded, ended: &[SessionId], reason: EndReason, now: Timestamp) {
    match wiring::open_bus(&loaded.config).await {
        Ok(bus) => news::announce_ended(&*bus, ended, reason, now).await,
        Err(error) => {
            let error = about(loaded, Some(error.setting()), error);
            write(
                std::io::stderr(),
                format_args!(
                    "warning: the nodes were not told, and find out by themselves: {error}"
                ),
            );
        }
    }
}

/// Who runs this, by the operating system's account database.
fn operator() -> String {
    let name = whoami::username().unwrap_or_default();
    let mut name: String = name.chars().filter(|c| !c.is_control()).collect();
    name.truncate(name.floor_char_boundary(AuditRecord::MAX_TEXT_BYTES));
    if name.is_empty() {
        // Images that have nothing but the binary have no account database.
        name = format!("uid {}", rustix::process::getuid().as_raw());
    }
    name
}
