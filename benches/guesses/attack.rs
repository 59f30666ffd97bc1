//! Who guesses, and what they are answered.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use reqwest::{Client, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::Outcome;

/// Guesses under way at once.
const AT_ONCE: usize = 64;

/// Guesses that are spread over accounts and addresses.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    pub(crate) address: SocketAddr,
    pub(crate) accounts: u32,
    pub(crate) addresses: u32,
    pub(crate) guesses: u32,
}

/// What guesses were answered.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) hashed: u64,
    pub(crate) of_address: u64,
    pub(crate) of_account: u64,
    pub(crate) busy: u64,
}

#[derive(Deserialize)]
struct Problem {
    r#type: String,
}

impl Attack {
    /// Guesses until it has guessed often enough.
    pub(crate) async fn run(self) -> Outcome<Answers> {
        let next = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            tasks.spawn(self.guess_on(next.clone()));
        }
        let mut all = Answers::default();
        for answers in tasks.join_all().await {
            let answers = answers?;
            all.hashed += answers.hashed;
            all.of_address += answers.of_address;
            all.of_account += answers.of_account;
            all.busy += answers.busy;
        }
        Ok(all)
    }

    async fn guess_on(self, next: Arc<AtomicU32>) -> Outcome<Answers> {
        let client = Client::builder().tls_certs_only([]).build()?;
        let url = format!("http://{}/auth/login", self.address);
        let mut answers = Answers::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.guesses {
                return Ok(answers);
            }
            // Each address guesses at each account in turn.
            let round = number / self.accounts;
            let account = number % self.accounts;
            let from = address((account + round) % self.addresses);
            let guess = json!({"username": name(account), "password": format!("guess-{number}")});
            let asked = client
                .post(&url)
                .header("x-forwarded-for", from.to_string());
            let answer = asked.json(&guess).send().await?;
            let (status, back) = (answer.status(), answer.headers().get(RETRY_AFTER).cloned());
            let kind = answer.json::<Problem>().await?.r#type;
            match (status, kind.as_str(), back.is_some()) {
                (StatusCode::UNAUTHORIZED, ..) => answers.hashed += 1,
                (StatusCode::TOO_MANY_REQUESTS, "urn:problem-type:too-many-requests", true) => {
                    answers.of_address += 1;
                }
                (StatusCode::TOO_MANY_REQUESTS, "urn:problem-type:too-many-attempts", true) => {
                    answers.of_account += 1;
                }
                (StatusCode::SERVICE_UNAVAILABLE, "urn:problem-type:busy", true) => {
                    answers.busy += 1;
                }
                _ => return Err(format!("a guess was answered {status}, {kind}").into()),
            }
        }
    }
}

/// The name of an account. The first is the owner's, and most don't exist.
pub(crate) fn name(account: u32) -> String {
    format!("user{account}")
}

/// The address of one who guesses, each at another provider (IPv4 /16).
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0B00_0001 + (number << 16))
}
