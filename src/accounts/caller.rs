//! Who asks: what is known of a client before it has proved anything.

use std::net::IpAddr;

use contract::{Actor, AuditEvent, AuditRecord, Timestamp, UserId};

/// Longest `User-Agent` that is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// Where a request comes from. Nothing of it is proof of anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The client's address, as far as trusted proxies say it; `None` where
    /// nobody is on a network, as on the command line.
    pub address: Option<IpAddr>,
    /// What the client says that it is, 256 bytes of UTF-8 at most.
    pub user_agent: Option<String>,
    /// The request's id in logs and answers, 64 bytes of ASCII at most.
    pub request_id: Option<String>,
}

impl Caller {
    /// A client at an address. Of a longer `User-Agent` the beginning is kept.
    #[must_use]
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        Self {
            address,
            user_agent: user_agent
                .map(|agent| agent[..agent.floor_char_boundary(MAX_USER_AGENT)].to_owned()),
            request_id: None,
        }
    }

    /// A record of something that this client asked for.
    pub(crate) fn asked(&self, event: AuditEvent, now: Timestamp) -> AuditRecord {
        AuditRecord {
            address: self.address,
            request_id: self.request_id.clone(),
            ..AuditRecord::new(event, now)
        }
    }

    /// The same of a client that has proved to be `user`, about the own account.
    pub(crate) fn asked_as(&self, user: UserId, event: AuditEvent, now: Timestamp) -> AuditRecord {
        self.asked(event, now).by(Actor::User(user)).to(user)
    }
}
