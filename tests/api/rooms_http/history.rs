//! What was said in a room, as far as the bus keeps it: the last 100 messages,
//! or nothing.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Person, name_in};
use crate::service::{Answer, Service, keeps_history};

async fn history(person: &Person<'_>, room: &str, query: &str) -> Value {
    let answer = person.get(&format!("{room}/messages{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.body
}

/// What the messages say.
fn data(history: &Value) -> Vec<Value> {
    let messages = history["messages"].as_array().unwrap().iter();
    messages.map(|message| message["data"].clone()).collect()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<Value> {
    range.map(Value::from).collect()
}

/// Says numbers; the place of each, where there is one.
async fn say(person: &Person<'_>, room: &str, range: std::ops::Range<u32>) -> Vec<Value> {
    let mut positions = Vec::new();
    for number in range {
        let said = person.says(room, json!(number)).await;
        positions.push(said["position"].clone());
    }
    positions
}

fn since(position: &Value, more: &str) -> String {
    format!("?since={}{more}", position.as_str().unwrap())
}

#[tokio::test]
async fn a_room_in_which_nothing_was_said_has_no_messages() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let nothing = history(&ann, &room, "").await;
    assert_eq!(nothing["messages"], json!([]));
    assert_eq!(nothing.get("recovered"), None);
}

#[tokio::test]
async fn a_message_is_shown_with_its_speaker_place_and_time() {
    if !keeps_history() {
        return;
    }
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let said = bob.says(&room, json!("tea?")).await;
    // Not only over HTTP.
    let mut socket = service.socket(&ann.token(&room).await).await;
    socket.say("yes").await;
    assert_eq!(socket.hear().await, "yes");

    let past = history(&ann, &room, "").await;
    let messages = past["messages"].as_array().unwrap();
    let first = json!({
        "room": name_in(&room),
        "seq": said["seq"],
        "from": bob.id(),
        "at": said["at"],
        "data": "tea?",
    });
    assert_eq!(messages[0], first);
    assert_eq!(messages[1]["from"], ann.id());
    assert_eq!(messages[1]["data"], "yes");
    assert_eq!(messages.len(), 2);
    let last = past["position"].as_str().unwrap();
    assert!(
        last.ends_with(&format!(":{}", messages[1]["seq"])),
        "{past}"
    );
}

#[tokio::test]
async fn what_was_said_is_shown_as_it_was_spelled() {
    if !keeps_history() {
        return;
    }
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let path = format!("{}/messages", ann.own_room());
    let said = [
        r#""data":"ü \" \n""#,
        r#""data":1.50"#,
        r#""data":123456789012345678901234567890"#,
        r#""data":{"b":[1, 2],"a":null,"a":1e400}"#,
        r#""data":"AJ+Slg==","encoding":"base64""#,
    ];
    for said in said {
        let request = ann.request(Method::POST, &path);
        let request = request.header("content-type", "application/json");
        let answer = Answer::of(request.body(format!("{{{said}}}"))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{said}: {answer:?}");
    }
    // As text: parsed, the numbers would be others.
    let response = ann.request(Method::GET, &path).send().await.unwrap();
    let text = response.text().await.unwrap();
    for said in said {
        assert!(text.contains(said), "{said} is not in {text}");
    }
}

#[tokio::test]
async fn whoever_goes_on_from_each_answer_sees_everything_once() {
    if !keeps_history() {
        return;
    }
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let positions = say(&ann, &room, 0..30).await;
    for limit in [1, 7, 29, 30, 100] {
        let mut position = positions[0].clone();
        let mut found = Vec::new();
        loop {
            let query = since(&position, &format!("&limit={limit}"));
            let page = history(&ann, &room, &query).await;
            assert_eq!(page["recovered"], true, "{page}");
            let said = data(&page);
            assert!(said.len() <= limit);
            position = page["position"].clone();
            if said.is_empty() {
                break;
            }
            found.extend(said);
        }
        assert_eq!(found, numbers(1..30));
        assert_eq!(position, positions[29]);
        // Nothing new, until there is.
        let none = history(&ann, &room, &since(&position, "")).await;
        assert_eq!(none["messages"], json!([]));
        assert_eq!(none["position"], position);
    }
    say(&ann, &room, 30..31).await;
    let new = history(&ann, &room, &since(&positions[29], "")).await;
    assert_eq!(data(&new), numbers(30..31));
}

#[tokio::test]
async fn without_a_place_the_newest_are_shown() {
    if !keeps_history() {
        return;
    }
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let positions = say(&ann, &room, 0..120).await;
    let all = history(&ann, &room, "").await;
    assert_eq!(data(&all), numbers(20..120));
    for (limit, newest) in [(1, 119..120), (10, 110..120), (100, 20..120)] {
        let past = history(&ann, &room, &format!("?limit={limit}")).await;
        assert_eq!(data(&past), numbers(newest));
        assert_eq!(past["position"], positions[119]);
        assert_eq!(past.get("recovered"), None);
    }
    let whole = history(&ann, &room, &since(&positions[20], "")).await;
    assert_eq!(data(&whole), numbers(21..120));
    // Beyond what is kept it is all or nothing.
    let gone = history(&ann, &room, &since(&positions[18], "")).await;
    assert_eq!(gone["recovered"], false);
    assert_eq!(gone["messages"], json!([]));
    assert_eq!(gone["position"], positions[119]);
}

#[tokio::test]
async fn a_place_of_another_order_recovers_nothing() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    say(&ann, &room, 0..3).await;
    let lost = history(&ann, &room, "?since=0123456789abcdef:1").await;
    assert_eq!(lost["recovered"], false);
    assert_eq!(lost["messages"], json!([]));
    for position in ["1", "x:1", "0123456789ABCDEF:1", "0123456789abcdef:-1"] {
        let refused = ann.get(&format!("{room}/messages?since={position}")).await;
        refused.is_problem(400, "invalid-request");
    }
}

#[tokio::test]
async fn every_member_reads_and_everybody_their_own() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let eve = Person::new(&service, "eve").await;
    let room = ann.room("Tea").await;
    say(&ann, &room, 0..2).await;
    let path = format!("{room}/messages");
    eve.get(&path).await.is_problem(404, "room-not-found");
    ann.adds(&room, "eve", "reader").await;
    let kept = if keeps_history() { 0..2 } else { 0..0 };
    assert_eq!(data(&history(&eve, &room, "").await), numbers(kept.clone()));
    ann.delete(&format!("{room}/members/eve")).await;
    eve.get(&path).await.is_problem(404, "room-not-found");
    say(&eve, &eve.own_room(), 0..2).await;
    let own = history(&eve, &eve.own_room(), "").await;
    assert_eq!(data(&own), numbers(kept));
}
