//! Sign-ins, refreshes with tokens old and new, one by one and at once, the ends
//! of sessions, and the passing of time, in any order: each token gets one child,
//! reuse is found, and nothing of a session works after its end.
//!
//! It is spoken to the use cases, which take the time as an argument. How stores
//! keep their part of it while calls race is a law of theirs.

mod use_cases;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU32, Ordering},
};

use contract::{
    SessionId, Timestamp, UserId,
    conformance::steps::{self, Random},
};
use futures_util::future::join_all;
use service::accounts::{
    Accounts, AccountsError, Caller, Tokens, current_password::SignedIn, login::Presented,
    tokens::TokenVerifier,
};

use self::use_cases::of_a_service;
use crate::service::{PASSWORD, Service};

/// Sequences of steps, and the steps of the longest.
const CASES: u64 = 40;
const LONGEST: usize = 20;
/// Sessions of the account, at most.
const SESSIONS: usize = 3;

/// Times in milliseconds.
const GRACE: i64 = 10_000;
const IDLE: i64 = 14 * 24 * 3_600_000;
const LIFE: i64 = 90 * 24 * 3_600_000;
const ACCESS: i64 = 600_000;
/// As far as clocks may differ, one's own at two times too.
const LEEWAY: i64 = 5000;

#[derive(Debug, Clone)]
enum Step {
    /// The clock goes on.
    Wait(i64),
    /// The clock is put back, within the leeway.
    Back(i64),
    SignIn,
    /// The token so many before the latest, so often at once.
    Refresh {
        session: usize,
        back: usize,
        times: usize,
    },
    /// The latest token with a letter changed.
    Forge {
        session: usize,
        letter: usize,
    },
    Logout(usize),
    LogoutEverywhere(usize),
    ChangePassword(usize),
}

fn step(random: &mut Random) -> Step {
    let session = random.below(SESSIONS);
    match random.below(24) {
        0..=4 => Step::Wait(random.pick(&[
            1,
            GRACE / 2,
            GRACE - 1,
            GRACE,
            ACCESS,
            ACCESS + LEEWAY,
            IDLE - 1,
            IDLE,
            LIFE / 3,
        ])),
        5 => Step::Back(random.pick(&[1, 1000, LEEWAY])),
        6 => Step::SignIn,
        7 => Step::Forge {
            session,
            letter: random.below(70),
        },
        8 => Step::Logout(session),
        9 if random.below(2) == 0 => Step::LogoutEverywhere(session),
        9 => Step::ChangePassword(session),
        _ => Step::Refresh {
            session,
            back: random.pick(&[0, 0, 0, 0, 1, 1, 2, 3]),
            times: random.pick(&[1, 1, 1, 2, 4]),
        },
    }
}

/// What a client of a session has been given, and what must come of it.
struct Session {
    id: SessionId,
    /// All refresh tokens, the latest last.
    refresh: Vec<String>,
    /// All access tokens, with when they begin and end, in seconds.
    access: Vec<(String, i64, i64)>,
    rotated_at: i64,
    idle_end: i64,
    end: i64,
    has_ended: bool,
}

impl Session {
    fn is_over(&self, now: i64) -> bool {
        self.has_ended || now >= self.idle_end || now >= self.end
    }

    fn given(&mut self, access: String, now: i64) {
        let begin = now.div_euclid(1000);
        let end = (begin + ACCESS / 1000).min(self.end.div_euclid(1000));
        self.access.push((access, begin, end));
    }
}

/// One account, and what it does.
struct Trial<'a> {
    accounts: &'a Accounts,
    verifier: &'a TokenVerifier,
    name: String,
    user: UserId,
    password: u32,
    sessions: Vec<Session>,
    now: i64,
    latest: i64,
}

macro_rules! check {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}

impl Trial<'_> {
    async fn take(&mut self, step: &Step) -> Result<(), String> {
        match *step {
            Step::Wait(by) => self.now += by,
            Step::Back(by) => self.now = (self.now - by).max(self.latest - LEEWAY),
            Step::SignIn => self.sign_in().await?,
            Step::Refresh {
                session,
                back,
                times,
            } => self.refresh(session, back, times).await?,
            Step::Forge { session, letter } => self.forge(session, letter).await?,
            Step::Logout(session) => {
                if let Some(session) = self.sessions.get_mut(session) {
                    session.has_ended = true;
                    let ended = (self.accounts)
                        .logout(self.user, session.id, &caller(), time(self.now))
                        .await;
                    ended.unwrap();
                }
            }
            Step::LogoutEverywhere(session) => {
                if let Some(session) = self.sessions.get(session) {
                    let id = session.id;
                    let ended = (self.accounts)
                        .logout_everywhere(self.user, id, &caller(), time(self.now))
                        .await;
                    ended.unwrap();
                    self.sessions.iter_mut().for_each(|of| of.has_ended = true);
                }
            }
            Step::ChangePassword(session) => self.change_password(session).await,
        }
        self.latest = self.latest.max(self.now);
        self.look().await
    }

    async fn sign_in(&mut self) -> Result<(), String> {
        if self.sessions.len() == SESSIONS {
            return Ok(());
        }
        let (password, now) = (password(self.password), self.now);
        let presented = Presented {
            username: &self.name,
            password: &password,
            second_factor: None,
        };
        let signed_in = (self.accounts).login(presented, &caller(), time(now)).await;
        let tokens = signed_in.unwrap();
        let access = self.verifier.verify(&tokens.access_token, time(now)).await;
        let access = access.map_err(|error| format!("the access token is {error}"))?;
        self.user = access.user;
        let mut session = Session {
            id: access.session,
            refresh: vec![tokens.refresh_token],
            access: Vec::new(),
            rotated_at: now,
            idle_end: now + IDLE,
            end: now + LIFE,
            has_ended: false,
        };
        session.given(tokens.access_token, now);
        self.sessions.push(session);
        Ok(())
    }

    async fn refresh(&mut self, at: usize, back: usize, times: usize) -> Result<(), String> {
        let (accounts, now) = (self.accounts, self.now);
        let Some(session) = self.sessions.get_mut(at) else {
            return Ok(());
        };
        let Some(shown) = session.refresh.len().checked_sub(1 + back) else {
            return Ok(());
        };
        let token = session.refresh[shown].clone();
        let (token, caller) = (token.as_str(), caller());
        let asked = (0..times).map(|_| accounts.refresh(token, &caller, time(now)));
        let answers: Vec<Result<Tokens, AccountsError>> = join_all(asked).await;

        let is_repeat = back == 1 && now - session.rotated_at < GRACE;
        let was_over = session.is_over(now);
        if was_over || (back > 0 && !is_repeat) {
            session.has_ended |= !was_over;
            for answer in answers {
                check!(
                    matches!(answer, Err(AccountsError::RefreshToken)),
                    "{answer:?} for a token of number {shown}"
                );
            }
            return Ok(());
        }
        for answer in answers {
            let tokens = answer.map_err(|error| format!("{error:?} for number {shown}"))?;
            if session.refresh.len() == shown + 1 {
                let is_new = !session.refresh.contains(&tokens.refresh_token);
                check!(is_new, "an old token is given out again");
                session.refresh.push(tokens.refresh_token);
                session.rotated_at = now;
                session.idle_end = session.end.min(now + IDLE);
            } else {
                let same = session.refresh[shown + 1] == tokens.refresh_token;
                check!(same, "number {shown} has got another child");
            }
            session.given(tokens.access_token, now);
        }
        Ok(())
    }

    /// Whoever knows a session's id, and no token of it, does nothing to it.
    async fn forge(&mut self, session: usize, letter: usize) -> Result<(), String> {
        let Some(session) = self.sessions.get(session) else {
            return Ok(());
        };
        let mut forged = session.refresh[session.refresh.len() - 1].clone();
        let other = if forged[letter..].starts_with('A') {
            "Q"
        } else {
            "A"
        };
        forged.replace_range(letter..letter + 1, other);
        let answer = (self.accounts)
            .refresh(&forged, &caller(), time(self.now))
            .await;
        check!(
            matches!(answer, Err(AccountsError::RefreshToken)),
            "{answer:?} for a forged token"
        );
        Ok(())
    }

    async fn change_password(&mut self, at: usize) {
        let now = self.now;
        let Some(session) = self.sessions.get(at).filter(|of| !of.is_over(now)) else {
            return;
        };
        let (current, new) = (password(self.password), password(self.password + 1));
        let who = SignedIn {
            user: self.user,
            session: session.id,
            caller: &caller(),
        };
        let changed = (self.accounts)
            .change_password(who, &current, &new, time(now))
            .await;
        changed.unwrap();
        self.password += 1;
        for (other, session) in self.sessions.iter_mut().enumerate() {
            session.has_ended |= other != at;
        }
    }

    /// Who is signed in, and what works, now.
    async fn look(&self) -> Result<(), String> {
        let now = self.now;
        let listed = self.accounts.list_sessions(self.user, time(now)).await;
        let listed = listed.unwrap();
        for session in &self.sessions {
            let of = listed.iter().find(|of| of.id == session.id);
            check!(
                of.is_some() != session.is_over(now),
                "{of:?} is listed at {now}"
            );
            // The one token that a client could still use to go on.
            let current = of.map(|of| self.accounts.refresh_tokens.current(of).unwrap());
            let latest = session.refresh.last();
            check!(
                current.is_none() || current.as_ref() == latest,
                "another token than the latest is current"
            );
            for (token, begin, end) in &session.access {
                let seconds = now.div_euclid(1000);
                let leeway = LEEWAY / 1000;
                let is_its_time = *begin <= seconds + leeway && seconds < end + leeway;
                let verified = self.verifier.verify(token, time(now)).await;
                check!(
                    verified.is_ok() == (is_its_time && !session.has_ended),
                    "an access token of {begin} to {end} is {verified:?} at {now}"
                );
            }
        }
        Ok(())
    }
}

fn password(number: u32) -> String {
    format!("{PASSWORD}-{number}")
}

fn caller() -> Caller {
    Caller::new(Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))), None)
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_token_has_one_child_and_nothing_works_after_the_end() {
    let service = Service::start().await;
    let (accounts, verifier) = of_a_service(&service.config()).await;
    let number = AtomicU32::new(0);
    steps::hold(CASES, LONGEST, step, async |steps: &[Step]| {
        let name = format!("ann{}", number.fetch_add(1, Ordering::Relaxed));
        let registered = accounts
            .register(&name, &password(0), &caller(), time(0))
            .await;
        let mut trial = Trial {
            accounts: &accounts,
            verifier: &verifier,
            name,
            user: registered.unwrap().id,
            password: 0,
            sessions: Vec::new(),
            now: 0,
            latest: 0,
        };
        trial.take(&Step::SignIn).await?;
        for step in steps {
            trial.take(step).await?;
        }
        Ok(())
    })
    .await;
}
