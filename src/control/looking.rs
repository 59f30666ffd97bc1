//! News found in the store, and told to those who ask.

use contract::{StoreError, Timestamp};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use uuid::Uuid;

use super::{Archive, Control, INTERVAL, ListenError, OVERLAP};
use crate::news::{self, News};

/// A question of a node without a store.
pub(super) struct Question {
    pub(super) id: Uuid,
    pub(super) since: Timestamp,
}

/// Questions that may wait; who isn't answered asks again.
pub(super) const QUESTIONS: usize = 16;

impl Archive {
    /// What happened from `since` on.
    pub(super) async fn since(&self, since: Timestamp) -> Result<News, StoreError> {
        // One after the other: both take microseconds, and another connection
        // takes a start longer.
        let ended = self.sessions.ended_since(since).await?;
        let memberships = self.rooms.membership_changes_since(since).await?;
        Ok(News {
            sessions: ended.into_iter().map(|ended| ended.session).collect(),
            memberships,
        })
    }
}

impl Control {
    /// Looks into the store at every tick, and for every question of others.
    pub(super) async fn look_on(
        &self,
        archive: &Archive,
        mut looked: Timestamp,
        mut questions: mpsc::Receiver<Question>,
    ) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                _ = ticks.tick() => self.look(archive, &mut looked).await,
                Some(question) = questions.recv() => self.answer(archive, question).await,
            };
            if let Err(error) = done {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "ended sessions and changed memberships could not be looked for"
                );
            }
        }
    }

    async fn look(&self, archive: &Archive, looked: &mut Timestamp) -> Result<(), ListenError> {
        let now = Timestamp::now();
        let since = looked.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let found = archive.since(since.max(self.horizon(now))).await?;
        *looked = now;
        // Most was heard of already.
        let unheard = self.unheard(found, now);
        if unheard.is_empty() {
            return Ok(());
        }
        self.take(unheard.clone());
        // Whoever did it could not say so, or died before.
        news::answer(&*self.bus, Uuid::new_v4(), unheard, now).await?;
        Ok(())
    }

    /// Has everybody told what happened, though nobody asked.
    pub(super) fn tell_unasked(&self, questions: &mpsc::Sender<Question>) {
        let _ = questions.try_send(Question {
            id: Uuid::new_v4(),
            since: self.horizon(Timestamp::now()),
        });
    }

    async fn answer(&self, archive: &Archive, question: Question) -> Result<(), ListenError> {
        let news = archive.since(question.since).await?;
        news::answer(&*self.bus, question.id, news, Timestamp::now()).await?;
        Ok(())
    }
}
