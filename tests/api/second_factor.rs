//! What an account has to show besides its password.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use contract::{Timestamp, UserId};
use futures_util::future::join_all;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use service::accounts::second_factor::{Challenge, Judgement, SecondFactor, SecondFactorError};
use totp_rs::{Builder, Secret, Totp};

use crate::service::{Answer, PASSWORD, Service, Tokens};

pub const KEY: (&str, &str) = ("TOTP_KEY", "a-secret-of-tests-77aa02cd914fb6e0");

/// Seconds for which a code is shown.
const STEP: u64 = 30;

/// An authenticator app, as anybody has it.
pub struct App(Totp);

impl App {
    pub fn told(answer: &Answer) -> Self {
        let secret = answer.body["secret"].as_str().unwrap();
        let secret = Secret::try_from_base32(secret).unwrap();
        Self(Builder::new().with_secret(secret).build().unwrap())
    }

    /// What it shows so many steps after now.
    pub fn shows(&self, steps: i64) -> String {
        let at = seconds().checked_add_signed(steps * STEP.cast_signed());
        self.0.generate(at.unwrap()).to_string()
    }

    /// No code of now, of a step ago or of the next.
    fn never_shows(&self) -> String {
        let shown = [-1, 0, 1].map(|steps| self.shows(steps));
        let mut codes = (0..10).map(|code| format!("{code:06}"));
        codes.find(|code| !shown.contains(code)).unwrap()
    }
}

fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// Until a step is young enough for all that a test does in it.
pub async fn young_step() {
    while seconds() % STEP > STEP / 2 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn login(service: &Service, password: &str, code: Option<&str>) -> Answer {
    let mut body = json!({"username": "ann", "password": password});
    if let Some(code) = code {
        body["second_factor"] = json!(code);
    }
    service.post("/auth/login", body).await
}

async fn add(service: &Service, token: &str, password: &str) -> Answer {
    let body = json!({"current_password": password});
    service.post_as(token, "/auth/totp", body).await
}

async fn confirm(service: &Service, token: &str, code: &str) -> Answer {
    let body = json!({"code": code});
    service.post_as(token, "/auth/totp/confirm", body).await
}

async fn remove(service: &Service, token: &str, password: &str, code: &str) -> Answer {
    let body = json!({"current_password": password, "code": code});
    service.post_as(token, "/auth/totp/remove", body).await
}

/// Ann, who has confirmed her app with the code of the step before this one.
async fn ann_with_an_app(service: &Service) -> (Tokens, App) {
    let ann = service.sign_up("ann").await;
    let app = App::told(&add(service, &ann.access, PASSWORD).await);
    young_step().await;
    let confirmed = confirm(service, &ann.access, &app.shows(-1)).await;
    assert_eq!(confirmed.status, StatusCode::NO_CONTENT, "{confirmed:?}");
    (ann, app)
}

#[tokio::test]
async fn whoever_has_an_app_signs_in_with_its_code() {
    let service = Service::with(&[KEY]).await;
    let ann = service.sign_up("ann").await;
    let told = add(&service, &ann.access, PASSWORD).await;
    assert_eq!(told.header("cache-control"), "no-store");
    let uri = told.body["uri"].as_str().unwrap();
    let secret = told.body["secret"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/service:ann?"), "{uri}");
    assert!(uri.contains(&format!("secret={secret}")), "{uri}");
    let app = App::told(&told);
    // Nobody is kept out by an app that was never set up.
    let wrong = confirm(&service, &ann.access, &app.never_shows()).await;
    wrong.is_problem(401, "invalid-second-factor");
    assert_eq!(login(&service, PASSWORD, None).await.status, StatusCode::OK);

    young_step().await;
    let confirmed = confirm(&service, &ann.access, &app.shows(-1)).await;
    assert_eq!(confirmed.status, StatusCode::NO_CONTENT);
    let asked = login(&service, PASSWORD, None).await;
    asked.is_problem(401, "second-factor-required");
    assert_eq!(asked.body["second_factor"], json!({"kind": "totp"}));
    let wrong = login(&service, PASSWORD, Some(&app.never_shows())).await;
    wrong.is_problem(401, "invalid-second-factor");
    let signed_in = login(&service, PASSWORD, Some(&app.shows(0))).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{signed_in:?}");
    // Who was signed in stays so.
    assert_eq!(service.refresh(&ann.refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_does_not_know_the_password_learns_nothing_of_an_app() {
    let service = Service::with(&[KEY]).await;
    let (_, app) = ann_with_an_app(&service).await;
    let guess = "not-her-password-at-all";
    let plain = service.login("nobody", guess).await;
    plain.is_problem(401, "invalid-credentials");
    for code in [None, Some(&*app.never_shows()), Some(&*app.shows(0))] {
        let answer = login(&service, guess, code).await;
        assert_eq!(answer.status, plain.status);
        assert_eq!(answer.body_without_id(), plain.body_without_id());
    }
    // The code that came with a wrong password was not used up.
    let signed_in = login(&service, PASSWORD, Some(&app.shows(0))).await;
    assert_eq!(signed_in.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let service = Service::with(&[KEY]).await;
    let (ann, app) = ann_with_an_app(&service).await;
    let used = login(&service, PASSWORD, Some(&app.shows(-1))).await;
    used.is_problem(401, "invalid-second-factor");
    let code = app.shows(0);
    let logins = (0..3).map(|_| login(&service, PASSWORD, Some(&code)));
    let mut signed_in = 0;
    for answer in join_all(logins).await {
        if answer.status == StatusCode::OK {
            signed_in += 1;
        } else {
            answer.is_problem(401, "invalid-second-factor");
        }
    }
    assert_eq!(signed_in, 1);
    // Nor is it good for anything else.
    let removed = remove(&service, &ann.access, PASSWORD, &code).await;
    removed.is_problem(401, "invalid-second-factor");
}

#[tokio::test]
async fn guessing_codes_is_as_slow_as_guessing_passwords() {
    let service = Service::with(&[KEY, ("APP__LIMITS__FREE_FAILURES", "3")]).await;
    let (_, app) = ann_with_an_app(&service).await;
    for _ in 0..3 {
        let wrong = login(&service, PASSWORD, Some(&app.never_shows())).await;
        wrong.is_problem(401, "invalid-second-factor");
    }
    let early = login(&service, PASSWORD, Some(&app.shows(0))).await;
    early.is_problem(429, "too-many-attempts");
}

#[tokio::test]
async fn adding_an_app_takes_the_password_and_removing_it_both() {
    let service = Service::with(&[KEY]).await;
    let ann = service.sign_up("ann").await;
    let wrong = "not-her-password-at-all";
    let refused = add(&service, &ann.access, wrong).await;
    refused.is_problem(401, "invalid-credentials");
    let early = confirm(&service, &ann.access, "123456").await;
    early.is_problem(401, "invalid-second-factor");

    // Asked again before it is confirmed, it is another secret that counts.
    let first = App::told(&add(&service, &ann.access, PASSWORD).await);
    let app = App::told(&add(&service, &ann.access, PASSWORD).await);
    assert_ne!(first.shows(0), app.shows(0));
    young_step().await;
    confirm(&service, &ann.access, &app.shows(-1)).await;
    let again = add(&service, &ann.access, PASSWORD).await;
    again.is_problem(409, "second-factor-exists");

    let refused = remove(&service, &ann.access, wrong, &app.shows(0)).await;
    refused.is_problem(401, "invalid-credentials");
    let refused = remove(&service, &ann.access, PASSWORD, &app.never_shows()).await;
    refused.is_problem(401, "invalid-second-factor");
    let removed = remove(&service, &ann.access, PASSWORD, &app.shows(0)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{removed:?}");
    assert_eq!(login(&service, PASSWORD, None).await.status, StatusCode::OK);
    let none = remove(&service, &ann.access, PASSWORD, &app.shows(1)).await;
    none.is_problem(401, "invalid-second-factor");
}

#[tokio::test]
async fn with_another_key_nobody_who_has_an_app_gets_in() {
    let service = Service::with(&[KEY]).await;
    let (_, app) = ann_with_an_app(&service).await;
    let another = ("TOTP_KEY", "a-secret-of-tests-4be08a532c61d07f");
    let service = service.restart_with(&[another]).await;
    for code in [None, Some(&*app.shows(0))] {
        let answer = login(&service, PASSWORD, code).await;
        answer.is_problem(500, "internal");
    }
    let service = service.restart_with(&[KEY]).await;
    let signed_in = login(&service, PASSWORD, Some(&app.shows(0))).await;
    assert_eq!(signed_in.status, StatusCode::OK);
}

#[tokio::test]
async fn a_service_without_a_key_says_that_there_are_no_apps() {
    let service = Service::start().await;
    let ann = service.sign_up("ann").await;
    for answer in [
        add(&service, &ann.access, PASSWORD).await,
        confirm(&service, &ann.access, "123456").await,
        remove(&service, &ann.access, PASSWORD, "123456").await,
    ] {
        answer.is_problem(404, "second-factor-off");
    }
    // A client that sends one anyway signs in.
    let answer = login(&service, PASSWORD, Some("123456")).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_that_are_none_are_refused() {
    let service = Service::with(&[KEY]).await;
    let ann = service.sign_up("ann").await;
    let early = json!({"username": "bob", "password": PASSWORD, "second_factor": "123456"});
    let early = service.post("/auth/register", early).await;
    early.is_problem(400, "invalid-request");
    // Although she has none: who has one is nobody's business.
    for answer in [
        json!(""),
        json!("1".repeat(4097)),
        json!(123456),
        json!(null),
    ] {
        let body = json!({"username": "ann", "password": PASSWORD, "second_factor": answer});
        let answer = service.post("/auth/login", body).await;
        answer.is_problem(400, "invalid-request");
    }
    for (path, body) in [
        ("/auth/totp", json!({})),
        ("/auth/totp/confirm", json!({"code": 123456})),
        ("/auth/totp/remove", json!({"code": "123456"})),
    ] {
        let answer = service.post_as(&ann.access, path, body).await;
        answer.is_problem(400, "invalid-request");
        let anybody = service.post(path, Value::Null).await;
        anybody.is_problem(401, "invalid-token");
    }
}

/// Asks everybody the same.
#[derive(Debug)]
struct Riddle;

#[async_trait]
impl SecondFactor for Riddle {
    async fn judge(
        &self,
        _: UserId,
        answer: Option<&SecretString>,
        _: Timestamp,
    ) -> Result<Judgement, SecondFactorError> {
        Ok(match answer.map(SecretString::expose_secret) {
            None => Judgement::Required(Challenge {
                kind: "riddle",
                data: Some(json!({"question": "six times nine"})),
            }),
            Some("42") => Judgement::Right,
            Some("broken") => return Err(SecondFactorError::Failed("no judge".into())),
            Some(_) => Judgement::Wrong,
        })
    }
}

#[tokio::test]
async fn another_factor_asks_what_it_wants() {
    let service = Service::asking_for(Arc::new(Riddle)).await;
    service.register("ann", PASSWORD).await;
    let asked = login(&service, PASSWORD, None).await;
    asked.is_problem(401, "second-factor-required");
    let question = json!({"kind": "riddle", "data": {"question": "six times nine"}});
    assert_eq!(asked.body["second_factor"], question);
    let wrong = login(&service, PASSWORD, Some("54")).await;
    wrong.is_problem(401, "invalid-second-factor");
    let broken = login(&service, PASSWORD, Some("broken")).await;
    broken.is_problem(500, "internal");
    let right = login(&service, PASSWORD, Some("42")).await;
    assert_eq!(right.status, StatusCode::OK);
}
