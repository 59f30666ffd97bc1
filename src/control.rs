//! Sessions that ended on any node end on this one: their access tokens are
//! void, their sockets close.
//!
//! The bus brings the news at once. What it loses is made up for: a node with
//! a store looks there, twice a second, which also finds what the command line
//! ended; a node without one asks the others, now and then and whenever it may
//! have missed something, until it is answered. It can't know of news that was
//! never spoken, so nodes with a store tell what they alone may know: what they
//! find there unheard, and, after a start or a cut, all that matters still.

use std::{sync::Arc, time::Duration};

use contract::{
    BusError, Delivery, EndedSession, RoomBus, RoomName, SessionId, SessionStore, StoreError,
    Subscription, Timestamp,
};
use jiff::SignedDuration;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use uuid::Uuid;

use crate::{
    accounts::{
        control::{self, ControlEvent},
        tokens::EndedSessions,
    },
    ws::{close::Close, sockets::Sockets},
};

/// How often a node with a store looks for ended sessions, and one without
/// repeats a question that nobody answered.
const INTERVAL: Duration = Duration::from_millis(500);

/// How often a node without a store asks although it has missed nothing that
/// it knows of: servers of the bus may have lost each other and kept us both.
const ROUND: Duration = Duration::from_secs(10);

/// A look into the store begins so far before the last one: a session's end
/// bears the time at which its request came, by another node's clock.
const OVERLAP: SignedDuration = SignedDuration::from_secs(90);

/// How long a node without a store waits at its start for the first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// What this node does about ended sessions.
#[derive(Clone)]
pub struct Control {
    /// What brings the news.
    pub bus: Arc<dyn RoomBus>,
    /// What this node knows.
    pub ended: Arc<EndedSessions>,
    /// Where ended sessions are kept; `None` on a node without a store.
    pub sessions: Option<Arc<dyn SessionStore>>,
    /// Whose sockets close; `None` on a node without sockets.
    pub sockets: Option<Arc<Sockets>>,
}

/// A node that listens to the others.
pub struct Listening {
    control: Control,
    subscription: Subscription,
    /// The end of the last look into the store that succeeded.
    looked: Timestamp,
    /// The question that nobody has answered yet.
    question: Option<Asked>,
    /// When the last question was asked that has its answer: what ended before
    /// is known.
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
    /// Listens, and learns what ended before: from the store, or, without one,
    /// from the other nodes. If none of them answers soon, it goes on asking
    /// after this has returned.
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
        if let Some(store) = &listening.control.sessions {
            let ended = store.ended_since(listening.control.ended.horizon(now));
            listening.control.end(ids(ended.await?));
        } else {
            listening.question = Some(Asked::now());
            listening.ask().await;
            listening.await_answer().await;
        }
        Ok(listening)
    }

    /// Ends sessions on this node.
    fn end(&self, sessions: impl IntoIterator<Item = SessionId>) {
        let now = Timestamp::now();
        for session in sessions {
            // Remembered first: a socket that registers after this looks there.
            self.ended.insert(session, now);
            let Some(sockets) = &self.sockets else {
                continue;
            };
            let closed = sockets.close_session(session, Close::Revoked);
            if closed > 0 {
                tracing::info!(%session, closed, "sockets of an ended session closed");
            }
        }
    }

    /// Looks into the store at every tick, and for every question of others.
    async fn look_on(
        &self,
        store: &dyn SessionStore,
        mut looked: Timestamp,
        mut questions: mpsc::Receiver<Question>,
    ) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                _ = ticks.tick() => self.look(store, &mut looked).await,
                Some(question) = questions.recv() => self.answer(store, question).await,
            };
            if let Err(error) = done {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "ended sessions could not be looked for"
                );
            }
        }
    }

    async fn look(
        &self,
        store: &dyn SessionStore,
        looked: &mut Timestamp,
    ) -> Result<(), ListenError> {
        let now = Timestamp::now();
        let since = looked.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let ended = store
            .ended_since(since.max(self.ended.horizon(now)))
            .await?;
        *looked = now;
        // Most were heard of already.
        let unheard: Vec<SessionId> = ids(ended)
            .filter(|session| !self.ended.contains(*session, now))
            .collect();
        if unheard.is_empty() {
            return Ok(());
        }
        self.end(unheard.iter().copied());
        // Whoever ended them could not say so, or died before.
        control::answer(&*self.bus, Uuid::new_v4(), &unheard, now).await?;
        Ok(())
    }

    /// Has everybody told what ended, though nobody asked.
    fn tell_unasked(&self, questions: &mpsc::Sender<Question>) {
        let _ = questions.try_send(Question {
            id: Uuid::new_v4(),
            since: self.ended.horizon(Timestamp::now()),
        });
    }

    async fn answer(
        &self,
        store: &dyn SessionStore,
        question: Question,
    ) -> Result<(), ListenError> {
        let ended: Vec<SessionId> = ids(store.ended_since(question.since).await?).collect();
        control::answer(&*self.bus, question.id, &ended, Timestamp::now()).await?;
        Ok(())
    }
}

/// A question of a node without a store.
struct Question {
    id: Uuid,
    since: Timestamp,
}

/// Questions that may wait; who isn't answered asks again.
const QUESTIONS: usize = 16;

fn ids(ended: Vec<EndedSession>) -> impl Iterator<Item = SessionId> {
    ended.into_iter().map(|ended| ended.session)
}

/// Why a node can't learn of ended sessions.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The bus can't be listened to.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Listening {
    /// Goes on until the bus shuts down.
    pub async fn run(mut self) {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let control = self.control.clone();
        let Some(store) = control.sessions.as_deref() else {
            return self.hear_on(&questions).await;
        };
        // A node that ended sessions may have died before it could say so.
        control.tell_unasked(&questions);
        // Beside each other: a slow store must not keep the news waiting.
        let looked = self.looked;
        tokio::select! {
            () = self.hear_on(&questions) => {}
            () = control.look_on(store, looked, asked) => {}
        }
    }

    async fn hear_on(&mut self, questions: &mpsc::Sender<Question>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                delivery = self.subscription.recv() => match delivery {
                    Some(delivery) => self.hear(delivery, questions),
                    None => return,
                },
                _ = ticks.tick(), if self.question.is_some() => self.ask().await,
                _ = rounds.tick(), if self.control.sessions.is_none() => {
                    self.question.get_or_insert_with(Asked::now);
                }
            }
        }
    }

    fn hear(&mut self, delivery: Delivery, questions: &mpsc::Sender<Question>) {
        let message = match delivery {
            Delivery::Message(envelope) => envelope,
            lost @ (Delivery::Missed(_) | Delivery::CutOff) => {
                tracing::warn!("news of ended sessions may have been lost; looking for it");
                if self.control.sessions.is_none() {
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
                self.control.end(sessions);
            }
            Ok(ControlEvent::EndedSessionsWanted { question, since }) => {
                if self.control.sessions.is_some() {
                    let _ = questions.try_send(Question {
                        id: question,
                        since,
                    });
                }
            }
            Ok(ControlEvent::EndedSessions {
                question,
                sessions,
                last,
            }) => {
                // Whoever asked, it is true.
                self.control.end(sessions);
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
        let horizon = self.control.ended.horizon(now);
        let since = self
            .answered
            .and_then(|answered| answered.checked_sub(OVERLAP).ok())
            .map_or(horizon, |answered| answered.max(horizon));
        let event = ControlEvent::EndedSessionsWanted {
            question: asked.id,
            since,
        };
        if let Err(error) = event.tell(&*self.control.bus, now).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the other nodes can't be asked for ended sessions"
            );
        }
    }

    async fn await_answer(&mut self) {
        let (questions, _) = mpsc::channel(1);
        let deadline = Instant::now() + FIRST_ANSWER;
        while self.question.is_some() {
            match timeout_at(deadline, self.subscription.recv()).await {
                Ok(Some(delivery)) => self.hear(delivery, &questions),
                Ok(None) | Err(_) => {
                    tracing::warn!(
                        "no node with a store has said which sessions ended; going on, and asking again"
                    );
                    return;
                }
            }
        }
    }
}
