//! Laws of the [`AuditLog`](crate::AuditLog).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    StoreUnderTest,
    samples::{abandoned, enrolled, room, time},
};
use crate::{
    Actor, AuditEvent, AuditOutcome, AuditQuery, AuditReason, AuditRecord, Role, SessionId, UserId,
};

const MANY: u32 = 1000;

/// Something that happened, `offset` milliseconds after the sample accounts
/// were made.
fn happened(event: AuditEvent, offset: i64) -> AuditRecord {
    AuditRecord::new(event, time(offset))
}

async fn recorded(store: &StoreUnderTest, records: &[AuditRecord]) {
    store.audit.record(records).await.unwrap();
}

async fn found(store: &StoreUnderTest, query: &AuditQuery) -> Vec<AuditRecord> {
    let entries = store.audit.audit(query).await.unwrap();
    entries.into_iter().map(|entry| entry.record).collect()
}

async fn all(store: &StoreUnderTest) -> Vec<AuditRecord> {
    found(store, &AuditQuery::latest(MANY)).await
}

/// The order of the list.
fn latest_first(mut records: Vec<AuditRecord>) -> Vec<AuditRecord> {
    records.sort_by_key(|record| std::cmp::Reverse((record.at, record.id)));
    records
}

laws! {
    audit => audit_laws($), StoreUnderTest;

    /// What was recorded is read as it was, whatever of it is there, and whether
    /// or not those whom it names have accounts.
    async fn a_record_is_read_as_it_was_written(store) {
        let ann = enrolled(&store, "ann").await;
        let full = AuditRecord {
            outcome: AuditOutcome::Failure,
            reason: Some(AuditReason::WrongPassword),
            actor: Actor::User(ann.id),
            user: Some(UserId::random()),
            session: Some(SessionId::random()),
            room: Some(room()),
            role: Some(Role::Owner),
            key: Some("k".repeat(AuditRecord::MAX_TEXT_BYTES)),
            count: Some(u64::from(u32::MAX) + 1),
            address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            request_id: Some("r-1".to_owned()),
            ..happened(AuditEvent::Login, 1)
        };
        let by_operator = AuditRecord {
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            ..happened(AuditEvent::AccountDisabled, 2)
        }
        .by(Actor::Operator("rööt".to_owned()))
        .to(ann.id);
        let bare = happened(AuditEvent::KeyMade, 3);
        let later_version = AuditRecord {
            reason: Some(AuditReason::parse("moon_phase")),
            ..happened(AuditEvent::parse("eclipse"), 4)
        };
        let records = [full, by_operator, bare, later_version];
        recorded(&store, &records).await;
        assert_eq!(all(&store).await, latest_first(records.to_vec()));
        recorded(&store, &[]).await;
        assert_eq!(all(&store).await.len(), 4);
    }

    /// Of whoever has an account, the name is told; of nobody else.
    async fn names_are_those_of_accounts(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        recorded(&store, &[
            happened(AuditEvent::MembershipChange, 3).by(Actor::User(ann.id)).to(bob.id),
            happened(AuditEvent::Login, 2).by(Actor::User(ann.id)).to(ann.id),
            happened(AuditEvent::AccountAdded, 1).by(Actor::Operator("ann".to_owned())).to(UserId::random()),
        ])
        .await;
        let entries = store.audit.audit(&AuditQuery::latest(MANY)).await.unwrap();
        let names: Vec<_> = entries
            .iter()
            .map(|entry| (entry.actor_name.as_ref(), entry.username.as_ref()))
            .collect();
        let (ann, bob) = (Some(&ann.username), Some(&bob.username));
        assert_eq!(names, [(ann, bob), (ann, ann), (None, None)]);
    }

    /// A filter shows what it asks for, all of it and nothing else: both bounds
    /// of time are as they say, and of a user what they did and what was done to
    /// them.
    async fn a_filter_shows_what_it_asks_for(store) {
        let (ann, bob) = (UserId::random(), UserId::random());
        let refused = |offset| happened(AuditEvent::Login, offset).refused(AuditReason::Disabled);
        let records = [
            happened(AuditEvent::Login, 10).by(Actor::User(ann)).to(ann),
            refused(20).to(bob),
            happened(AuditEvent::MembershipChange, 30).by(Actor::User(ann)).to(bob),
            happened(AuditEvent::RoomDeleted, 40).by(Actor::User(ann)).room(room()),
            happened(AuditEvent::AccountDisabled, 50).by(Actor::Operator("root".to_owned())).to(ann),
            refused(60),
        ];
        recorded(&store, &records).await;
        let offsets = async |query: AuditQuery| -> Vec<i64> {
            let found = found(&store, &query).await;
            found.iter().map(|record| record.at.as_millisecond() - time(0).as_millisecond()).collect()
        };
        let latest = || AuditQuery::latest(MANY);
        let of_ann = || AuditQuery { user: Some(ann), ..latest() };
        assert_eq!(offsets(of_ann()).await, [50, 40, 30, 10]);
        assert_eq!(offsets(AuditQuery { user: Some(bob), ..latest() }).await, [30, 20]);
        assert_eq!(offsets(AuditQuery { user: Some(UserId::random()), ..latest() }).await, [0; 0]);
        assert_eq!(offsets(AuditQuery { event: Some(AuditEvent::Login), ..latest() }).await, [60, 20, 10]);
        let failures = AuditQuery { outcome: Some(AuditOutcome::Failure), ..latest() };
        assert_eq!(offsets(failures).await, [60, 20]);
        let between = AuditQuery { since: Some(time(20)), until: Some(time(50)), ..latest() };
        assert_eq!(offsets(between).await, [40, 30, 20]);
        let of_ann_between = AuditQuery { since: Some(time(30)), until: Some(time(50)), ..of_ann() };
        assert_eq!(offsets(of_ann_between).await, [40, 30]);
        assert_eq!(offsets(AuditQuery { limit: 2, ..of_ann() }).await, [50, 40]);
    }

    /// Page by page, everything is told once and in order, also of one
    /// millisecond and also while more is recorded.
    async fn pages_tell_everything_once(store) {
        let records: Vec<_> = (0..25).map(|i| happened(AuditEvent::Login, i / 7)).collect();
        recorded(&store, &records).await;
        let mut told = Vec::new();
        loop {
            let query = AuditQuery {
                after: told.last().map(|record: &AuditRecord| (record.at, record.id)),
                ..AuditQuery::latest(4)
            };
            let page = found(&store, &query).await;
            recorded(&store, &[happened(AuditEvent::Logout, 100)]).await;
            if page.is_empty() {
                break;
            }
            told.extend(page);
        }
        assert_eq!(told, latest_first(records));
    }

    /// What is recorded twice is there once, as it was first.
    async fn a_repeated_write_changes_nothing(store) {
        let first = happened(AuditEvent::Login, 1).count(1);
        recorded(&store, std::slice::from_ref(&first)).await;
        let other = happened(AuditEvent::Logout, 1);
        recorded(&store, &[AuditRecord { count: Some(2), ..first.clone() }, other.clone()]).await;
        assert_eq!(all(&store).await, latest_first(vec![first, other]));
    }

    /// A purge removes what happened at or before its time, counts it, and
    /// touches nothing else.
    async fn a_purge_removes_exactly_the_old_records(store) {
        let records: Vec<_> = (0..2500).map(|i| happened(AuditEvent::Login, i / 500)).collect();
        recorded(&store, &records).await;
        let purge = async |offset| store.audit.purge_audit(time(offset)).await.unwrap();
        assert_eq!(purge(-1).await, 0);
        assert_eq!(purge(3).await, 2000);
        assert_eq!(purge(3).await, 0);
        assert_eq!(all(&store).await, latest_first(records[2000..].to_vec()));
    }

    /// A write that is dropped half-way has written all of its records or none,
    /// and can be repeated.
    async fn a_dropped_write_is_whole_or_nothing(store) {
        for turns in 0..60 {
            let records: Vec<_> = (0..3).map(|_| happened(AuditEvent::Login, turns)).collect();
            abandoned(store.audit.record(&records), usize::try_from(turns).unwrap()).await;
            let there = async || {
                let since = AuditQuery { since: Some(time(turns)), ..AuditQuery::latest(MANY) };
                found(&store, &since).await.len()
            };
            assert!([0, 3].contains(&there().await), "{turns}");
            recorded(&store, &records).await;
            assert_eq!(there().await, 3, "{turns}");
        }
    }
}
