//! Rooms without history: plain publish and subscribe.

use std::sync::Arc;

use async_nats::{PublishErrorKind, Subscriber};
use bytes::Bytes;
use contract::{
    BusError,
    fanout::{Feed, Source},
};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;

use crate::{envelope, link::Link, listeners::Listeners};

/// Messages that are handed on at once, if so many have come.
const BATCH: usize = 64;

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
    Ok(Pumping::source(run(live, Listeners::new(feed), resumed)))
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

async fn run(mut live: Subscriber, mut listeners: Listeners, mut resumed: watch::Receiver<u64>) {
    loop {
        let message = tokio::select! {
            biased;
            Ok(()) = resumed.changed() => {
                listeners.cut_off();
                continue;
            }
            message = live.next() => message,
        };
        let Some(message) = message else {
            listeners.cut_off();
            return;
        };
        tell(message, &mut listeners).await;
        // What else has come, without asking each time whether there was a cut.
        for _ in 1..BATCH {
            match live.next().now_or_never() {
                Some(Some(message)) => tell(message, &mut listeners).await,
                Some(None) | None => break,
            }
        }
    }
}

async fn tell(message: async_nats::Message, listeners: &mut Listeners) {
    match envelope::decode(message.payload) {
        Ok(message) => listeners.tell(message, None).await,
        Err(error) => tracing::warn!(
            subject = %message.subject,
            %error,
            "something else than a message was published"
        ),
    }
}
