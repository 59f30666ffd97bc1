//! The hot paths: what is made before, and what is counted.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bus_memory::{MemoryBus, MemorySettings};
use bytes::Bytes;
use contract::{
    Delivery, Envelope, Epoch, Kind, Message, Position, RoomBus, RoomName, Seed, Session,
    SessionId, Timestamp, UserId,
};
use futures_util::FutureExt;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use service::{
    accounts::tokens::{
        AccessToken, EndedSessions, ExtraClaims, Grant, KeyRing, RefreshToken, RefreshTokens,
        TokenVerifier,
    },
    ws::{
        rooms_v1::{
            seats::End,
            session::{Action, Session as RoomsV1},
        },
        session::{Frame, SessionLimits},
        wire::{Encoder, Format},
    },
};
use tokio::time::Instant;

use crate::harness::{Outcome, tokens};

/// Bytes of a message.
const PAYLOAD: usize = 128;

/// Messages of a batch.
const BATCH: u64 = 16;

/// A path, with all that it needs.
type Go = Box<dyn FnMut()>;

/// Makes what a path needs.
type Make = fn() -> Outcome<Go>;

/// All paths, by name.
pub(crate) const PATHS: &[(&str, Make)] = &[
    ("encode 16 messages, raw", || encode(Format::Raw)),
    ("encode 16 messages, rooms.v1", || encode(Format::RoomsV1)),
    ("publish to one subscriber, memory", publish_to_one),
    ("a publish command, rooms.v1", publish_command),
    ("verify an access token, HS256", verify_hs256),
    ("verify an access token, Ed25519", verify_ed25519),
    ("mint and check a refresh token", refresh),
];

/// Goes one path so often.
pub(crate) fn run(name: &str, repeats: u64) -> Outcome<()> {
    let path = PATHS.iter().find(|(path, _)| *path == name);
    let (_, make) = path.ok_or_else(|| format!("there is no path {name}"))?;
    let mut go = make()?;
    // What is made when it is first needed is made.
    go();
    counted(&mut *go, repeats);
    Ok(())
}

/// By its name callgrind knows what to count.
#[inline(never)]
fn counted(go: &mut dyn FnMut(), repeats: u64) {
    for _ in 0..repeats {
        go();
    }
}

fn message(kind: Kind) -> Message {
    Message {
        from: Some(UserId::random()),
        connection: None,
        at: Timestamp::UNIX_EPOCH,
        kind,
        data: Bytes::from(vec![b'x'; PAYLOAD]),
        key: None,
    }
}

fn encode(format: Format) -> Outcome<Go> {
    let room = RoomName::parse("instructions")?;
    let envelopes: Vec<Arc<Envelope>> = (0..BATCH)
        .map(|seq| {
            Arc::new(Envelope {
                message: message(Kind::Text),
                position: Some(Position {
                    epoch: Epoch(1),
                    seq,
                }),
            })
        })
        .collect();
    let mut encoder = Encoder::new(format);
    Ok(Box::new(move || {
        black_box(encoder.encode(&room, black_box(&envelopes)));
    }))
}

fn publish_to_one() -> Outcome<Go> {
    let bus = MemoryBus::new(MemorySettings::default());
    let room = RoomName::parse("instructions")?;
    let subscribed = bus.subscribe(&room, None).now_or_never();
    let mut subscription = subscribed.ok_or("the bus makes one wait")??;
    let said = message(Kind::Text);
    Ok(Box::new(move || {
        let published = bus.publish(&room, said.clone()).now_or_never();
        assert!(matches!(published, Some(Ok(_))));
        let heard = subscription.recv().now_or_never();
        assert!(matches!(heard, Some(Delivery::Message(_))));
    }))
}

fn publish_command() -> Outcome<Go> {
    let start = Instant::now();
    let token = AccessToken {
        user: UserId::random(),
        session: SessionId::random(),
        room: RoomName::parse("instructions")?,
        grant: Grant::ReadWrite,
        presence: false,
        expires_at: Timestamp::UNIX_EPOCH,
        claims: ExtraClaims::default(),
    };
    let end = End {
        at: start + Duration::from_secs(600),
        expires_at: Timestamp::UNIX_EPOCH,
    };
    let limits = SessionLimits {
        messages_per_second: 1_000_000,
        heartbeat_interval: Duration::from_secs(25),
        heartbeat_timeout: Duration::from_secs(8),
    };
    let mut session = RoomsV1::new(&token, end, limits, start);
    let data = "x".repeat(PAYLOAD);
    let text = format!(r#"{{"type":"publish","id":"1","room":"instructions","data":"{data}"}}"#);
    let text = Bytes::from(text);
    let mut seq = 0;
    Ok(Box::new(move || {
        let frame = Frame::Message {
            kind: Kind::Text,
            data: text.clone(),
        };
        let Action::Publish(publish) = session.on_frame(frame, start) else {
            panic!("nothing is to be said");
        };
        seq += 1;
        let position = Position {
            epoch: Epoch(1),
            seq,
        };
        let ack = session.published(publish.id, &publish.room, Some(Some(position)));
        assert!(matches!(black_box(ack), Action::Reply(_)));
    }))
}

fn verify_hs256() -> Outcome<Go> {
    let secret = tokens::secret();
    let ring = KeyRing::from_secret(&secret.clone().into())?;
    verify(&ring, tokens::mint(&secret, "instructions")?)
}

fn verify_ed25519() -> Outcome<Go> {
    let folder = tempfile::tempdir()?;
    let path = KeyRing::make_in_dir(folder.path(), Timestamp::now())?;
    let ring = KeyRing::from_dir(folder.path())?;
    let key = EncodingKey::from_ed_pem(&std::fs::read(path)?)?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some("at+jwt".to_owned());
    let published = ring.jwks().keys.first();
    header.kid = published.and_then(|key| key.common.key_id.clone());
    let token = jsonwebtoken::encode(&header, &tokens::claims("instructions")?, &key)?;
    verify(&ring, token)
}

fn verify(ring: &KeyRing, token: String) -> Outcome<Go> {
    let ended = Arc::new(EndedSessions::new(Duration::from_secs(600)));
    let keys = ring.verification().clone();
    let leeway = Duration::from_secs(5);
    let verifier = TokenVerifier::new(keys, "service", "service", leeway, ended);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Timestamp::from_second(i64::try_from(now.as_secs())?)?;
    Ok(Box::new(move || {
        let verified = verifier.verify(black_box(&token), now).now_or_never();
        assert!(matches!(verified, Some(Ok(_))));
    }))
}

fn refresh() -> Outcome<Go> {
    let ring = KeyRing::from_secret(&tokens::secret().into())?;
    let tokens = RefreshTokens::new(Arc::new(ring));
    let now = Timestamp::UNIX_EPOCH;
    let session = Session {
        id: SessionId::random(),
        user: UserId::random(),
        seed: Seed::new([7; 32]),
        counter: 1,
        user_agent: None,
        created_at: now,
        rotated_at: now,
        idle_expires_at: now,
        expires_at: now,
    };
    Ok(Box::new(move || {
        let token = tokens.current(black_box(&session)).ok();
        let token = token.and_then(|token| RefreshToken::parse(&token));
        let authentic = token.map(|token| tokens.is_authentic(&token, &session));
        assert!(matches!(authentic, Some(Ok(true))));
    }))
}
