//! `kill -9` at any moment loses nothing that was confirmed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use rustix::process::Signal;
use serde_json::json;
use test_servers::Place;

use crate::process::{Process, SOON};

const CHEAP: &[(&str, &str)] = &[
    ("APP__PASSWORDS__MEMORY_KIB", "64"),
    ("APP__PASSWORDS__ITERATIONS", "1"),
    ("RUST_LOG", "warn"),
];

#[derive(Default)]
struct Confirmed {
    accounts: Vec<String>,
    refresh_tokens: Vec<String>,
}

/// Registers, signs in and refreshes until the service is gone, noting what it
/// has confirmed.
async fn use_it(service: Arc<Process>, confirmed: Arc<Mutex<Confirmed>>, next: Arc<AtomicUsize>) {
    loop {
        let name = format!("user{}", next.fetch_add(1, Ordering::Relaxed));
        let Ok((status, _)) = service.credentials("/auth/register", &name).await else {
            return;
        };
        if status != 201 {
            continue;
        }
        confirmed.lock().unwrap().accounts.push(name.clone());
        let Ok((200, tokens)) = service.credentials("/auth/login", &name).await else {
            continue;
        };
        let first = tokens["refresh_token"].as_str().unwrap().to_owned();
        // Until the refresh is answered the first token is good, and within
        // the grace it still gets the child that may have been lost.
        let mine = {
            let mut confirmed = confirmed.lock().unwrap();
            confirmed.refresh_tokens.push(first.clone());
            confirmed.refresh_tokens.len() - 1
        };
        let refreshed = service
            .post("/auth/refresh", json!({"refresh_token": first}))
            .await;
        if let Ok((200, tokens)) = refreshed {
            let second = tokens["refresh_token"].as_str().unwrap().to_owned();
            confirmed.lock().unwrap().refresh_tokens[mine] = second;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmed_accounts_and_sessions_survive_kill_9() {
    let place = Arc::new(Place::new());
    let confirmed = Arc::new(Mutex::new(Confirmed::default()));
    let next = Arc::new(AtomicUsize::new(0));
    for enough in [5, 15, 30] {
        let service = Arc::new(Process::start_at(Arc::clone(&place), CHEAP));
        let using: Vec<_> = (0..8)
            .map(|_| tokio::spawn(use_it(service.clone(), confirmed.clone(), next.clone())))
            .collect();
        let used = async {
            while confirmed.lock().unwrap().accounts.len() < enough {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(SOON, used).await.unwrap();
        service.signal(Signal::KILL);
        for user in using {
            user.await.unwrap();
        }
    }
    let service = Process::start_at(place, CHEAP);
    let confirmed = std::mem::take(&mut *confirmed.lock().unwrap());
    for name in &confirmed.accounts {
        let (status, _) = service.credentials("/auth/login", name).await.unwrap();
        assert_eq!(status, 200, "the account {name} was confirmed");
    }
    for token in confirmed.refresh_tokens {
        let (status, body) = service
            .post("/auth/refresh", json!({"refresh_token": token}))
            .await
            .unwrap();
        assert_eq!(status, 200, "a session was confirmed: {body}");
    }
}
