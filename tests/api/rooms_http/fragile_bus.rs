//! A bus that fails, or takes its time: what becomes of a request with a key.

use std::sync::Arc;

use axum::{Router, body::Body};
use contract::{
    Account, Backoff, BusError, CredentialStore, Delivery, History, Message, Position, Published,
    RoomBus, RoomName, StoredHash, Subscription, Timestamp, UserId, Username,
};
use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use service::{
    accounts::{
        Accounts, SessionTimes,
        guesses::{GuessSettings, Guesses},
        instruments::AccountInstruments,
        passwords::{PasswordService, PasswordSettings},
        second_factor::PasswordAlone,
        tokens::{EndedSessions, KeyRing, RefreshTokens, TokenIssuer, TokenVerifier},
    },
    app::App,
    audit::{Audit, AuditSettings},
    config::{Config, Sources},
    http,
    limits::{Limits, Rates},
    presence::Presence,
    rooms::{MembersOnly, RoomInstruments, RoomLimits, Rooms},
    wiring::{self, Stores},
};
use test_servers::Place;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::{local_bus::LocalBus, mint, service::soon};

/// Tells when it is asked to say something, and waits until it may.
struct FragileBus {
    bus: Arc<LocalBus>,
    asked: mpsc::UnboundedSender<()>,
    /// A permit for each message that may go through; closed, all fail.
    may: Arc<Semaphore>,
}

#[async_trait::async_trait]
impl RoomBus for FragileBus {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        let _ = self.asked.send(());
        match self.may.acquire().await {
            Ok(permit) => permit.forget(),
            Err(closed) => return Err(BusError::Unavailable(closed.into())),
        }
        self.bus.publish(room, message).await
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        self.bus.subscribe(room, since).await
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.bus.ping().await
    }

    async fn history(&self, room: &RoomName, since: Option<Position>) -> Result<History, BusError> {
        self.bus.history(room, since).await
    }

    fn rooms(&self) -> usize {
        self.bus.rooms()
    }
}

/// The API on such a bus, and somebody who has an account.
struct Api {
    router: Router,
    work: TaskTracker,
    user: UserId,
    room: Subscription,
    asked: mpsc::UnboundedReceiver<()>,
    may: Arc<Semaphore>,
    place: Place,
}

/// What a client gets to see.
struct Seen {
    status: StatusCode,
    retry_after: Option<String>,
    body: Value,
}

impl Api {
    async fn new(bus: Arc<LocalBus>, place: Place, user: Option<UserId>) -> Self {
        let config = config(&place);
        let stores = wiring::open_stores(&config).await.unwrap().unwrap();
        let user = match user {
            Some(user) => user,
            None => account(&*stores.credentials).await,
        };
        let room = RoomName::parse(&user.to_string()).unwrap();
        let room = bus.subscribe(&room, None).await.unwrap();
        let (told, asked) = mpsc::unbounded_channel();
        let may = Arc::new(Semaphore::new(0));
        let fragile = Arc::new(FragileBus {
            bus,
            asked: told,
            may: may.clone(),
        });
        let app = app(&config, stores, fragile);
        Self {
            work: app.work.clone(),
            router: http::accounts().into_router().with_state(app),
            user,
            room,
            asked,
            may,
            place,
        }
    }

    /// Sends a request with the key `1`; what is sent is the same every time.
    fn publish(&self) -> impl Future<Output = Response<Body>> + Send + 'static {
        let mut claims = mint::claims(&self.user.to_string());
        claims["sub"] = json!(self.user);
        let request = Request::post(format!("/rooms/{}/messages", self.user))
            .header("authorization", format!("Bearer {}", mint::token(&claims)))
            .header("content-type", "application/json")
            .header("idempotency-key", "1")
            .body(Body::from(r#"{"data":"hello"}"#))
            .unwrap();
        let router = self.router.clone();
        async move { router.oneshot(request).await.unwrap() }
    }

    async fn answer(&self) -> Seen {
        seen(soon(self.publish()).await).await
    }

    /// A request is at the bus.
    async fn is_asked(&mut self) {
        soon(self.asked.recv()).await.unwrap();
    }

    /// Heard once, and nothing else.
    async fn hears(&mut self) {
        let Delivery::Message(heard) = soon(self.room.recv()).await else {
            panic!("nothing came");
        };
        assert_eq!(heard.message.data, "hello");
        assert!(self.room.try_recv().is_none());
    }
}

async fn seen(response: Response<Body>) -> Seen {
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Seen {
        status,
        retry_after,
        body: serde_json::from_slice(&body).unwrap(),
    }
}

async fn account(store: &dyn CredentialStore) -> UserId {
    let user = UserId::random();
    let account = Account {
        id: user,
        username: Username::parse("ann").unwrap(),
        hash: StoredHash::new("not used here".to_owned()),
        created_at: Timestamp::UNIX_EPOCH,
        disabled_at: None,
    };
    store.create(&account).await.unwrap();
    user
}

fn config(place: &Place) -> Config {
    let mut sources = Sources::default()
        .variable("JWT_SECRET", mint::SECRET)
        .variable("APP__TOKENS__KEY_DIR", place.path());
    for (name, value) in place.variables() {
        sources = sources.variable(name, value);
    }
    Config::load(&sources)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .config
}

fn app(config: &Config, stores: Stores, bus: Arc<FragileBus>) -> Arc<App> {
    let tokens = &config.tokens;
    let keys = Arc::new(KeyRing::from_secret(&mint::SECRET.to_owned().into()).unwrap());
    let issuer = TokenIssuer::new(
        keys.clone(),
        stores.credentials.clone(),
        &tokens.issuer,
        &tokens.audience,
        tokens.access_ttl,
    );
    let ended = Arc::new(EndedSessions::new(tokens.access_ttl));
    let audit = Audit::start(
        stores.audit,
        AuditSettings {
            table: true,
            refusals_per_minute: config.audit.refusals_per_minute,
        },
    );
    let verifier = TokenVerifier::new(
        keys.verification().clone(),
        &tokens.issuer,
        &tokens.audience,
        tokens.leeway,
        ended.clone(),
    );
    let limits = Arc::new(Limits::new(Rates::default()));
    Arc::new(App {
        rooms: Rooms {
            store: stores.rooms.clone(),
            policy: Arc::new(MembersOnly(stores.rooms)),
            credentials: stores.credentials.clone(),
            sessions: stores.sessions.clone(),
            requests: stores.idempotency,
            bus: bus.clone(),
            presence: Presence::new(bus.clone()).0,
            issuer: issuer.clone(),
            audit: audit.clone(),
            limits: RoomLimits {
                max_owned: config.rooms.max_owned,
                max_members: config.rooms.max_members,
                max_message_bytes: config.ws.max_message_bytes,
            },
            instruments: RoomInstruments::default(),
        },
        accounts: Accounts {
            credentials: stores.credentials,
            sessions: stores.sessions,
            bus,
            passwords: PasswordService::start(PasswordSettings::cheap()).unwrap(),
            guesses: Guesses::new(
                stores.attempts,
                keys.pseudonyms().unwrap(),
                GuessSettings {
                    backoff: Backoff {
                        free: config.limits.free_failures,
                        first: config.limits.failure_delay,
                        longest: config.limits.max_failure_delay,
                        forgotten_after: config.limits.failures_forgotten,
                    },
                    known_address: config.limits.known_address,
                },
            ),
            second_factor: Arc::new(PasswordAlone),
            totp: None,
            limits: limits.clone(),
            issuer,
            refresh_tokens: RefreshTokens::new(keys.clone()),
            ended,
            audit,
            times: SessionTimes {
                idle_ttl: tokens.refresh_idle_ttl,
                absolute_ttl: tokens.refresh_absolute_ttl,
                grace: tokens.refresh_grace,
            },
            instruments: AccountInstruments::default(),
        },
        limits,
        verifier: Arc::new(verifier),
        keys,
        body_limit: config.http.body_limit,
        work: TaskTracker::new(),
    })
}

#[tokio::test]
async fn a_repetition_waits_for_the_first_to_be_done() {
    let mut api = Api::new(LocalBus::new(), Place::new(), None).await;
    let first = tokio::spawn(api.publish());
    api.is_asked().await;
    for _ in 0..2 {
        let early = api.answer().await;
        assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.body);
        assert_eq!(early.body["type"], "urn:problem-type:request-in-progress");
        assert_eq!(early.retry_after.as_deref(), Some("1"));
    }
    api.may.add_permits(1);
    let first = seen(soon(first).await.unwrap()).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let again = api.answer().await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    api.hears().await;
}

#[tokio::test]
async fn after_a_failure_of_the_bus_a_repetition_succeeds() {
    let bus = LocalBus::new();
    let place = Place::new();
    let api = Api::new(bus.clone(), place, None).await;
    api.may.close();
    for _ in 0..2 {
        let failed = api.answer().await;
        assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(failed.body["type"], "urn:problem-type:unavailable");
        assert!(failed.retry_after.is_some());
    }
    // The bus is back.
    let mut api = Api::new(bus, api.place, Some(api.user)).await;
    api.may.add_permits(1);
    let said = api.answer().await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.body);
    api.hears().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_finds_the_answer_when_it_is_back() {
    let mut api = Api::new(LocalBus::new(), Place::new(), None).await;
    let first = tokio::spawn(api.publish());
    api.is_asked().await;
    first.abort();
    assert!(soon(first).await.is_err(), "nobody waits for the answer");
    api.may.add_permits(1);
    // What the drain of a node waits for, too.
    api.work.close();
    soon(api.work.wait()).await;
    api.hears().await;
    let again = api.answer().await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    assert!(api.room.try_recv().is_none(), "it was said again");
}
