//! `healthcheck`: a node asked how it is, by its own binary, for images that
//! hold nothing else.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, StatusCode, redirect::Policy};

use crate::reachable::reachable;

/// For the whole answer; a node may wait 2 s for its store and its bus first.
const TIMEOUT: Duration = Duration::from_secs(5);

/// As much as is read of an answer.
const MAX_BYTES: usize = 1024;

/// Why a node doesn't count as healthy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HealthcheckError {
    /// Nobody but the node knows its port.
    #[error("port 0 is chosen by the system at the start, so it can't be asked; name a port")]
    UnknownPort,
    #[error("can't ask {url}")]
    Unreachable {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{url} says {}: {body}", status.as_u16())]
    Unhealthy {
        url: String,
        status: StatusCode,
        body: String,
    },
}

/// Asks the node that listens on `address`: whether it lives (`live`), or
/// whether requests should come to it.
pub(crate) async fn ask(address: SocketAddr, live: bool) -> Result<(), HealthcheckError> {
    if address.port() == 0 {
        return Err(HealthcheckError::UnknownPort);
    }
    let path = if live { "livez" } else { "readyz" };
    let url = format!("http://{}/{path}", reachable(address));
    let answered = get(&url).await.map_err(|source| {
        let url = url.clone();
        let source = source.without_url();
        HealthcheckError::Unreachable { url, source }
    });
    match answered? {
        (StatusCode::OK, _) => Ok(()),
        (status, body) => Err(HealthcheckError::Unhealthy { url, status, body }),
    }
}

/// The status and the beginning of the body.
async fn get(url: &str) -> reqwest::Result<(StatusCode, String)> {
    let client = Client::builder()
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        // A proxy is for what is outside.
        .no_proxy()
        // Nothing here has TLS, so nothing of the machine's certificates is needed.
        .tls_certs_only([])
        .build()?;
    let mut answer = client.get(url).send().await?;
    let mut body = Vec::new();
    while body.len() < MAX_BYTES {
        let Some(chunk) = answer.chunk().await? else {
            break;
        };
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_BYTES);
    // Whoever answers may not be the node, and this goes to a terminal.
    let body = String::from_utf8_lossy(&body).escape_debug().to_string();
    Ok((answer.status(), body.replace("\\\"", "\"")))
}
