//! Who comes and goes, reads slowly, or signs in. What a cut network refuses
//! them they try again later; order they can ask for, too.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    Soak,
    harness::Outcome,
    ledger::count,
    socket::{Event, Person, Socket},
};

/// A number that nobody foresees.
fn roll(sides: usize) -> usize {
    Uuid::new_v4().as_u64_pair().0 as usize % sides
}

fn millis(from: u64, to: u64) -> Duration {
    Duration::from_millis(from + roll((to - from) as usize) as u64)
}

/// All of them, for as long as they are not told to stop.
pub(crate) fn come(soak: &Arc<Soak>) -> JoinSet<()> {
    let mut all = JoinSet::new();
    for _ in 0..soak.settings.visitors {
        let soak = soak.clone();
        all.spawn(async move {
            loop {
                let _ = visit(&soak).await;
                count(&soak.ledger.counts.visits);
                sleep(millis(20, 400)).await;
            }
        });
    }
    for _ in 0..soak.settings.slow {
        let soak = soak.clone();
        all.spawn(async move {
            loop {
                let _ = read_slowly(&soak).await;
                count(&soak.ledger.counts.slow_visits);
                sleep(millis(20, 400)).await;
            }
        });
    }
    for _ in 0..soak.settings.people {
        let soak = soak.clone();
        all.spawn(async move {
            let name = format!("soak-{}", &Uuid::new_v4().simple().to_string()[..12]);
            let mut known = false;
            loop {
                if sign_in(&soak, &name, &mut known).await.is_err() {
                    count(&soak.ledger.counts.refused);
                }
                sleep(millis(200, 1500)).await;
            }
        });
    }
    all
}

/// Hears what is said in a room or two for a while, in either protocol.
async fn visit(soak: &Soak) -> Outcome<()> {
    let person = Person::new(&soak.cluster.secret);
    let (one, other) = (
        soak.settings.room(roll(1000)),
        soak.settings.room(roll(1000)),
    );
    let token = person.token(&one)?;
    let address = soak.cluster.address(roll(1000));
    if roll(3) == 0 {
        let mut socket = Socket::open(address, &["bearer", &token], "").await?;
        let hearing = async { while socket.hear().await.is_some() {} };
        let _ = timeout(millis(100, 3000), hearing).await;
        if roll(2) == 0 {
            socket.close().await;
        }
        return Ok(());
    }
    let mut socket = Socket::rooms_v1(address, &token, "").await?;
    let mut last = HashMap::new();
    hear_for(soak, &mut socket, millis(100, 2000), &mut last).await?;
    let join = json!({"type": "join", "token": person.token(&other)?});
    socket.say(join.to_string()).await?;
    hear_for(soak, &mut socket, millis(100, 2000), &mut last).await?;
    socket
        .say(json!({"type": "leave", "room": one}).to_string())
        .await?;
    hear_for(soak, &mut socket, millis(100, 2000), &mut last).await?;
    // Others just vanish.
    if roll(2) == 0 {
        socket.close().await;
    }
    Ok(())
}

async fn hear_for(
    soak: &Soak,
    socket: &mut Socket,
    time: Duration,
    last: &mut HashMap<String, u64>,
) -> Outcome<()> {
    let hearing = async {
        loop {
            let text = socket.hear().await.ok_or("the socket ended")?;
            let event: Event<'_> = serde_json::from_str(&text)?;
            if event.kind == "gap" {
                count(&soak.ledger.counts.told_gaps);
            }
            let (Some(room), Some(seq), "message") = (event.room, event.seq, event.kind) else {
                continue;
            };
            if let Some(before) = last.insert(room.to_owned(), seq)
                && before >= seq
            {
                soak.ledger
                    .broken(format!("a visitor heard {seq} after {before} in {room}"));
            }
        }
    };
    match timeout(time, hearing).await {
        Ok(ended) => ended,
        Err(_) => Ok(()),
    }
}

/// Reads nothing for a while, and then what there is.
async fn read_slowly(soak: &Soak) -> Outcome<()> {
    let person = Person::new(&soak.cluster.secret);
    let token = person.token(&soak.settings.room(roll(1000)))?;
    let mut socket = Socket::reading_little(soak.cluster.address(roll(1000)), &token).await?;
    for room in 0..soak.settings.rooms {
        let join = json!({"type": "join", "token": person.token(&soak.settings.room(room))?});
        socket.say(join.to_string()).await?;
    }
    for _ in 0..3 {
        // The kernel takes some 4 MB before the service has to wait.
        sleep(millis(5000, 30_000)).await;
        hear_for(soak, &mut socket, millis(100, 2000), &mut HashMap::new()).await?;
    }
    Ok(())
}

/// Signs in, refreshes a few times, and signs out.
async fn sign_in(soak: &Soak, name: &str, known: &mut bool) -> Outcome<()> {
    let client = reqwest::Client::new();
    let address = soak.cluster.address(roll(1000));
    let ask = async |path: &str, token: Option<&str>, body: Value| -> Outcome<Value> {
        let mut request = client.post(format!("http://{address}{path}")).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        if !(status < 400 || matches!(status, 409 | 503)) {
            soak.ledger
                .broken(format!("{path} was answered with {status}"));
        }
        if status >= 400 {
            return Err(format!("{status}").into());
        }
        let body = response.bytes().await?;
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    };
    let credentials = json!({"username": name, "password": "correct horse battery staple"});
    if !*known {
        ask("/auth/register", None, credentials.clone()).await?;
        *known = true;
    }
    let mut tokens = ask("/auth/login", None, credentials).await?;
    count(&soak.ledger.counts.logins);
    for _ in 0..5 {
        sleep(millis(50, 500)).await;
        let refresh = json!({"refresh_token": tokens["refresh_token"]});
        tokens = ask("/auth/refresh", None, refresh).await?;
        count(&soak.ledger.counts.refreshes);
    }
    let access = tokens["access_token"].as_str().unwrap_or_default();
    ask("/auth/logout", Some(access), json!({})).await?;
    Ok(())
}
