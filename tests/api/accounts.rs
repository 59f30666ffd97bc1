//! Register, log in, change the password, who am I.

use reqwest::StatusCode;
use serde_json::json;

use crate::service::{PASSWORD, Service, Tokens};

const OTHER_PASSWORD: &str = "seven-lamps-under-water";

#[tokio::test]
async fn whoever_registers_can_sign_in_and_is_who_they_are() {
    let service = Service::start().await;
    let registered = service.register("Ann", PASSWORD).await;
    assert_eq!(registered.status, StatusCode::CREATED);
    assert_eq!(registered.body["username"], "ann");

    let answer = service.login("ann", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 600);
    assert_eq!(answer.header("cache-control"), "no-store");

    let me = service.get("/auth/me", &Tokens::of(&answer).access).await;
    assert_eq!(me.status, StatusCode::OK);
    for field in ["id", "username", "created_at"] {
        assert_eq!(me.body[field], registered.body[field], "{field}");
    }
    assert_eq!(me.body["room"], me.body["id"]);
}

#[tokio::test]
async fn a_name_has_one_owner_however_it_is_spelled() {
    let service = Service::start().await;
    service.sign_up("ann").await;
    for spelling in ["ann", "Ann", "ANN", "ａｎｎ"] {
        service
            .register(spelling, PASSWORD)
            .await
            .is_problem(409, "name-taken");
        assert_eq!(
            service.login(spelling, PASSWORD).await.status,
            StatusCode::OK,
            "{spelling}"
        );
    }
}

#[tokio::test]
async fn of_many_who_want_a_name_at_once_one_gets_it() {
    let service = Service::start().await;
    let all =
        futures_util::future::join_all((0..20).map(|_| service.register("ann", PASSWORD))).await;
    let created = all
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .count();
    assert_eq!(created, 1);
    for answer in all
        .iter()
        .filter(|answer| answer.status != StatusCode::CREATED)
    {
        answer.is_problem(409, "name-taken");
    }
}

#[tokio::test]
async fn names_that_mislead_are_refused() {
    let service = Service::start().await;
    for name in [
        "",
        " ",
        "a b",
        "a\u{0}b",
        "a\u{202e}b",
        "p\u{430}ypal",
        &"a".repeat(65),
    ] {
        service
            .register(name, PASSWORD)
            .await
            .is_problem(400, "invalid-username");
        service
            .login(name, PASSWORD)
            .await
            .is_problem(401, "invalid-credentials");
    }
}

#[tokio::test]
async fn passwords_that_protect_nobody_are_refused_with_the_reason() {
    let service = Service::start().await;
    let long = "kL9#".repeat(512);
    for password in [
        "",
        "short",
        "password",
        "12345678",
        "annannann",
        "aaaaaaaaaaaaaaaa",
        "a\u{0}bcdefgh-1x9",
        &long,
    ] {
        let answer = service.register("ann", password).await;
        answer.is_problem(400, "invalid-password");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(!detail.is_empty());
        // "password" is a word that the reason may use.
        assert!(
            password.len() <= 8 || !detail.contains(password),
            "{detail}"
        );
    }
    // Long ones, spaces and any script are fine: no rules of composition.
    let longest: String = (1..)
        .flat_map(|n: u64| (n * 7919).to_string().into_bytes())
        .map(char::from)
        .take(1024)
        .collect();
    for (number, password) in [
        "correct horse battery staple",
        "пять слонов идут домой",
        &longest,
    ]
    .iter()
    .enumerate()
    {
        let answer = service.register(&format!("ann{number}"), password).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    }
}

#[tokio::test]
async fn words_of_the_service_protect_nobody() {
    let words = [("APP__PASSWORDS__CONTEXT_WORDS", "Vantaquor,brixolune")];
    let service = Service::with(&words).await;
    let answer = service.register("ann", "vantaquor7").await;
    answer.is_problem(400, "invalid-password");
    let ann = service.sign_up("ann").await;
    let change = json!({"current_password": PASSWORD, "new_password": "Brixolune!"});
    let answer = service.post_as(&ann.access, "/auth/password", change).await;
    answer.is_problem(400, "invalid-password");
    // Elsewhere they are as good as any other that nobody knows.
    let service = Service::start().await;
    let answer = service.register("ann", "vantaquor7").await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_same_letters_typed_otherwise_are_the_same_password() {
    let service = Service::start().await;
    service.register("ann", "jos\u{e9}-plum-tractor-91").await;
    let answer = service.login("ann", "jose\u{301}-plum-tractor-91").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let service = Service::start().await;
    service.sign_up("ann").await;
    let wrong = service.login("ann", OTHER_PASSWORD).await;
    let unknown = service.login("nobody", OTHER_PASSWORD).await;
    let impossible = service.login("nobody at all", OTHER_PASSWORD).await;
    let too_long = service.login("ann", &"x".repeat(2000)).await;
    wrong.is_problem(401, "invalid-credentials");
    for answer in [unknown, impossible, too_long] {
        assert_eq!(answer.status, wrong.status);
        assert_eq!(answer.body_without_id(), wrong.body_without_id());
        let names = |answer: &crate::service::Answer| {
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(&answer), names(&wrong));
    }
}

#[tokio::test]
async fn a_new_password_replaces_the_old_and_ends_the_other_sessions() {
    let service = Service::start().await;
    let here = service.sign_up("ann").await;
    let there = service.sign_in("ann").await;
    let mut socket_here = service.socket(&here.access).await;
    let mut socket_there = service.socket(&there.access).await;

    let change =
        |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let wrong = service
        .post_as(
            &here.access,
            "/auth/password",
            change(OTHER_PASSWORD, PASSWORD),
        )
        .await;
    wrong.is_problem(401, "invalid-credentials");
    let weak = service
        .post_as(&here.access, "/auth/password", change(PASSWORD, "password"))
        .await;
    weak.is_problem(400, "invalid-password");
    let changed = service
        .post_as(
            &here.access,
            "/auth/password",
            change(PASSWORD, OTHER_PASSWORD),
        )
        .await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);

    service
        .login("ann", PASSWORD)
        .await
        .is_problem(401, "invalid-credentials");
    assert_eq!(
        service.login("ann", OTHER_PASSWORD).await.status,
        StatusCode::OK
    );
    assert_eq!(u16::from(socket_there.closed().await.code), 4503);
    service
        .get("/auth/me", &there.access)
        .await
        .is_problem(401, "invalid-token");
    service
        .refresh(&there.refresh)
        .await
        .is_problem(401, "invalid-refresh-token");
    socket_here.hears_nothing_but_itself().await;
    assert_eq!(service.refresh(&here.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn accounts_and_sessions_outlive_a_restart() {
    let service = Service::start().await;
    let tokens = service.sign_up("ann").await;
    let service = service.restart().await;
    assert_eq!(
        service.get("/auth/me", &tokens.access).await.status,
        StatusCode::OK
    );
    assert_eq!(
        service.refresh(&tokens.refresh).await.status,
        StatusCode::OK
    );
    assert_eq!(service.login("ann", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_hashed_with_old_parameters_is_hashed_anew_at_login() {
    let service = Service::start().await;
    service.sign_up("ann").await;
    assert!(
        service
            .place
            .accounts()
            .contains("$argon2id$v=19$m=64,t=1,p=1$")
    );

    let stronger = [
        ("APP__PASSWORDS__MEMORY_KIB", "128"),
        ("APP__PASSWORDS__ITERATIONS", "2"),
    ];
    let service = service.restart_with(&stronger).await;
    service.sign_in("ann").await;
    crate::service::until("the new hash is stored", || {
        service
            .place
            .accounts()
            .contains("$argon2id$v=19$m=128,t=2,p=1$")
    })
    .await;
    service.sign_in("ann").await;
}
