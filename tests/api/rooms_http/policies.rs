//! Who may join a room, where a rule of one's own decides.

use std::sync::Arc;

use async_trait::async_trait;
use contract::RoomName;
use parking_lot::Mutex;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use service::{
    accounts::tokens::{AccessToken, Grant},
    rooms::{Permission, PolicyError, RoomPolicy},
};

use super::{Person, claims, name_in};
use crate::{
    rooms_v1::client::Client,
    service::{Answer, Service},
    socket::Socket,
};

/// Says the same to everybody, and remembers about which rooms.
#[derive(Debug, Default)]
struct Rule {
    says: Mutex<Say>,
    asked: Mutex<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Say {
    #[default]
    Nothing,
    Yes(Permission),
    Broken,
    Panic,
}

impl Rule {
    fn allows(&self, grant: Grant) {
        let presence = true;
        *self.says.lock() = Say::Yes(Permission { grant, presence });
    }

    fn says(&self, say: Say) {
        *self.says.lock() = say;
    }

    fn was_asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock())
    }
}

#[async_trait]
impl RoomPolicy for Rule {
    async fn permission(
        &self,
        _: &AccessToken,
        room: &RoomName,
    ) -> Result<Option<Permission>, PolicyError> {
        self.asked.lock().push(room.as_str().to_owned());
        let says = *self.says.lock();
        match says {
            Say::Nothing => Ok(None),
            Say::Yes(permission) => Ok(Some(permission)),
            Say::Broken => Err(PolicyError::Unavailable("nobody answers".into())),
            Say::Panic => panic!("a canary that nobody may see"),
        }
    }
}

async fn ruled() -> (Arc<Rule>, Service) {
    let rule = Arc::new(Rule::default());
    let service = Service::ruled_by(rule.clone()).await;
    (rule, service)
}

/// Everything that somebody may want of a room.
async fn wants(who: &Person<'_>, room: &str) -> [Answer; 4] {
    let token = who.request(Method::POST, &format!("{room}/token"));
    let messages = format!("{room}/messages");
    [
        Answer::of(token).await,
        who.post(&messages, json!({"data": "hello"})).await,
        who.get(&messages).await,
        who.get(&format!("{room}/presence")).await,
    ]
}

#[tokio::test]
async fn a_rule_opens_a_room_that_nobody_made() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    rule.allows(Grant::ReadWrite);
    let token = ann.token("/rooms/lobby").await;
    assert_eq!(claims(&token)["room"], "lobby");
    assert_eq!(claims(&token)["grant"], "rw");
    assert_eq!(claims(&token)["presence"], true);
    let mut socket = service.socket(&token).await;
    ann.says("/rooms/lobby", json!("hello")).await;
    assert_eq!(socket.hear().await, "hello");
    let present = ann.get("/rooms/lobby/presence").await;
    assert_eq!(present.body, json!({"users": [ann.id()]}));
    let heard = ann.get("/rooms/lobby/messages").await;
    assert_eq!(heard.status, StatusCode::OK);
}

#[tokio::test]
async fn what_it_allows_is_what_one_may_do() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    rule.allows(Grant::Read);
    let [token, said, heard, present] = wants(&ann, "/rooms/lobby").await;
    assert_eq!(token.body["grant"], "r");
    said.is_problem(403, "not-permitted");
    assert_eq!(heard.status, StatusCode::OK);
    assert_eq!(present.status, StatusCode::OK);
}

/// Also to whoever made it: seeing it and its members is another matter.
#[tokio::test]
async fn a_refusal_is_that_of_a_room_that_does_not_exist() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    for answer in wants(&ann, &room).await {
        answer.is_problem(404, "room-not-found");
    }
    assert_eq!(rule.was_asked(), [name_in(&room); 4]);
    assert_eq!(ann.get(&room).await.status, StatusCode::OK);
    assert_eq!(ann.names(&room).await, ["ann"]);
    assert_eq!(rule.was_asked(), [] as [String; 0]);
}

#[tokio::test]
async fn a_rule_that_has_no_answer_is_one_to_wait_for() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    rule.says(Say::Broken);
    for answer in wants(&ann, "/rooms/lobby").await {
        answer.is_problem(503, "unavailable");
        assert_ne!(answer.header("retry-after"), "");
        assert!(!answer.body.to_string().contains("nobody answers"));
    }
}

#[tokio::test]
async fn it_is_asked_again_for_each_renewal_of_a_seat() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    let mut client = Client::open(service.address, &ann.access).await;
    rule.allows(Grant::ReadWrite);
    let seat = client.join(&ann.token("/rooms/lobby").await).await;
    assert_eq!(seat["grant"], "rw");

    rule.allows(Grant::Read);
    let seat = client.join(&ann.token("/rooms/lobby").await).await;
    assert_eq!(seat["grant"], "r");
    let publish = json!({"type": "publish", "room": "lobby", "data": "hello"});
    assert_eq!(client.refused(publish).await, "not_permitted");

    rule.says(Say::Nothing);
    let [token, ..] = wants(&ann, "/rooms/lobby").await;
    token.is_problem(404, "room-not-found");
    // The seat stays until its token ends.
    let presence = json!({"type": "presence", "room": "lobby"});
    assert_eq!(client.done(presence).await["users"], json!([ann.id()]));
}

#[tokio::test]
async fn ones_own_room_is_nobody_elses_whatever_it_says() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let own = ann.own_room();
    ann.token(&own).await;
    ann.says(&own, Value::from("note to self")).await;
    rule.allows(Grant::ReadWrite);
    for answer in wants(&bob, &own).await {
        answer.is_problem(404, "room-not-found");
    }
    assert_eq!(rule.was_asked(), [] as [String; 0]);
    // Named like one, and nobody's.
    let order = "/rooms/0192d3c1-5b1e-4c7a-9b0e-3f8a6d2c4e10";
    bob.says(order, json!("is it on its way?")).await;
}

/// Tokens know nothing of rules: what they were minted under, and what has
/// become of it, is all that a gateway looks at.
#[tokio::test]
async fn a_removed_member_is_out_at_once_whatever_it_says() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    rule.allows(Grant::ReadWrite);
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let mut socket = service.socket(&bob.token(&room).await).await;
    let removed = ann.delete(&format!("{room}/members/bob")).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(u16::from(socket.closed().await.code), 4507);
    let refused = Socket::open(service.address, &bob.token(&room).await).await;
    refused.err().unwrap().is_problem(403, "token-required");
    bob.says(&room, json!("may I come back?")).await;
}

#[tokio::test]
async fn a_rule_that_panics_fails_its_request_alone_and_shows_nothing() {
    let (rule, service) = ruled().await;
    let ann = Person::new(&service, "ann").await;
    rule.says(Say::Panic);
    for answer in wants(&ann, "/rooms/lobby").await {
        answer.is_problem(500, "internal");
        assert!(!format!("{answer:?}").contains("canary"));
        assert!(!answer.header("x-request-id").is_empty());
    }
    rule.allows(Grant::ReadWrite);
    ann.says("/rooms/lobby", json!("hello")).await;
}
