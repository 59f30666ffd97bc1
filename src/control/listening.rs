//! News heard over the bus, and asked for.

use std::time::Duration;

use contract::{Delivery, RoomName, Subscription, Timestamp};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use uuid::Uuid;

use super::{
    Control, INTERVAL, ListenError, OVERLAP,
    looking::{QUESTIONS, Question},
};
use crate::news::{ControlEvent, News};

/// How often a node without a store asks although it has missed nothing that
/// it knows of: servers of the bus may have lost each other and kept us both.
const ROUND: Duration = Duration::from_secs(10);

/// How long a node without a store waits at its start for the first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// A node that listens to the others.
pub struct Listening {
    control: Control,
    subscription: Subscription,
    /// The end of the last look into the store that succeeded.
    looked: Timestamp,
    /// The question that nobody has answered yet.
    question: Option<Asked>,
    /// When the last question was asked that has its answer: what happened
    /// before is known.
    answered: Option<Timestamp>,
}

/// A question to the nodes that have a store.
#[derive(Clone, Copy)]
struct Asked {
    id: Uuid,
    at: Timestamp,
}

impl Asked {
    fn now() -> Self {
        Self {
            id: Uuid::new_v4(),
            at: Timestamp::now(),
        }
    }
}

impl Control {
    /// Listens, and learns what happened before: from the store, or, without
    /// one, from the other nodes. If none of them answers soon, it goes on
    /// asking after this has returned.
    ///
    /// # Errors
    /// The bus's, or the store's.
    pub async fn listen(self) -> Result<Listening, ListenError> {
        let subscription = self.bus.subscribe(&RoomName::control(), None).await?;
        let now = Timestamp::now();
        let mut listening = Listening {
            control: self,
            subscription,
            looked: now,
            question: None,
            answered: None,
        };
        let control = &listening.control;
        if let Some(archive) = &control.archive {
            control.take(archive.since(control.horizon(now)).await?);
        } else {
            listening.question = Some(Asked::now());
            listening.ask().await;
            listening.await_answer().await;
        }
        Ok(listening)
    }
}

impl Listening {
    /// Goes on until the bus shuts down.
    pub async fn run(mut self) {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let control = self.control.clone();
        let Some(archive) = &control.archive else {
            return self.hear_on(&questions).await;
        };
        // A node that did something may have died before it could say so.
        control.tell_unasked(&questions);
        // Beside each other: a slow store must not keep the news waiting.
        let looked = self.looked;
        tokio::select! {
            () = self.hear_on(&questions) => {}
            () = control.look_on(archive, looked, asked) => {}
        }
    }

    async fn hear_on(&mut self, questions: &mpsc::Sender<Question>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                delivery = self.subscription.recv() => self.hear(delivery, questions),
                _ = ticks.tick(), if self.question.is_some() => self.ask().await,
                _ = rounds.tick(), if self.control.archive.is_none() => {
                    self.question.get_or_insert_with(Asked::now);
                }
            }
        }
    }

    fn hear(&mut self, delivery: Delivery, questions: &mpsc::Sender<Question>) {
        let message = match delivery {
            Delivery::Message(envelope) => envelope,
            lost @ (Delivery::Missed(_) | Delivery::CutOff) => {
                tracing::warn!("news of other nodes may have been lost; looking for it");
                if matches!(lost, Delivery::CutOff) {
                    self.control.interruptions.inc();
                }
                if self.control.archive.is_none() {
                    self.question = Some(Asked::now());
                } else if matches!(lost, Delivery::CutOff) {
                    // What this node said meanwhile, nobody has heard.
                    self.control.tell_unasked(questions);
                }
                return;
            }
        };
        match ControlEvent::from_message(&message.message) {
            Ok(ControlEvent::SessionsEnded { sessions, reason }) => {
                tracing::debug!(?reason, sessions = sessions.len(), "sessions ended");
                self.control.take(News {
                    sessions,
                    ..News::default()
                });
            }
            Ok(ControlEvent::MembershipsChanged { memberships }) => {
                self.control.take(News {
                    memberships,
                    ..News::default()
                });
            }
            Ok(ControlEvent::NewsWanted { question, since }) => {
                if self.control.archive.is_some() {
                    let _ = questions.try_send(Question {
                        id: question,
                        since,
                    });
                }
            }
            Ok(ControlEvent::News {
                question,
                news,
                last,
            }) => {
                // Whoever asked, it is true.
                self.control.take(news);
                if let Some(asked) = self.question.filter(|asked| asked.id == question && last) {
                    self.answered = Some(asked.at);
                    self.question = None;
                }
            }
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a node speaks of something this version does not know"
            ),
        }
    }

    /// Asks the other nodes, if there is something to ask.
    async fn ask(&self) {
        let Some(asked) = self.question else {
            return;
        };
        let now = Timestamp::now();
        let horizon = self.control.horizon(now);
        let since = self
            .answered
            .and_then(|answered| answered.checked_sub(OVERLAP).ok())
            .map_or(horizon, |answered| answered.max(horizon));
        let event = ControlEvent::NewsWanted {
            question: asked.id,
            since,
        };
        if let Err(error) = event.tell(&*self.control.bus, now).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the other nodes can't be asked for what happened"
            );
        }
    }

    async fn await_answer(&mut self) {
        let (questions, _) = mpsc::channel(1);
        let deadline = Instant::now() + FIRST_ANSWER;
        while self.question.is_some() {
            match timeout_at(deadline, self.subscription.recv()).await {
                Ok(delivery) => self.hear(delivery, &questions),
                Err(_) => {
                    tracing::warn!(
                        "no node with a store has said what happened; going on, and asking again"
                    );
                    return;
                }
            }
        }
    }
}
