//! A gateway alone verifies with the keys that an auth node serves.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use aws_lc_rs::{rand::SystemRandom, signature::Ed25519KeyPair, signature::KeyPair as _};
use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::Timestamp;
use serde_json::{Value, json};
use service::{
    accounts::tokens::{KeyRing, KeySource},
    config::JwksUrl,
    remote_keys::RemoteKeys,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle, time::timeout};

use crate::{
    mint,
    node::{self, Node},
    service::{SOON, soon},
    socket::Socket,
};

async fn gateway(url: &str) -> Node {
    Node::start(&[("APP__ROLES", "gateway"), ("APP__TOKENS__JWKS_URL", url)]).await
}

async fn is_refused(gateway: &Node, token: &str) {
    let refused = Socket::open(gateway.address, token).await.err().unwrap();
    refused.is_problem(403, "token-required");
}

/// Why a gateway doesn't start, with all its causes; blames the right setting.
async fn reason(url: &str) -> String {
    let error = node::gateway(&[("APP__TOKENS__JWKS_URL", url)])
        .await
        .unwrap_err();
    assert_eq!(error.setting(), Some("tokens.jwks_url"));
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    let prefix = format!("no keys from {url}: ");
    text.strip_prefix(&prefix).expect(&text).to_owned()
}

/// A key of a stranger, and tokens of it.
struct Stranger {
    pair: Ed25519KeyPair,
    kid: &'static str,
}

impl Stranger {
    fn new(kid: &'static str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self { pair, kid }
    }

    fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x})
    }

    fn jwk_with(&self, name: &str, value: Value) -> Value {
        let mut jwk = self.jwk();
        jwk[name] = value;
        jwk
    }

    fn token(&self) -> String {
        self.token_named(self.kid)
    }

    fn token_named(&self, kid: &str) -> String {
        let header = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": kid});
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(mint::claims("lobby").to_string())
        );
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// Serves one answer for as long as it lives, and counts how often.
struct Keys {
    url: String,
    served: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Keys {
    async fn serve(answer: impl IntoResponse + Clone + Send + Sync + 'static) -> Self {
        let served = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&served);
        let mut keys = Self::at(get(move || async move {
            count.fetch_add(1, Ordering::SeqCst);
            answer
        }))
        .await;
        keys.served = served;
        keys
    }

    async fn at(handler: MethodRouter) -> Self {
        let router = Router::new().route("/jwks.json", handler);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            served: Arc::default(),
            serving,
        }
    }

    async fn of(keys: &[Value]) -> Self {
        Self::serve(json!({"keys": keys}).to_string()).await
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test]
async fn keys_of_an_auth_node_open_sockets_also_when_it_has_gone() {
    let auth = Node::auth().await;
    auth.register("ann").await;
    let (one, two) = (auth.sign_in("ann").await, auth.sign_in("ann").await);
    let gateway = gateway(&auth.jwks_url()).await;
    let mut phone = Socket::open(gateway.address, &one).await.unwrap();
    let mut tablet = Socket::open(gateway.address, &two).await.unwrap();
    phone.say("hello").await;
    assert_eq!(tablet.hear().await, "hello");

    auth.stop().await;
    // This one makes the gateway look for newer keys, in vain.
    is_refused(&gateway, &Stranger::new("nobody's").token()).await;
    Socket::open(gateway.address, &one).await.unwrap();
}

#[tokio::test]
async fn a_key_made_later_is_found_by_itself() {
    let auth = Node::auth().await;
    auth.register("ann").await;
    let old = auth.sign_in("ann").await;
    let gateway = gateway(&auth.jwks_url()).await;

    let (place, address) = (auth.place.clone(), auth.address.to_string());
    auth.stop().await;
    let keys = place.path().join("keys");
    let first = std::fs::read_dir(&keys)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ext| ext == "pem"))
        .unwrap();
    KeyRing::make_in_dir(&keys, Timestamp::now()).unwrap();
    let auth = Node::start_at(place.clone(), &address, &[("APP__ROLES", "auth")]).await;
    let new = auth.sign_in("ann").await;
    Socket::open(gateway.address, &new).await.unwrap();
    Socket::open(gateway.address, &old).await.unwrap();

    // A key that is withdrawn verifies nothing, once somebody has looked.
    auth.stop().await;
    std::fs::remove_file(first).unwrap();
    let auth = Node::start_at(place, &address, &[("APP__ROLES", "auth")]).await;
    let stranger = Stranger::new("nobody's").token();
    let withdrawn = async {
        while Socket::open(gateway.address, &old).await.is_ok() {
            is_refused(&gateway, &stranger).await;
            tokio::time::sleep(SOON / 100).await;
        }
    };
    soon(withdrawn).await;
    Socket::open(gateway.address, &auth.sign_in("ann").await)
        .await
        .unwrap();
}

#[tokio::test]
async fn forged_ids_do_not_set_the_pace_of_fetches() {
    let known = Stranger::new("known");
    let keys = Keys::of(&[known.jwk()]).await;
    let gateway = gateway(&keys.url).await;
    assert_eq!(keys.served(), 1);
    let began = Instant::now();
    let forger = Stranger::new("known");
    // At once, and one after the other.
    let crowd = (0..20).map(|i| forger.token_named(&format!("forged-{i}")));
    let crowd: Vec<String> = crowd.collect();
    futures_util::future::join_all(crowd.iter().map(|token| is_refused(&gateway, token))).await;
    for token in &crowd {
        is_refused(&gateway, token).await;
    }
    // One for the first of them, then one in 5 s.
    let most = 2 + began.elapsed().as_secs() / 5;
    let served = keys.served();
    assert!(
        (2..=usize::try_from(most).unwrap()).contains(&served),
        "{served} fetches"
    );
    // A known id asks nobody, whoever has signed.
    is_refused(&gateway, &forger.token()).await;
    Socket::open(gateway.address, &known.token()).await.unwrap();
    assert!(keys.served() <= usize::try_from(2 + began.elapsed().as_secs() / 5).unwrap());
}

#[tokio::test]
async fn whoever_gives_up_does_not_begin_the_fetch_anew() {
    let (one, two) = (Stranger::new("one"), Stranger::new("two"));
    let first = json!({"keys": [one.jwk()]}).to_string();
    let second = json!({"keys": [one.jwk(), two.jwk()]}).to_string();
    let served = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Semaphore::new(0));
    let handler = {
        let (served, gate) = (served.clone(), gate.clone());
        move || async move {
            if served.fetch_add(1, Ordering::SeqCst) == 0 {
                return first;
            }
            gate.acquire().await.unwrap().forget();
            second
        }
    };
    let keys = Keys::at(get(handler)).await;
    let remote = RemoteKeys::start(&JwksUrl::parse(&keys.url).unwrap(), SOON)
        .await
        .unwrap();
    for _ in 0..5 {
        let impatient = remote.refresh();
        assert!(timeout(SOON / 400, impatient).await.is_err());
    }
    gate.add_permits(5);
    soon(remote.refresh()).await;
    assert_eq!(served.load(Ordering::SeqCst), 2);
    assert_eq!(remote.keys().current().len(), 2);
}

#[tokio::test]
async fn only_keys_that_are_meant_to_verify_do() {
    let key = Stranger::new;
    let good = [key("plain"), key("full")];
    let bad: Vec<(Stranger, &str, Value)> = vec![
        (key("other-alg"), "alg", "HS256".into()),
        (key("no-alg"), "alg", Value::Bool(true)),
        (key("encrypts"), "use", "enc".into()),
        (key("signs"), "key_ops", json!(["sign"])),
        (key("curve"), "crv", "X25519".into()),
        (key("type"), "kty", "EC".into()),
        (key("private"), "d", "c2VjcmV0".into()),
    ];
    let mut set: Vec<Value> = bad
        .iter()
        .map(|(key, name, value)| key.jwk_with(name, value.clone()))
        .collect();
    let mut full = good[1].jwk();
    full["alg"] = "EdDSA".into();
    full["use"] = "sig".into();
    full["key_ops"] = json!(["verify"]);
    full["x5t"] = "ignored".into();
    set.extend([good[0].jwk(), full, Value::Null, json!({"kty": 7})]);
    // A second key of the same id is not the one that is meant.
    let twin = Stranger::new("plain");
    set.push(twin.jwk());
    let secret = URL_SAFE_NO_PAD.encode(mint::SECRET);
    set.push(json!({"kty": "oct", "kid": "shared", "alg": "HS256", "k": secret}));
    let keys = Keys::of(&set).await;
    let gateway = gateway(&keys.url).await;
    for key in &good {
        Socket::open(gateway.address, &key.token()).await.unwrap();
    }
    is_refused(&gateway, &twin.token()).await;
    for (key, ..) in &bad {
        is_refused(&gateway, &key.token()).await;
    }
    // A published secret mints nothing, and a public key is no secret.
    let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": "shared"});
    let claims = mint::claims("lobby");
    is_refused(&gateway, &mint::signed(&header, &claims, mint::SECRET)).await;
    is_refused(&gateway, &mint::token(&claims)).await;
    let header = json!({"typ": "at+jwt", "alg": "HS256", "kid": "plain"});
    let public = good[0].jwk()["x"].as_str().unwrap().to_owned();
    is_refused(&gateway, &mint::signed(&header, &claims, &public)).await;
}

#[tokio::test]
async fn a_set_without_a_key_that_verifies_is_refused_with_reasons() {
    let secret = json!({"kty": "oct", "kid": "shared", "k": URL_SAFE_NO_PAD.encode(mint::SECRET)});
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "", "y": ""});
    let keys = Keys::of(&[secret, ec]).await;
    assert_eq!(
        reason(&keys.url).await,
        "it has no Ed25519 key that verifies; key 1 (\"shared\") is a shared secret, which must \
         never be published; key 2 is not an Ed25519 key"
    );
    let keys = Keys::of(&[]).await;
    assert_eq!(
        reason(&keys.url).await,
        "it has no Ed25519 key that verifies"
    );
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_refused() {
    let keys = Keys::serve("<html>").await;
    let text = reason(&keys.url).await;
    assert!(text.starts_with("it is not a JWK set: "), "{text}");
    let keys = Keys::serve(json!({"key": []}).to_string()).await;
    let text = reason(&keys.url).await;
    assert!(text.starts_with("it is not a JWK set: "), "{text}");

    let large = json!({"keys": [], "padding": "x".repeat(64 * 1024)}).to_string();
    let keys = Keys::serve(large).await;
    assert_eq!(reason(&keys.url).await, "it is larger than 64 KiB");

    let good = Keys::of(&[Stranger::new("one").jwk()]).await;
    let elsewhere = (StatusCode::FOUND, [(header::LOCATION, good.url.clone())]);
    let keys = Keys::serve(elsewhere).await;
    assert_eq!(
        reason(&keys.url).await,
        "the answer is 302 Found, not 200 OK"
    );
    assert_eq!(good.served(), 0);
    let missing = good.url.replace("jwks", "jwk");
    assert_eq!(
        reason(&missing).await,
        "the answer is 404 Not Found, not 200 OK"
    );
}

#[tokio::test]
async fn an_auth_node_that_cannot_be_reached_is_waited_for_and_then_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let text = reason(&format!("http://{address}/jwks.json")).await;
    assert!(
        text.starts_with("it can't be fetched: ") && text.contains("Connection refused"),
        "{text}"
    );
}

/// Of nodes that start together, one is the first.
#[tokio::test]
async fn a_gateway_waits_for_an_auth_node_that_is_starting() {
    let auth = Node::auth().await;
    auth.register("ann").await;
    let (place, address, url) = (
        auth.place.clone(),
        auth.address.to_string(),
        auth.jwks_url(),
    );
    let token = auth.sign_in("ann").await;
    auth.stop().await;
    let (gateway, _auth) = tokio::join!(gateway(&url), async {
        tokio::time::sleep(SOON / 40).await;
        Node::start_at(place, &address, &[("APP__ROLES", "auth")]).await
    });
    Socket::open(gateway.address, &token).await.unwrap();
}

#[tokio::test]
async fn a_file_is_a_source_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let url = format!("file://{}", path.display());
    let (old, new) = (Stranger::new("old"), Stranger::new("new"));
    std::fs::write(&path, json!({"keys": [old.jwk()]}).to_string()).unwrap();
    let gateway = gateway(&url).await;
    Socket::open(gateway.address, &old.token()).await.unwrap();
    std::fs::write(&path, json!({"keys": [new.jwk()]}).to_string()).unwrap();
    Socket::open(gateway.address, &new.token()).await.unwrap();
    is_refused(&gateway, &old.token()).await;

    std::fs::write(&path, "x".repeat(64 * 1024 + 1)).unwrap();
    assert_eq!(reason(&url).await, "it is larger than 64 KiB");
}

/// As when auth nodes go over to a shared secret, because a key was stolen.
#[tokio::test]
async fn keys_that_are_withdrawn_without_a_successor_verify_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let stolen = Stranger::new("stolen");
    std::fs::write(&path, json!({"keys": [stolen.jwk()]}).to_string()).unwrap();
    let gateway = gateway(&format!("file://{}", path.display())).await;
    Socket::open(gateway.address, &stolen.token())
        .await
        .unwrap();
    std::fs::write(&path, json!({"keys": []}).to_string()).unwrap();
    // This one makes the gateway look.
    is_refused(&gateway, &Stranger::new("nobody's").token()).await;
    is_refused(&gateway, &stolen.token()).await;
}

#[tokio::test]
async fn without_any_key_a_gateway_says_what_to_set() {
    let error = node::gateway(&[]).await.unwrap_err().to_string();
    for setting in [
        "tokens.jwks_url",
        "tokens.secret (JWT_SECRET)",
        "tokens.key_dir",
    ] {
        assert!(error.contains(setting), "{error}");
    }
}
