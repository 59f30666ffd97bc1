//! Laws of the [`SessionStore`](crate::SessionStore): open, find, list, end, purge.

use std::{collections::BTreeSet, sync::Arc};

use tokio::spawn;

use super::{
    StoreUnderTest,
    samples::{IDLE, LIFE, enrolled, hash, opened, rotate, session, signed_in, time},
};
use crate::{
    HashSwap, NewSession, OpenOutcome, PasswordChange, Rotation, Seed, Session, SessionId,
    StoredHash, UserId, session::LIST_LIMIT,
};

/// A session of `user` that ends by idleness at `idle` and for good at `life`.
fn ending(user: UserId, idle: i64, life: i64) -> Session {
    Session {
        idle_expires_at: time(idle),
        expires_at: time(life),
        ..session(user)
    }
}

/// Opening is refused, and nothing was written.
async fn refused(store: &StoreUnderTest, user: UserId, verified: &StoredHash) {
    let new = NewSession {
        session: session(user),
        verified: verified.clone(),
    };
    let outcome = store.sessions.open(&new).await.unwrap();
    assert_eq!(outcome, OpenOutcome::AccountChanged);
    let found = store.sessions.find(new.session.id, time(1)).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(store.sessions.list(user, time(1)).await.unwrap(), []);
}

laws! {
    sessions => session_laws($), StoreUnderTest;

    /// What is found is what was opened, in every field.
    async fn a_found_session_equals_the_opened_one(store) {
        let ann = enrolled(&store, "ann").await;
        let plain = session(ann.id);
        let mut silent = session(ann.id);
        silent.user_agent = None;
        silent.seed = Seed::new([0; 32]);
        let mut widest = session(ann.id);
        widest.user_agent = Some("é".repeat(128));
        widest.seed = Seed::new([0xff; 32]);
        widest.created_at = time(-7);
        widest.rotated_at = time(-3);
        for session in [plain, silent, widest] {
            opened(&store, &ann, session.clone()).await;
            assert_eq!(store.sessions.find(session.id, time(1)).await.unwrap(), Some(session));
        }
    }

    /// A session that never was is not found.
    async fn an_absent_session_is_none(store) {
        assert_eq!(store.sessions.find(SessionId::random(), time(0)).await.unwrap(), None);
    }

    /// A sign-in can't slip past a password change.
    async fn opening_with_a_replaced_hash_is_refused(store) {
        let mut ann = enrolled(&store, "ann").await;
        let old = ann.hash.clone();
        let swap = store.credentials.replace_hash(ann.id, &old, &hash("new")).await.unwrap();
        assert_eq!(swap, HashSwap::Replaced);
        refused(&store, ann.id, &old).await;
        ann.hash = hash("new");
        signed_in(&store, &ann).await;
    }

    /// A disabled account opens no session.
    async fn opening_for_a_disabled_account_is_refused(store) {
        let ann = enrolled(&store, "ann").await;
        assert!(store.credentials.disable(ann.id, time(0)).await.unwrap().is_some());
        refused(&store, ann.id, &ann.hash).await;
    }

    /// An account that isn't there opens no session, whoever's hash is shown.
    async fn opening_for_nobody_is_refused(store) {
        let ann = enrolled(&store, "ann").await;
        refused(&store, UserId::random(), &ann.hash).await;
    }

    /// Whatever the order in which they arrive, no session outlives the
    /// disabling of its account.
    async fn disabling_beats_a_racing_sign_in(store) {
        for round in 0..30 {
            let ann = enrolled(&store, &format!("ann{round}")).await;
            let new = NewSession { session: session(ann.id), verified: ann.hash.clone() };
            let id = new.session.id;
            let sessions = Arc::clone(&store.sessions);
            let sign_in = spawn(async move { sessions.open(&new).await.unwrap() });
            let credentials = Arc::clone(&store.credentials);
            let disable = spawn(async move { credentials.disable(ann.id, time(0)).await.unwrap() });
            sign_in.await.unwrap();
            assert!(disable.await.unwrap().is_some());
            assert_eq!(store.sessions.find(id, time(1)).await.unwrap(), None);
        }
    }

    /// At the very instant of its idle expiry a session has ended.
    async fn idle_expiry_follows_now(store) {
        let ann = enrolled(&store, "ann").await;
        let session = opened(&store, &ann, ending(ann.id, 1000, 5000)).await;
        for now in [-1000, 0, 999] {
            let found = store.sessions.find(session.id, time(now)).await.unwrap();
            assert_eq!(found.as_ref(), Some(&session), "{now}");
        }
        for now in [1000, 1001, 5000] {
            assert_eq!(store.sessions.find(session.id, time(now)).await.unwrap(), None, "{now}");
        }
    }

    /// At the very instant of its expiry a session has ended, though it was
    /// refreshed the moment before.
    async fn absolute_expiry_follows_now(store) {
        let ann = enrolled(&store, "ann").await;
        let session = opened(&store, &ann, ending(ann.id, 1000, 1500)).await;
        let rotation = store.sessions.rotate(rotate(&session, 0, 999)).await.unwrap();
        assert!(matches!(rotation, Rotation::Rotated(_)));
        assert!(store.sessions.find(session.id, time(1499)).await.unwrap().is_some());
        assert_eq!(store.sessions.find(session.id, time(1500)).await.unwrap(), None);
    }

    /// The latest rotated comes first; what has ended and what is others' is
    /// not there.
    async fn a_list_has_the_live_sessions_latest_rotated_first(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        signed_in(&store, &bob).await;
        let mut expected = Vec::new();
        for rotated_at in [30, 10, 40, 20] {
            let session = Session { rotated_at: time(rotated_at), ..session(ann.id) };
            expected.push(opened(&store, &ann, session).await);
        }
        opened(&store, &ann, ending(ann.id, 100, LIFE)).await;
        opened(&store, &ann, ending(ann.id, 100, 100)).await;
        let revoked = signed_in(&store, &ann).await;
        assert!(store.sessions.revoke(ann.id, revoked.id, time(1)).await.unwrap());

        expected.sort_by_key(|session| std::cmp::Reverse(session.rotated_at));
        assert_eq!(store.sessions.list(ann.id, time(100)).await.unwrap(), expected);

        let Rotation::Rotated(oldest) =
            store.sessions.rotate(rotate(&expected[3], 0, 50)).await.unwrap()
        else {
            panic!("the session is live and its token current");
        };
        expected.pop();
        expected.insert(0, oldest);
        assert_eq!(store.sessions.list(ann.id, time(100)).await.unwrap(), expected);
        assert_eq!(store.sessions.list(UserId::random(), time(100)).await.unwrap(), []);
    }

    /// Of more sessions than the limit, the latest are listed.
    async fn a_list_is_bounded(store) {
        let ann = enrolled(&store, "ann").await;
        let mut ids = Vec::new();
        for i in 0..LIST_LIMIT + 3 {
            let rotated_at = time(i64::try_from(i).unwrap());
            let session = opened(&store, &ann, Session { rotated_at, ..session(ann.id) }).await;
            ids.insert(0, session.id);
        }
        let listed = store.sessions.list(ann.id, time(0)).await.unwrap();
        let listed: Vec<_> = listed.into_iter().map(|session| session.id).collect();
        assert_eq!(listed, ids[..LIST_LIMIT]);
    }

    /// A session is ended once, by its owner.
    async fn revoking_is_scoped_to_the_user(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let session = signed_in(&store, &ann).await;
        let other = signed_in(&store, &ann).await;
        assert!(!store.sessions.revoke(bob.id, session.id, time(1)).await.unwrap());
        assert_eq!(
            store.sessions.find(session.id, time(1)).await.unwrap().as_ref(),
            Some(&session)
        );
        assert!(!store.sessions.revoke(ann.id, SessionId::random(), time(1)).await.unwrap());
        assert!(store.sessions.revoke(ann.id, session.id, time(1)).await.unwrap());
        assert!(!store.sessions.revoke(ann.id, session.id, time(1)).await.unwrap());
        assert_eq!(store.sessions.find(session.id, time(1)).await.unwrap(), None);
        assert_eq!(store.sessions.find(other.id, time(1)).await.unwrap(), Some(other));
    }

    /// All sessions of the user end, nobody else's, and the ended are named.
    async fn revoking_all_returns_exactly_the_ended(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let theirs = signed_in(&store, &bob).await;
        let mut ids = BTreeSet::new();
        for _ in 0..5 {
            ids.insert(signed_in(&store, &ann).await.id);
        }
        // Another user's session is no exception.
        let ended = store.sessions.revoke_all(ann.id, Some(theirs.id), time(1)).await.unwrap();
        assert_eq!(ended.len(), 5);
        assert_eq!(ended.into_iter().collect::<BTreeSet<_>>(), ids);
        assert_eq!(store.sessions.list(ann.id, time(1)).await.unwrap(), []);
        assert_eq!(store.sessions.revoke_all(ann.id, None, time(1)).await.unwrap(), []);
        assert_eq!(store.sessions.find(theirs.id, time(1)).await.unwrap(), Some(theirs));
    }

    /// The exception stays as it was.
    async fn revoking_all_spares_the_exception(store) {
        let ann = enrolled(&store, "ann").await;
        let kept = signed_in(&store, &ann).await;
        let first = signed_in(&store, &ann).await.id;
        let second = signed_in(&store, &ann).await.id;
        let ended = store.sessions.revoke_all(ann.id, Some(kept.id), time(1)).await.unwrap();
        assert_eq!(ended.len(), 2);
        assert_eq!(
            ended.into_iter().collect::<BTreeSet<_>>(),
            BTreeSet::from([first, second])
        );
        assert_eq!(store.sessions.list(ann.id, time(1)).await.unwrap(), [kept]);
    }

    /// Whatever ends a session, `ended_since` names it, from the time of the
    /// call that ended it; what is live or ended by time alone is not there.
    async fn ended_sessions_are_named_by_when_they_ended(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let eve = enrolled(&store, "eve").await;
        assert_eq!(store.sessions.ended_since(time(0)).await.unwrap(), []);
        signed_in(&store, &ann).await;
        opened(&store, &ann, ending(ann.id, 1, 1)).await;

        let revoked = signed_in(&store, &ann).await.id;
        assert!(store.sessions.revoke(ann.id, revoked, time(10)).await.unwrap());
        let reused = signed_in(&store, &ann).await;
        let rotation = store.sessions.rotate(rotate(&reused, 7, 20)).await.unwrap();
        assert!(matches!(rotation, Rotation::Reused(_)));
        let all = signed_in(&store, &bob).await.id;
        assert_eq!(store.sessions.revoke_all(bob.id, None, time(30)).await.unwrap(), [all]);
        let (kept, other) = (signed_in(&store, &bob).await, signed_in(&store, &bob).await.id);
        let change = PasswordChange {
            user: bob.id,
            expected: bob.hash.clone(),
            new: hash("new"),
            keep: kept.id,
            now: time(40),
        };
        store.credentials.change_password(&change).await.unwrap();
        let disabled = signed_in(&store, &eve).await.id;
        store.credentials.disable(eve.id, time(50)).await.unwrap();

        let expected = [
            (revoked, 10), (reused.id, 20), (all, 30), (other, 40), (disabled, 50),
        ];
        for since in [0, 10, 11, 30, 50, 51] {
            let named = store.sessions.ended_since(time(since)).await.unwrap();
            let named: BTreeSet<_> = named.into_iter().map(|ended| (ended.session, ended.at)).collect();
            let wanted = expected.iter().filter(|(_, at)| *at >= since);
            assert_eq!(named, wanted.map(|(id, at)| (*id, time(*at))).collect(), "{since}");
        }
    }

    /// An ended session is remembered for as long as it is asked for, though
    /// its own time has come, and no longer.
    async fn a_purge_forgets_ended_sessions_by_when_they_ended(store) {
        let ann = enrolled(&store, "ann").await;
        for (ended, idle) in [(10, 20), (11, LIFE)] {
            let session = opened(&store, &ann, ending(ann.id, idle, LIFE)).await;
            assert!(store.sessions.revoke(ann.id, session.id, time(ended)).await.unwrap());
        }
        assert_eq!(store.sessions.purge(time(1000), time(9)).await.unwrap(), 0);
        assert_eq!(store.sessions.ended_since(time(0)).await.unwrap().len(), 2);
        assert_eq!(store.sessions.purge(time(1000), time(10)).await.unwrap(), 1);
        let left = store.sessions.ended_since(time(0)).await.unwrap();
        assert_eq!(left.iter().map(|ended| ended.at).collect::<Vec<_>>(), [time(11)]);
        assert_eq!(store.sessions.purge(time(0), time(11)).await.unwrap(), 1);
        assert_eq!(store.sessions.ended_since(time(0)).await.unwrap(), []);
    }

    /// A purge removes what ended by time at or before `now`, counts it, and
    /// touches nothing else.
    async fn a_purge_removes_exactly_the_expired(store) {
        let ann = enrolled(&store, "ann").await;
        let mut live = Vec::new();
        for (idle, life) in [(1000, 5000), (1000, 1000), (999, 5000), (998, 998)] {
            opened(&store, &ann, ending(ann.id, idle, life)).await;
        }
        for (idle, life) in [(1001, 1001), (1001, 5000), (IDLE, LIFE)] {
            live.push(opened(&store, &ann, ending(ann.id, idle, life)).await);
        }
        assert_eq!(store.sessions.purge(time(997), time(997)).await.unwrap(), 0);
        assert_eq!(store.sessions.purge(time(1000), time(1000)).await.unwrap(), 4);
        assert_eq!(store.sessions.purge(time(1000), time(1000)).await.unwrap(), 0);
        // Looked at from before they ended, so that a row that is left shows.
        let left = store.sessions.list(ann.id, time(0)).await.unwrap();
        let left: BTreeSet<_> = left.into_iter().map(|session| session.id).collect();
        assert_eq!(left, live.into_iter().map(|session| session.id).collect());
    }
}
