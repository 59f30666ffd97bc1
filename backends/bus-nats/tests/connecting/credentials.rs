//! A password, a token, a `.creds` file; and none of them in an error.

use std::fs;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bus_nats::{ConnectError, NatsSettings};
use nkeys::KeyPair;
use test_servers::Nats;

use crate::{refused, settings, works};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_or_a_token_stands_in_the_url() {
    let passwords = Nats::start_with(r#"authorization { user: ann, password: "p@ss word" }"#);
    works(&settings(
        passwords.url().replace("//", "//ann:p%40ss%20word@"),
    ))
    .await;
    let tokens = Nats::start_with("authorization { token: t0ken }");
    works(&settings(tokens.url().replace("//", "//t0ken@"))).await;

    for (server, user) in [
        (&passwords, ""),
        (&passwords, "ann:canary@"),
        (&passwords, "canary@"),
        (&tokens, "canary@"),
    ] {
        let url = server.url().replace("//", &format!("//{user}"));
        let settings = settings(url);
        let (error, text) = refused(&settings).await;
        assert!(matches!(error, ConnectError::Refused { .. }), "{text}");
        assert_eq!(error.setting(), "url");
        for shown in [text, format!("{error:?}"), format!("{settings:?}")] {
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_server_is_told_apart() {
    for url in ["", "nats", "http://127.0.0.1:4222", "nats://"] {
        let (error, text) = refused(&settings(url)).await;
        assert!(matches!(error, ConnectError::Url), "{url}: {text}");
    }
    // A port of which the test itself is the only user.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (error, text) = refused(&settings(format!("nats://ann:canary@{address}"))).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{text}");
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

/// A claim of `issuer` about `subject`, as operators make them with `nsc`.
fn claim(issuer: &KeyPair, subject: &KeyPair, kind: &str, more: &str) -> String {
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let head = part(r#"{"typ":"JWT","alg":"ed25519-nkey"}"#.to_owned());
    let body = part(format!(
        r#"{{"jti":"{kind}","iat":1700000000,"iss":"{}","name":"{kind}","sub":"{}","nats":{{{more}"type":"{kind}","version":2}}}}"#,
        issuer.public_key(),
        subject.public_key(),
    ));
    let signed = format!("{head}.{body}");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creds_file_signs_in() {
    let (operator, account, user) = (
        KeyPair::new_operator(),
        KeyPair::new_account(),
        KeyPair::new_user(),
    );
    let unlimited = r#""limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,"conn":-1,"leaf":-1},"#;
    let server = Nats::start_configured(&format!(
        "operator: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {} }}",
        claim(&operator, &operator, "operator", ""),
        account.public_key(),
        claim(&operator, &account, "account", unlimited),
    ));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, jwt: &str, seed: &str| {
        let path = folder.path().join(name);
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        fs::write(&path, text).unwrap();
        Some(path)
    };
    let jwt = claim(
        &account,
        &user,
        "user",
        r#""subs":-1,"data":-1,"payload":-1,"#,
    );
    let with = |credentials_file| NatsSettings {
        credentials_file,
        ..settings(server.url())
    };
    works(&with(file("right.creds", &jwt, &user.seed().unwrap()))).await;

    let stranger = KeyPair::new_user().seed().unwrap();
    let (error, text) = refused(&with(file("wrong.creds", &jwt, &stranger))).await;
    assert!(matches!(error, ConnectError::Refused { .. }), "{text}");
    assert!(!text.contains(&stranger), "{text}");
    for path in [file("broken.creds", "", ""), Some("/nowhere.creds".into())] {
        let (error, text) = refused(&with(path)).await;
        assert!(matches!(error, ConnectError::File { .. }), "{text}");
        assert_eq!(error.setting(), "credentials_file");
        assert!(text.contains(".creds"), "{text}");
    }
}
