//! Without a shared secret, tokens are signed with Ed25519 keys of a folder,
//! whose public half is served.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use contract::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use service::{
    accounts::tokens::KeyRing,
    config::{Config, Profile},
    server::Server,
};

use crate::{
    mint,
    node::Node,
    service::{Answer, Service},
    socket::Socket,
};

const NO_SECRET: &[(&str, &str)] = &[("JWT_SECRET", "")];

async fn jwks(service: &Service) -> JwkSet {
    let answer = Answer::of(service.request(Method::GET, "/.well-known/jwks.json")).await;
    serde_json::from_value(answer.body).unwrap()
}

fn keys(service: &Service) -> Vec<PathBuf> {
    std::fs::read_dir(service.place.path().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[tokio::test]
async fn development_makes_its_own_keys_keeps_them_and_to_itself() {
    let service = Service::with(NO_SECRET).await;
    let tokens = service.sign_up("ann").await;
    service
        .socket(&tokens.access)
        .await
        .hears_nothing_but_itself()
        .await;
    let files = keys(&service);
    assert_eq!(files.len(), 2);
    for file in files {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    let service = service.restart().await;
    assert_eq!(keys(&service).len(), 2);
    assert_eq!(
        service.get("/auth/me", &tokens.access).await.status,
        StatusCode::OK
    );
    assert_eq!(
        service.refresh(&tokens.refresh).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn anybody_can_verify_with_the_served_keys() {
    let service = Service::with(NO_SECRET).await;
    let tokens = service.sign_up("ann").await;
    let header = jsonwebtoken::decode_header(&tokens.access).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    let set = jwks(&service).await;
    let jwk = set.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["service"]);
    let key = DecodingKey::from_jwk(jwk).unwrap();
    let claims = jsonwebtoken::decode::<Value>(&tokens.access, &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims["room"], claims["sub"]);
    assert_eq!(claims["grant"], "rw");
}

#[tokio::test]
async fn a_newer_key_signs_and_the_older_still_verifies() {
    let service = Service::with(NO_SECRET).await;
    let old = service.sign_up("ann").await;
    KeyRing::make_in_dir(&service.place.path().join("keys"), Timestamp::now()).unwrap();
    let service = service.restart().await;
    let new = service.sign_in("ann").await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    assert_ne!(kid(&old.access), kid(&new.access));
    assert_eq!(jwks(&service).await.keys.len(), 2);
    for tokens in [&old, &new] {
        assert_eq!(
            service.get("/auth/me", &tokens.access).await.status,
            StatusCode::OK
        );
        assert_eq!(
            service.refresh(&tokens.refresh).await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let service = Service::with(NO_SECRET).await;
    let tokens = service.sign_up("ann").await;
    let kid = jsonwebtoken::decode_header(&tokens.access)
        .unwrap()
        .kid
        .unwrap();
    let set = serde_json::to_value(jwks(&service).await).unwrap();
    let public = set["keys"][0]["x"].as_str().unwrap().to_owned();
    let header = serde_json::json!({"typ": "at+jwt", "alg": "HS256", "kid": kid});
    for secret in [public.as_str(), mint::SECRET] {
        let token = mint::signed(&header, &mint::claims("lobby"), secret);
        service
            .get("/auth/me", &token)
            .await
            .is_problem(401, "invalid-token");
        let token = mint::signed(
            &serde_json::json!({"typ": "at+jwt", "alg": "HS256"}),
            &mint::claims("lobby"),
            secret,
        );
        service
            .get("/auth/me", &token)
            .await
            .is_problem(401, "invalid-token");
    }
}

#[tokio::test]
async fn a_shared_secret_publishes_nothing() {
    let service = Service::start().await;
    assert!(jwks(&service).await.keys.is_empty());
}

/// While nodes are started again one after the other, those that sign with the new
/// key and those that don't yet take each other's tokens.
#[tokio::test]
async fn a_node_that_is_not_started_again_yet_takes_tokens_of_the_new_key() {
    let early = Service::with(NO_SECRET).await;
    let old = early.sign_up("ann").await;
    KeyRing::make_in_dir(&early.place.path().join("keys"), Timestamp::now()).unwrap();
    let variables = [("JWT_SECRET", "")];
    let late = Node::start_at(early.place.clone(), "127.0.0.1:0", &variables).await;
    let new = late.sign_in("ann").await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    assert_ne!(kid(&old.access), kid(&new));

    early.socket(&new).await.hears_nothing_but_itself().await;
    assert_eq!(early.get("/auth/me", &new).await.status, StatusCode::OK);
    for address in [early.address, late.address] {
        Socket::open(address, &old.access).await.unwrap();
    }
    // Who makes a key up gets nowhere.
    let header = serde_json::json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "made-up"});
    let made_up = mint::signed(&header, &mint::claims("lobby"), mint::SECRET);
    early
        .get("/auth/me", &made_up)
        .await
        .is_problem(401, "invalid-token");
}

/// Why a service with these keys doesn't start.
async fn refused(service: &Service) -> String {
    match Server::bind(&service.config()).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

fn the_pem(service: &Service) -> PathBuf {
    let files = keys(service).into_iter();
    let mut pems = files.filter(|path| path.extension().unwrap() == "pem");
    pems.next().unwrap()
}

/// Whatever is wrong with a file: it is named, and what to do is said.
#[tokio::test]
async fn a_key_file_that_is_not_right_is_named() {
    let mut service = Service::with(NO_SECRET).await;
    service.stop().await;
    let folder = service.place.path().join("keys");
    let (pem, refresh) = (the_pem(&service), folder.join("refresh.key"));
    let production = Config {
        profile: Profile::Production,
        ..service.config()
    };
    for (path, remedy) in [
        (&pem, "put the file back as it was, or remove it"),
        (&refresh, "have `keys new` make another"),
    ] {
        let content = std::fs::read(path).unwrap();
        for bad in [&b""[..], b"canary", &content[..content.len() / 2]] {
            std::fs::write(path, bad).unwrap();
            let error = refused(&service).await;
            assert!(error.contains(&format!("`{}`", path.display())), "{error}");
            assert!(error.contains(remedy), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        std::fs::write(path, content).unwrap();
        for mode in [0o644, 0o604, 0o620, 0o602] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            // Development starts with anything that works.
            Server::bind(&service.config()).await.unwrap();
            let error = Server::bind(&production).await.unwrap_err().to_string();
            assert!(error.contains(&format!("`{}`", path.display())), "{error}");
            assert!(error.contains(&format!("(mode {mode:04o})")), "{error}");
            assert!(error.contains("`chmod 600` it"), "{error}");
        }
        // As Kubernetes mounts secrets for who isn't root.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o440)).unwrap();
        Server::bind(&production).await.unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let secret = std::fs::read(&refresh).unwrap();
    std::fs::remove_file(&refresh).unwrap();
    let error = refused(&service).await;
    assert!(
        error.contains(&format!("`{}` is missing", refresh.display())),
        "{error}"
    );
    assert!(error.contains("copy it from another node"), "{error}");
    std::fs::write(&refresh, secret).unwrap();
    std::fs::set_permissions(&refresh, std::fs::Permissions::from_mode(0o600)).unwrap();

    std::fs::remove_file(&pem).unwrap();
    let error = Server::bind(&production).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("`{}` with `keys new`", folder.display())),
        "{error}"
    );
}
