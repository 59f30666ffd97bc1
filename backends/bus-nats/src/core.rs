//! Rooms without history: plain publish and subscribe.

use std::sync::Arc;

use async_nats::{PublishErrorKind, Subscriber};
use bytes::Bytes;
use contract::{
    BusError, Delivery, Envelope,
    fanout::{Feed, Source},
};
use futures_util::StreamExt;
use tokio::sync::watch;

use crate::{envelope, link::Link};

/// Ends a room's task with the room.
pub(crate) struct Pumping(tokio::task::AbortHandle);

impl Pumping {
    pub(crate) fn source(task: impl Future<Output = ()> + Send + 'static) -> Source {
        Box::new(Self(tokio::spawn(task).abort_handle()))
    }
}

impl Drop for Pumping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) async fn publish(link: &Link, subject: String, payload: Bytes) -> Result<(), BusError> {
    link.check()?;
    link.client()
        .publish(subject, payload)
        .await
        .map_err(|error| match error.kind() {
            PublishErrorKind::Send => BusError::Unavailable(Box::new(error)),
            _ => BusError::Failed(Box::new(error)),
        })
}

/// Listens to a subject until the source is dropped.
pub(crate) async fn listen(
    link: &Arc<Link>,
    subject: String,
    feed: Feed,
) -> Result<Source, BusError> {
    // Before the server knows of us: no cut from then on may be missed.
    let resumed = link.resumed();
    let live = subscribe(link, subject).await?;
    Ok(Pumping::source(run(live, feed, resumed)))
}

/// Listens to a subject; when this returns, the server knows.
pub(crate) async fn subscribe(link: &Link, subject: String) -> Result<Subscriber, BusError> {
    link.check()?;
    let live = link
        .client()
        .subscribe(subject)
        .await
        .map_err(|error| BusError::Unavailable(Box::new(error)))?;
    link.confirm().await?;
    Ok(live)
}

async fn run(mut live: Subscriber, feed: Feed, mut resumed: watch::Receiver<u64>) {
    loop {
        tokio::select! {
            biased;
            Ok(()) = resumed.changed() => feed.deliver(Delivery::CutOff),
            message = live.next() => {
                let Some(message) = message else {
                    feed.deliver(Delivery::CutOff);
                    return;
                };
                match envelope::decode(message.payload) {
                    Ok(message) => feed.deliver(Delivery::Message(Arc::new(Envelope {
                        message,
                        position: None,
                    }))),
                    Err(error) => tracing::warn!(
                        subject = %message.subject,
                        %error,
                        "something else than a message was published"
                    ),
                }
            }
        }
    }
}
