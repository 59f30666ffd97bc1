//! One check of access tokens, for HTTP and WebSocket alike: each of these is
//! refused at both.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{RoomName, Seed, Session, SessionId, Timestamp, UserId};
use serde_json::{Value, json};
use service::{
    accounts::tokens::{Grant, IssueError, KeyRing, RoomAccess, TokenIssuer},
    wiring,
};

use crate::{
    mint::{self, SECRET, claims, now, signed, signed_text},
    service::Service,
    socket::Socket,
};

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "HS256"})
}

async fn is_refused(service: &Service, what: &str, token: &str) {
    let me = service.get("/auth/me", token).await;
    assert_eq!(me.status, 401, "{what}: {}", me.body);
    assert_eq!(
        me.header("www-authenticate"),
        "Bearer error=\"invalid_token\"",
        "{what}"
    );
    me.is_problem(401, "invalid-token");
    let refused = Socket::open(service.address, token).await.err();
    refused
        .unwrap_or_else(|| panic!("{what}"))
        .is_problem(403, "token-required");
}

#[tokio::test]
async fn malformed_and_forged_tokens() {
    let service = Service::start().await;
    let good = mint::token(&claims("lobby"));
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let other_body = URL_SAFE_NO_PAD.encode(claims("attic").to_string());
    let none = URL_SAFE_NO_PAD.encode(json!({"typ": "at+jwt", "alg": "none"}).to_string());
    for (what, token) in [
        ("not a JWT", "x".to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{good}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("another body", format!("{head}.{other_body}.{signature}")),
        ("alg none", format!("{none}.{body}.")),
        (
            "alg none with a signature",
            format!("{none}.{body}.{signature}"),
        ),
        ("not base64", format!("{head}.{body}.!!!!")),
        (
            "another secret",
            signed(
                &header(),
                &claims("lobby"),
                "another secret of 32 bytes or so...",
            ),
        ),
        ("a cut signature", good[..good.len() - 2].to_owned()),
    ] {
        is_refused(&service, what, &token).await;
    }
    service.socket(&good).await.hears_nothing_but_itself().await;
}

#[tokio::test]
async fn confused_headers() {
    let service = Service::start().await;
    for (what, header) in [
        ("no typ", json!({"alg": "HS256"})),
        ("typ JWT", json!({"typ": "JWT", "alg": "HS256"})),
        (
            "typ of an id token",
            json!({"typ": "id+jwt", "alg": "HS256"}),
        ),
        (
            "another algorithm of the family",
            json!({"typ": "at+jwt", "alg": "HS512"}),
        ),
        (
            "an asymmetric algorithm",
            json!({"typ": "at+jwt", "alg": "EdDSA"}),
        ),
        (
            "an unknown algorithm",
            json!({"typ": "at+jwt", "alg": "HS257"}),
        ),
        (
            "critical extensions",
            json!({"typ": "at+jwt", "alg": "HS256", "crit": ["b64"], "b64": false}),
        ),
        (
            "an empty crit",
            json!({"typ": "at+jwt", "alg": "HS256", "crit": []}),
        ),
        (
            "an unknown kid",
            json!({"typ": "at+jwt", "alg": "HS256", "kid": "../../etc/passwd"}),
        ),
        (
            "kid of another type",
            json!({"typ": "at+jwt", "alg": "HS256", "kid": 7}),
        ),
    ] {
        is_refused(&service, what, &signed(&header, &claims("lobby"), SECRET)).await;
    }
    for typ in ["AT+JWT", "application/at+jwt"] {
        let token = signed(
            &json!({"typ": typ, "alg": "HS256"}),
            &claims("lobby"),
            SECRET,
        );
        service.socket(&token).await;
    }
}

#[tokio::test]
async fn a_token_does_not_bring_its_own_key() {
    let service = Service::start().await;
    let own = "a key of the attacker, of 32 bytes or so";
    let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(own), "kid": "own", "alg": "HS256"});
    for (what, header) in [
        ("jwk", json!({"typ": "at+jwt", "alg": "HS256", "jwk": jwk})),
        (
            "jwk and its kid",
            json!({"typ": "at+jwt", "alg": "HS256", "jwk": jwk, "kid": "own"}),
        ),
        (
            "jku",
            json!({"typ": "at+jwt", "alg": "HS256", "jku": service.url("/own.json"), "kid": "own"}),
        ),
        (
            "x5u",
            json!({"typ": "at+jwt", "alg": "HS256", "x5u": service.url("/own.pem")}),
        ),
        (
            "x5c",
            json!({"typ": "at+jwt", "alg": "HS256", "x5c": [URL_SAFE_NO_PAD.encode(own)]}),
        ),
    ] {
        is_refused(&service, what, &signed(&header, &claims("lobby"), own)).await;
    }
}

#[tokio::test]
async fn every_claim_is_required_and_checked() {
    let service = Service::start().await;
    for claim in [
        "iss", "aud", "sub", "sid", "room", "grant", "iat", "exp", "jti",
    ] {
        let mut without = claims("lobby");
        without.as_object_mut().unwrap().remove(claim);
        is_refused(&service, &format!("no {claim}"), &mint::token(&without)).await;
        let mut null = claims("lobby");
        null[claim] = Value::Null;
        is_refused(&service, &format!("{claim} null"), &mint::token(&null)).await;
        let mut strange = claims("lobby");
        strange[claim] = json!({"a": 1});
        is_refused(
            &service,
            &format!("{claim} an object"),
            &mint::token(&strange),
        )
        .await;
    }
    for (claim, value) in [
        ("iss", json!("another")),
        ("aud", json!("another")),
        ("aud", json!(["another", "third"])),
        ("sub", json!("ann")),
        ("sid", json!("1")),
        ("room", json!("$control")),
        ("grant", json!("admin")),
        ("exp", json!(now() - 60)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MAX)),
        ("exp", json!("2999-01-01")),
        ("iat", json!(now() + 3600)),
        ("nbf", json!(now() + 3600)),
    ] {
        let mut wrong = claims("lobby");
        wrong[claim] = value.clone();
        is_refused(
            &service,
            &format!("{claim} = {value}"),
            &mint::token(&wrong),
        )
        .await;
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    let service = Service::start().await;
    let mut early = claims("lobby");
    early["iat"] = (now() + 3).into();
    service.socket(&mint::token(&early)).await;
    let mut late = claims("lobby");
    late["exp"] = (now() - 2).into();
    let me = service.get("/auth/me", &mint::token(&late)).await;
    // The token is accepted; that nobody has this account is another matter.
    assert_eq!(me.body["detail"], Value::Null);
}

#[tokio::test]
async fn oversized_and_repeated() {
    let service = Service::start().await;
    let mut large = claims("lobby");
    large["padding"] = "x".repeat(4096).into();
    is_refused(&service, "over 4 KiB", &mint::token(&large)).await;
    let body = claims("lobby").to_string();
    let twice = body.replacen('{', "{\"room\":\"attic\",", 1);
    let token = signed_text(&header().to_string(), &twice, SECRET);
    is_refused(&service, "a claim twice", &token).await;
}

#[tokio::test]
async fn more_claims_and_a_list_of_audiences_are_fine() {
    let service = Service::start().await;
    let mut more = claims("lobby");
    more["aud"] = json!(["another", "service"]);
    more["scope"] = "chat".into();
    service
        .socket(&mint::token(&more))
        .await
        .hears_nothing_but_itself()
        .await;
}

#[tokio::test]
async fn an_authorization_header_is_one_bearer_token() {
    let service = Service::start().await;
    let tokens = service.sign_up("ann").await;
    let me = |value: String| {
        let request = service.request(reqwest::Method::GET, "/auth/me");
        crate::service::Answer::of(request.header("authorization", value))
    };
    assert_eq!(me(format!("bearer {}", tokens.access)).await.status, 200);
    for value in [
        tokens.access.clone(),
        format!("Basic {}", tokens.access),
        "Bearer".into(),
        "Bearer ".into(),
    ] {
        me(value).await.is_problem(401, "invalid-token");
    }
    let twice = service
        .request(reqwest::Method::GET, "/auth/me")
        .header("authorization", format!("Bearer {}", tokens.access))
        .header("authorization", format!("Bearer {}", tokens.access));
    crate::service::Answer::of(twice)
        .await
        .is_problem(401, "invalid-token");
}

/// The claims of one's own may be of any length.
#[tokio::test]
async fn a_token_that_is_too_long_to_be_taken_is_not_given_out() {
    let service = Service::start().await;
    let stores = wiring::open_stores(&service.config()).await.unwrap();
    let keys = Arc::new(KeyRing::from_secret(&SECRET.to_owned().into()).unwrap());
    let session = Session {
        id: SessionId::random(),
        user: UserId::random(),
        seed: Seed::new([0; 32]),
        counter: 0,
        user_agent: None,
        created_at: Timestamp::UNIX_EPOCH,
        rotated_at: Timestamp::UNIX_EPOCH,
        idle_expires_at: Timestamp::MAX,
        expires_at: Timestamp::MAX,
    };
    let access = RoomAccess {
        room: RoomName::parse("lobby").unwrap(),
        grant: Grant::Read,
        presence: false,
    };
    let accounts = stores.unwrap().credentials;
    for (claimed, fits) in [(2000, true), (4000, false)] {
        let issuer = "i".repeat(claimed);
        let life = Duration::from_secs(600);
        let issuer = TokenIssuer::new(keys.clone(), accounts.clone(), &issuer, "service", life);
        match issuer.issue(&session, &access, Timestamp::now()).await {
            Ok((token, _)) => assert!(fits && token.len() <= 4096),
            Err(IssueError::TooLong { bytes }) => assert!(!fits && bytes > 4096),
            Err(error) => panic!("{error}"),
        }
    }
}
