//! Who is in a room, what they are there, and who decides that.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Person, comparable};
use crate::service::{Answer, PASSWORD, Service};

#[tokio::test]
async fn an_owner_adds_people_and_makes_them_something_else() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    let path = format!("{room}/members/bob");
    let member = |role: &str| json!({"user": bob.id(), "username": "bob", "role": role});

    let added = ann.put(&path, json!({"role": "reader"})).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    assert_eq!(added.body, member("reader"));
    assert_eq!(bob.get(&room).await.body["role"], "reader");
    for role in ["member", "owner", "owner", "reader"] {
        let changed = ann.put(&path, json!({"role": role})).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        assert_eq!(changed.body, member(role));
        assert_eq!(bob.get(&room).await.body["role"], role);
    }

    let listed = bob.get(&format!("{room}/members")).await;
    assert_eq!(listed.header("cache-control"), "no-store");
    let owner = json!({"user": ann.id(), "username": "ann", "role": "owner"});
    assert_eq!(listed.body, json!({"members": [owner, member("reader")]}));
}

#[tokio::test]
async fn a_name_is_taken_as_people_type_it() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    for name in ["bob@example.com", "jos\u{e9}"] {
        service.register(name, PASSWORD).await;
    }
    for (typed, name) in [
        ("BOB%40example.com", "bob@example.com"),
        ("Jose\u{301}", "jos\u{e9}"),
    ] {
        let path = format!("{room}/members/{typed}");
        let added = ann.put(&path, json!({"role": "member"})).await;
        assert_eq!(added.body["username"], name, "{added:?}");
        assert_eq!(ann.delete(&path).await.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn only_owners_decide_who_is_in_a_room() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    service.sign_up("eve").await;
    for (name, role) in [("bob", "member"), ("cid", "reader")] {
        let person = Person::new(&service, name).await;
        ann.adds(&room, name, role).await;
        for other in ["ann", "bob", "cid", "eve", "nobody", "no%20name"] {
            let path = format!("{room}/members/{other}");
            let put = person.put(&path, json!({"role": "owner"})).await;
            put.is_problem(403, "not-owner");
            if other != name {
                person.delete(&path).await.is_problem(403, "not-owner");
            }
        }
    }
    assert_eq!(ann.names(&room).await, ["ann", "bob", "cid"]);
}

#[tokio::test]
async fn only_owners_learn_which_accounts_there_are() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    service.sign_up("eve").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let path = |name: &str| format!("{room}/members/{name}");
    let role = json!({"role": "member"});

    let there = bob.put(&path("eve"), role.clone()).await;
    let not_there = bob.put(&path("nobody"), role.clone()).await;
    assert_eq!(comparable(&there), comparable(&not_there));
    let there = bob.delete(&path("eve")).await;
    let not_there = bob.delete(&path("nobody")).await;
    assert_eq!(comparable(&there), comparable(&not_there));

    for name in ["nobody", "no%20name", &"x".repeat(300)] {
        let unknown = ann.put(&path(name), role.clone()).await;
        unknown.is_problem(404, "no-such-account");
        let unknown = ann.delete(&path(name)).await;
        unknown.is_problem(404, "member-not-found");
    }
    // An account, and no member.
    let eve = ann.delete(&path("eve")).await;
    eve.is_problem(404, "member-not-found");
}

#[tokio::test]
async fn anybody_may_leave() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    for (name, role) in [("bob", "member"), ("cid", "reader"), ("dan", "owner")] {
        let person = Person::new(&service, name).await;
        ann.adds(&room, name, role).await;
        let own = format!("{room}/members/{}", name.to_uppercase());
        assert_eq!(person.delete(&own).await.status, StatusCode::NO_CONTENT);
        person.get(&room).await.is_problem(404, "room-not-found");
        person.delete(&own).await.is_problem(404, "room-not-found");
    }
    assert_eq!(ann.names(&room).await, ["ann"]);
}

#[tokio::test]
async fn a_room_keeps_an_owner() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    let room = ann.room("Tea").await;
    ann.adds(&room, "bob", "member").await;
    let own = format!("{room}/members/ann");
    ann.delete(&own).await.is_problem(409, "last-owner");
    for role in ["member", "reader"] {
        let demoted = ann.put(&own, json!({"role": role})).await;
        demoted.is_problem(409, "last-owner");
    }
    assert_eq!(ann.get(&room).await.body["role"], "owner");

    let bobs = format!("{room}/members/bob");
    ann.put(&bobs, json!({"role": "owner"})).await;
    let demoted = ann.put(&own, json!({"role": "reader"})).await;
    assert_eq!(demoted.status, StatusCode::OK);
    bob.delete(&bobs).await.is_problem(409, "last-owner");
    assert_eq!(bob.delete(&own).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn two_owners_who_leave_at_once_leave_one_behind() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let bob = Person::new(&service, "bob").await;
    for _ in 0..5 {
        let room = ann.room("Tea").await;
        ann.adds(&room, "bob", "owner").await;
        let (anns, bobs) = (format!("{room}/members/ann"), format!("{room}/members/bob"));
        let (ann_left, bob_left) = tokio::join!(ann.delete(&anns), bob.delete(&bobs));
        let mut statuses = [ann_left.status.as_u16(), bob_left.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
    }
}

#[tokio::test]
async fn pages_of_members_leave_none_out_and_show_none_twice() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    let room = ann.room("Tea").await;
    let names = ["ann", "bob", "cid", "dan", "\u{430}\u{43d}\u{43d}\u{430}"];
    for name in &names[1..] {
        service.register(name, PASSWORD).await;
        ann.adds(&room, name, "reader").await;
    }
    let members = format!("{room}/members");
    for limit in [1, 2, 4, 5, 6] {
        let found = ann.pages(&members, "members", "username", limit).await;
        assert_eq!(found, names);
    }
}

#[tokio::test]
async fn what_is_no_role_changes_nothing() {
    let service = Service::start().await;
    let ann = Person::new(&service, "ann").await;
    service.sign_up("bob").await;
    let room = ann.room("Tea").await;
    let path = format!("{room}/members/bob");
    for body in [
        json!(null),
        json!("member"),
        json!({}),
        json!({"role": null}),
        json!({"role": "Owner"}),
        json!({"role": "admin"}),
        json!({"role": ["member"]}),
        json!({"role": "member", "user": "bob"}),
    ] {
        let refused = ann.put(&path, body).await;
        refused.is_problem(400, "invalid-request");
    }
    let undeclared = ann.request(Method::PUT, &path).body(r#"{"role":"member"}"#);
    Answer::of(undeclared)
        .await
        .is_problem(415, "unsupported-media-type");
    assert_eq!(ann.names(&room).await, ["ann"]);
}
