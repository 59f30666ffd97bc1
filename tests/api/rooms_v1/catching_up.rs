//! Who was away, or was slow, is told everything, or that something is missing.

use serde_json::{Value, json};

use super::client::{Client, Person};
use crate::service::{Service, keeps_history};

/// As many messages of 32 KiB as no kernel and no backlog keeps for a reader,
/// and as the bus does.
const MANY: usize = 90;

fn long(i: usize) -> Value {
    json!(format!("{i} {}", "x".repeat(32 * 1024)))
}

fn place(seat: &Value, message: Option<&Value>) -> String {
    let position = seat["position"].as_str().unwrap();
    match message {
        Some(message) => {
            let (epoch, _) = position.split_once(':').unwrap();
            format!("{epoch}:{}", message["seq"])
        }
        None => position.to_owned(),
    }
}

#[tokio::test]
async fn who_comes_back_hears_what_was_missed_and_then_the_rest() {
    let service = Service::start().await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut there = Client::open(service.address, &bob.token("lobby")).await;
    let mut here = Client::open(service.address, &ann.token("lobby")).await;
    there.publish("lobby", "before").await;
    let message = here.expect("message").await;
    if !keeps_history() {
        assert_eq!(here.welcome["seat"].get("position"), None);
        return;
    }
    let since = place(&here.welcome["seat"], Some(&message));
    drop(here);
    for i in 0..50 {
        there.publish("lobby", i).await;
    }
    let query = format!("?since={since}");
    let token = ann.token("lobby");
    let back = Client::try_open(service.address, &token, &query).await;
    let mut back = back.unwrap();
    assert_eq!(back.welcome["seat"]["recovered"], true);
    there.publish("lobby", "after").await;
    let mut last = message["seq"].as_u64();
    for i in 0..50 {
        let message = back.expect("message").await;
        assert_eq!(message["data"], i);
        assert!(message["seq"].as_u64() > last);
        last = message["seq"].as_u64();
    }
    assert_eq!(back.hear("lobby").await, "after");

    // The same for a room that is joined.
    let mut other = Client::open(service.address, &ann.token("attic")).await;
    let join = json!({"type": "join", "token": ann.token("lobby"), "since": since});
    let ack = other.done(join).await;
    assert_eq!(ack["seat"]["recovered"], true);
    for i in 0..50 {
        assert_eq!(other.hear("lobby").await, i);
    }
    assert_eq!(other.hear("lobby").await, "after");
    other.hears_nothing().await;
}

#[tokio::test]
async fn what_is_not_kept_is_not_given_in_part() {
    let service = Service::with(&[("APP__WS__MAX_MESSAGES_PER_SECOND", "100000")]).await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut there = Client::open(service.address, &bob.token("lobby")).await;
    let since = match there.welcome["seat"]["position"].as_str() {
        Some(position) => position.to_owned(),
        None => "00000000000000aa:1".to_owned(),
    };
    for i in 0..150 {
        there.publish("lobby", i).await;
        there.hear("lobby").await;
    }
    for since in [&*since, "00000000000000aa:1"] {
        let query = format!("?since={since}");
        let token = ann.token("lobby");
        let back = Client::try_open(service.address, &token, &query).await;
        let mut back = back.unwrap();
        assert_eq!(back.welcome["seat"]["recovered"], false);
        assert_eq!(
            back.welcome["seat"].get("position").is_some(),
            keeps_history()
        );
        back.hears_nothing().await;
        there.publish("lobby", "live").await;
        there.hear("lobby").await;
        assert_eq!(back.hear("lobby").await, "live");
    }
}

/// Somebody who stops reading while `messages` long messages are said, and
/// what was heard afterwards, up to the last.
async fn slow(messages: usize) -> (Vec<Value>, usize) {
    let service = Service::with(&[
        ("APP__WS__MAX_MESSAGES_PER_SECOND", "100000"),
        // However busy the machine is, the reader is only slow.
        ("APP__WS__WRITE_TIMEOUT", "60s"),
    ])
    .await;
    let (ann, bob) = (Person::new(), Person::new());
    let mut slow = Client::open(service.address, &ann.token("lobby")).await;
    let mut there = Client::open(service.address, &bob.token("lobby")).await;
    for i in 0..messages {
        there.publish("lobby", long(i)).await;
        // The others wait for nobody.
        assert_eq!(there.hear("lobby").await, long(i));
    }
    let mut heard = Vec::new();
    let mut said = messages;
    loop {
        let event = slow.event().await;
        match event["type"].as_str().unwrap() {
            "message" => {
                let data = event["data"].as_str().unwrap();
                let number = data.split_once(' ').unwrap().0;
                let number: usize = number.parse().unwrap();
                heard.push(json!(number));
                if number + 1 == said && said > messages {
                    return (heard, said);
                }
            }
            "gap" => heard.push(json!("gap")),
            other => panic!("{other}"),
        }
        if said == messages && (heard.len() == messages || heard.contains(&json!("gap"))) {
            // It is live again.
            there.publish("lobby", long(said)).await;
            said += 1;
        }
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_everything_that_is_kept() {
    let (heard, said) = slow(MANY).await;
    if keeps_history() {
        let all: Vec<Value> = (0..said).map(|i| json!(i)).collect();
        assert_eq!(heard, all);
    } else {
        assert_eq!(heard.iter().filter(|heard| *heard == "gap").count(), 1);
    }
}

#[tokio::test]
async fn a_reader_too_slow_for_what_is_kept_is_told_of_the_gap() {
    let (heard, said) = slow(400).await;
    let at = heard.iter().position(|heard| heard == "gap").unwrap();
    let numbers: Vec<u64> = heard.iter().filter_map(Value::as_u64).collect();
    assert_eq!(numbers.len() + 1, heard.len(), "one gap");
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    // Nothing is missing but at the gap.
    let (before, after) = numbers.split_at(at);
    for part in [before, after] {
        assert!(
            part.windows(2).all(|pair| pair[0] + 1 == pair[1]),
            "{part:?}"
        );
    }
    assert_eq!(numbers.last(), Some(&(said as u64 - 1)));
}
