//! Listens for sessions that ended, on this node or another, and closes their
//! sockets.

use std::sync::Arc;

use contract::{Delivery, Subscription, Timestamp};

use super::{close::Close, sockets::Sockets};
use crate::accounts::{control::ControlEvent, tokens::EndedSessions};

/// Listens until the bus shuts down.
pub async fn listen(
    mut subscription: Subscription,
    ended: Arc<EndedSessions>,
    sockets: Arc<Sockets>,
) {
    while let Some(delivery) = subscription.recv().await {
        let envelope = match delivery {
            Delivery::Message(envelope) => envelope,
            Delivery::Missed(missed) => {
                tracing::error!(
                    missed,
                    "news of ended sessions was lost: their sockets stay open until their tokens end"
                );
                continue;
            }
        };
        match ControlEvent::from_message(&envelope.message) {
            Ok(ControlEvent::SessionsEnded { sessions, reason }) => {
                let now = Timestamp::now();
                for session in sessions {
                    // Remembered first: a socket that registers after this
                    // looks there.
                    ended.insert(session, now);
                    let closed = sockets.close_session(session, Close::Revoked);
                    if closed > 0 {
                        tracing::info!(%session, ?reason, closed, "sockets of an ended session closed");
                    }
                }
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a node speaks of something this version does not know"
            ),
        }
    }
}
