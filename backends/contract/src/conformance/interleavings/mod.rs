//! The law of everything that moves a session on or ends it, in any order and at
//! the same time, by clocks that go forward and back: what comes of it is what
//! comes of it in a model that does one thing after the other.

mod model;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::spawn;

use self::model::{Answer, Asked, Call, Model, Row, orders};
use super::{
    StoreUnderTest,
    samples::{GRACE, account, hash, session, time},
    steps::{self, Random},
};
use crate::{
    Account, ChangeOutcome, CreateOutcome, NewSession, OpenOutcome, PasswordChange, Rotate,
    Rotation, Session, SessionId, Username,
};

/// Sequences of steps, and the steps of the longest.
const CASES: u64 = 80;
const LONGEST: usize = 40;
/// Sessions of the account, at most.
const SESSIONS: usize = 2;

/// Lives of a session, in milliseconds: so short that within one sequence a grace is
/// over, sessions idle, and one that is refreshed comes to its end.
const IDLE: i64 = 3 * GRACE;
const LIFE: i64 = 2 * IDLE;

/// How the clock moves, in milliseconds.
const WAITS: &[i64] = &[
    0,
    1,
    GRACE / 2,
    GRACE - 1,
    GRACE,
    GRACE,
    GRACE + 1,
    IDLE / 2,
    IDLE - 1,
    -1,
    -GRACE,
];

#[derive(Debug, Clone)]
enum Step {
    /// The clock moves.
    Wait(i64),
    /// Another session.
    SignIn,
    /// All of these at once.
    Together(Vec<Call>),
    /// What is over is removed.
    Purge,
}

fn step(random: &mut Random) -> Step {
    match random.below(12) {
        0..=3 => Step::Wait(random.pick(WAITS)),
        4 => Step::SignIn,
        5 => Step::Purge,
        _ => {
            let first = call(random);
            let mut calls = vec![first];
            for _ in 0..random.below(3) {
                // What happens at once is often the same.
                let same = random.below(2) == 0;
                calls.push(if same { first } else { call(random) });
            }
            Step::Together(calls)
        }
    }
}

fn call(random: &mut Random) -> Call {
    let session = random.below(SESSIONS);
    match random.below(80) {
        0 => Call::Logout(session),
        1 => Call::LogoutAll(random.pick(&[None, Some(session)])),
        2 => Call::ChangePassword(session),
        3 => Call::Disable,
        _ => Call::Refresh {
            session,
            back: random.pick(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, -1]),
            grace: random.below(16) > 0,
        },
    }
}

/// The store, and what it may be in: after calls at once, perhaps several things.
struct Trial<'a> {
    store: &'a StoreUnderTest,
    account: Account,
    sessions: Vec<SessionId>,
    /// The latest token of each.
    latest: Vec<i64>,
    possible: Vec<Model>,
    password: u32,
    now: i64,
}

impl Trial<'_> {
    async fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Wait(by) => self.now += by,
            Step::SignIn => self.sign_in().await,
            Step::Together(calls) => self.call(calls).await?,
            Step::Purge => {
                let (now, before) = (self.now, self.now - GRACE);
                let purged = self.store.sessions.purge(time(now), time(before)).await;
                purged.unwrap();
                self.possible
                    .iter_mut()
                    .for_each(|model| model.purge(now, before));
            }
        }
        self.look().await
    }

    async fn sign_in(&mut self) {
        if self.sessions.len() == SESSIONS {
            return;
        }
        let user = self.account.id;
        assert!(self.store.credentials.enable(user).await.unwrap());
        let now = self.now;
        let session = Session {
            created_at: time(now),
            rotated_at: time(now),
            idle_expires_at: time(now + IDLE),
            expires_at: time(now + LIFE),
            ..session(user)
        };
        let new = NewSession {
            verified: password(self.password),
            session,
        };
        let opened = self.store.sessions.open(&new).await.unwrap();
        assert_eq!(opened, OpenOutcome::Opened);
        self.sessions.push(new.session.id);
        self.latest.push(0);
        for model in &mut self.possible {
            model.rows.push(Row {
                counter: 0,
                rotated_at: now,
                idle_end: now + IDLE,
                end: now + LIFE,
                ended_at: None,
                is_purged: false,
            });
        }
    }

    /// Has all of it asked at once. There is an order in which the model gives the
    /// same answers.
    async fn call(&mut self, calls: &[Call]) -> Result<(), String> {
        let asked: Vec<Asked> = calls.iter().filter_map(|call| self.asked(*call)).collect();
        let answers = join_all(asked.iter().map(|asked| self.ask(*asked))).await;
        let mut possible = Vec::new();
        for order in orders(asked.len()) {
            for model in &self.possible {
                let mut model = model.clone();
                if order
                    .iter()
                    .all(|at| model.answer(asked[*at]) == answers[*at])
                    && !possible.contains(&model)
                {
                    possible.push(model);
                }
            }
        }
        if possible.is_empty() {
            let before = &self.possible;
            return Err(format!("{asked:#?} got {answers:#?} of {before:#?}"));
        }
        self.possible = possible;
        self.password = self.possible[0].password;
        for (asked, answer) in asked.iter().zip(&answers) {
            if let (Call::Refresh { session, .. }, Answer::Rotated(row)) = (asked.call, answer) {
                self.latest[session] = row.counter;
            }
        }
        Ok(())
    }

    /// `None` if there is no such session, or no such token.
    fn asked(&self, call: Call) -> Option<Asked> {
        let there_is = |session: usize| session < self.sessions.len();
        let presented = match call {
            Call::Refresh { session, back, .. } => *self.latest.get(session)? - back,
            Call::Logout(session) | Call::LogoutAll(Some(session)) => {
                there_is(session).then_some(0)?
            }
            Call::ChangePassword(session) => there_is(session).then_some(0)?,
            Call::LogoutAll(None) | Call::Disable => 0,
        };
        (presented >= 0).then_some(Asked {
            call,
            presented,
            password: self.password,
            now: self.now,
        })
    }

    async fn ask(&self, asked: Asked) -> Answer {
        let (sessions, accounts) = (
            Arc::clone(&self.store.sessions),
            Arc::clone(&self.store.credentials),
        );
        let (user, ids, now) = (self.account.id, self.sessions.clone(), time(asked.now));
        let which = |ended: Vec<SessionId>, ids: &[SessionId]| {
            let ended = ended.iter().map(|id| ids.iter().position(|of| of == id));
            Answer::EndedAll(ended.map(|at| at.expect("one of its sessions")).collect())
        };
        let answer = spawn(async move {
            match asked.call {
                Call::Refresh { session, grace, .. } => {
                    let grace = if grace { GRACE } else { 0 };
                    let rotation = sessions.rotate(Rotate {
                        session: ids[session],
                        presented: asked.presented.try_into().unwrap(),
                        grace: Duration::from_millis(grace.unsigned_abs()),
                        idle_ttl: Duration::from_millis(IDLE.unsigned_abs()),
                        now,
                    });
                    match rotation.await.unwrap() {
                        Rotation::Rotated(session) => Answer::Rotated(row(&session)),
                        Rotation::Repeated(session) => Answer::Repeated(row(&session)),
                        Rotation::Reused(session) => Answer::Reused(row(&session)),
                        Rotation::Ended => Answer::Ended,
                    }
                }
                Call::Logout(session) => {
                    let ended = sessions.revoke(user, ids[session], now).await;
                    Answer::LoggedOut(ended.unwrap())
                }
                Call::LogoutAll(keep) => {
                    let keep = keep.map(|keep| ids[keep]);
                    let ended = sessions.revoke_all(user, keep, now).await;
                    which(ended.unwrap(), &ids)
                }
                Call::ChangePassword(keep) => {
                    let change = PasswordChange {
                        user,
                        expected: password(asked.password),
                        new: password(asked.password + 1),
                        keep: ids[keep],
                        now,
                    };
                    match accounts.change_password(&change).await.unwrap() {
                        ChangeOutcome::Changed(ended) => which(ended, &ids),
                        ChangeOutcome::Conflict => Answer::Conflict,
                    }
                }
                Call::Disable => {
                    let ended = accounts.disable(user, now).await.unwrap();
                    which(ended.expect("the account"), &ids)
                }
            }
        });
        answer.await.unwrap()
    }

    /// What is found, listed and told of ends is what is there in the model.
    async fn look(&mut self) -> Result<(), String> {
        let (store, now) = (self.store, self.now);
        let mut found = Vec::new();
        for id in &self.sessions {
            let session = store.sessions.find(*id, time(now)).await.unwrap();
            found.push(session.as_ref().map(row));
        }
        let listed = store.sessions.list(self.account.id, time(now)).await;
        let listed: BTreeSet<SessionId> = listed.unwrap().iter().map(|of| of.id).collect();
        let before = self.possible.clone();
        self.possible.retain(|model| {
            let rows = model.rows.iter().zip(&found).zip(&self.sessions);
            rows.into_iter().all(|((row, found), id)| {
                let live = (!row.is_over(now)).then_some(row);
                live == found.as_ref() && live.is_some() == listed.contains(id)
            })
        });
        if self.possible.is_empty() {
            return Err(format!("{found:#?}, {listed:?} at {now}, not {before:#?}"));
        }
        Ok(())
    }

    /// Whoever verifies access tokens is told of every end.
    async fn told(&self) -> Result<(), String> {
        let told = self.store.sessions.ended_since(time(-LIFE * 100)).await;
        let told = told.unwrap();
        let ended = |at: usize| {
            let mut ended = told.iter().filter(|of| of.session == self.sessions[at]);
            ended.next().map(|of| of.at)
        };
        let is_told = |model: &Model| {
            let mut rows = model.rows.iter().enumerate();
            rows.all(|(at, row)| ended(at) == row.ended_at.filter(|_| !row.is_purged).map(time))
        };
        match self.possible.iter().any(is_told) {
            true => Ok(()),
            false => Err(format!("{told:#?} of {:#?}", self.possible)),
        }
    }
}

fn password(number: u32) -> crate::StoredHash {
    hash(&format!("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ${number}"))
}

fn row(session: &Session) -> Row {
    let ms = |at: jiff::Timestamp| at.as_millisecond() - time(0).as_millisecond();
    Row {
        counter: session.counter.into(),
        rotated_at: ms(session.rotated_at),
        idle_end: ms(session.idle_expires_at),
        end: ms(session.expires_at),
        ended_at: None,
        is_purged: false,
    }
}

laws! {
    interleavings => interleaving_laws($), StoreUnderTest;

    /// Whatever is done to sessions, at once and in whatever order, comes to what
    /// one thing after the other comes to in the model: each token has one child,
    /// reuse is found and ends the session, and nothing of it works after its end.
    async fn sessions_are_as_the_model_says(store) {
        let number = std::cell::Cell::new(0_u32);
        steps::hold(CASES, LONGEST, step, async |steps: &[Step]| {
            number.set(number.get() + 1);
            let account = Account {
                username: Username::parse(&format!("ann{}", number.get())).unwrap(),
                hash: password(0),
                ..account("ann")
            };
            let created = store.credentials.create(&account).await.unwrap();
            assert_eq!(created, CreateOutcome::Created);
            let mut trial = Trial {
                store: &store,
                account,
                sessions: Vec::new(),
                latest: Vec::new(),
                possible: vec![Model { rows: Vec::new(), password: 0 }],
                password: 0,
                now: 0,
            };
            trial.take(&Step::SignIn).await?;
            for step in steps {
                trial.take(step).await?;
            }
            trial.told().await
        })
        .await;
    }
}
