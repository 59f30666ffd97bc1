//! Whose web pages may open a socket: the listed ones, and the service's own.

use axum::http::{HeaderMap, header};

use crate::config::AllowedOrigins;

/// Whose web pages may open a socket.
#[derive(Debug, Clone)]
pub struct Origins {
    listed: AllowedOrigins,
    own: bool,
}

impl Origins {
    /// The pages of a list.
    #[must_use]
    pub fn new(listed: AllowedOrigins) -> Self {
        Self { listed, own: false }
    }

    /// With `own`, also the pages that this service serves itself, under
    /// whatever name it was asked for.
    #[must_use]
    pub fn with_own(self, own: bool) -> Self {
        Self { own, ..self }
    }

    /// Whether a page with this `Origin` may open a socket with these headers.
    #[must_use]
    pub fn allow(&self, origin: &[u8], headers: &HeaderMap) -> bool {
        self.listed.allows(origin) || (self.own && is_own(origin, headers))
    }
}

/// Whether a page comes from where its request goes. A page can choose neither
/// header, so one of another origin can't claim it.
fn is_own(origin: &[u8], headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => AllowedOrigins::is_of_host(origin, host.as_bytes()),
        _ => false,
    }
}
