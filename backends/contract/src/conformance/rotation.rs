//! Laws of [`SessionStore::rotate`](crate::SessionStore::rotate).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::spawn;

use super::{
    StoreUnderTest,
    samples::{
        GRACE, IDLE, LIFE, abandoned, enrolled, millis, opened, rotate, session, signed_in, time,
    },
};
use crate::{Rotate, Rotation, Session, SessionId};

/// Rotates with the current token, and expects the row that comes of it.
async fn moved_on(store: &StoreUnderTest, row: &Session, offset: i64) -> Session {
    let expected = Session {
        counter: row.counter + 1,
        rotated_at: time(offset),
        idle_expires_at: time(offset + IDLE).min(row.expires_at),
        ..row.clone()
    };
    let rotation = store
        .sessions
        .rotate(rotate(row, row.counter, offset))
        .await;
    assert_eq!(rotation.unwrap(), Rotation::Rotated(expected.clone()));
    expected
}

/// That request is reuse of `row`, and ends the session.
async fn reused(store: &StoreUnderTest, row: &Session, request: Rotate) {
    let rotation = store.sessions.rotate(request).await.unwrap();
    assert_eq!(rotation, Rotation::Reused(row.clone()));
    ended(store, row).await;
}

/// The session has ended, and no token brings it back.
async fn ended(store: &StoreUnderTest, row: &Session) {
    assert_eq!(store.sessions.find(row.id, time(0)).await.unwrap(), None);
    for presented in 0..=row.counter + 1 {
        let rotation = store.sessions.rotate(rotate(row, presented, 1)).await;
        assert_eq!(rotation.unwrap(), Rotation::Ended);
    }
    assert_eq!(store.sessions.find(row.id, time(0)).await.unwrap(), None);
}

/// What 50 concurrent calls with that request come to.
async fn all_at_once(store: &StoreUnderTest, request: Rotate) -> Vec<Rotation> {
    let calls = (0..50).map(|_| {
        let sessions = Arc::clone(&store.sessions);
        spawn(async move { sessions.rotate(request).await.unwrap() })
    });
    let done = join_all(calls.collect::<Vec<_>>()).await;
    done.into_iter().map(|call| call.unwrap()).collect()
}

laws! {
    rotation => rotation_laws($), StoreUnderTest;

    /// Each token, in turn, moves the row on by one and changes nothing else.
    async fn a_chain_of_rotations_counts_up(store) {
        let ann = enrolled(&store, "ann").await;
        let untouched = signed_in(&store, &ann).await;
        let mut row = signed_in(&store, &ann).await;
        for step in 1..=20 {
            row = moved_on(&store, &row, step * 60_000).await;
            let found = store.sessions.find(row.id, time(step * 60_000)).await.unwrap();
            assert_eq!(found.as_ref(), Some(&row));
        }
        assert_eq!(row.counter, 20);
        assert_eq!(store.sessions.find(untouched.id, time(0)).await.unwrap(), Some(untouched));
    }

    /// Of concurrent calls with one token, one changes the row and all get the
    /// same child.
    async fn concurrent_identical_rotations_make_one_change(store) {
        let ann = enrolled(&store, "ann").await;
        let session = signed_in(&store, &ann).await;
        let (mut rotated, mut repeated) = (Vec::new(), Vec::new());
        for rotation in all_at_once(&store, rotate(&session, 0, 7)).await {
            match rotation {
                Rotation::Rotated(row) => rotated.push(row),
                Rotation::Repeated(row) => repeated.push(row),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((rotated.len(), repeated.len()), (1, 49));
        assert!(repeated.iter().all(|row| *row == rotated[0]));
        assert_eq!(rotated[0].counter, 1);
        assert_eq!(store.sessions.find(session.id, time(7)).await.unwrap(), rotated.pop());
    }

    /// Without a grace, of concurrent calls with one token one wins, the next
    /// is reuse, and the session is ended for the rest.
    async fn concurrent_identical_rotations_without_grace_end_the_session(store) {
        let ann = enrolled(&store, "ann").await;
        let session = signed_in(&store, &ann).await;
        let request = Rotate { grace: Duration::ZERO, ..rotate(&session, 0, 7) };
        let (mut rotated, mut reused) = (Vec::new(), Vec::new());
        for rotation in all_at_once(&store, request).await {
            match rotation {
                Rotation::Rotated(row) => rotated.push(row),
                Rotation::Reused(row) => reused.push(row),
                Rotation::Ended => {}
                Rotation::Repeated(row) => panic!("repeated without a grace: {row:?}"),
            }
        }
        assert_eq!(rotated.len(), 1);
        assert_eq!(reused, rotated);
        ended(&store, &rotated[0]).await;
    }

    /// Within the grace the previous token gets the row as it is, unchanged,
    /// as often as it comes; also from a node whose clock is behind.
    async fn a_repeat_within_the_grace_gets_the_same_row(store) {
        let ann = enrolled(&store, "ann").await;
        let first = moved_on(&store, &signed_in(&store, &ann).await, 1000).await;
        for now in [1000, 1001, 900, 999 + GRACE] {
            let rotation = store.sessions.rotate(rotate(&first, 0, now)).await.unwrap();
            assert_eq!(rotation, Rotation::Repeated(first.clone()), "{now}");
            let found = store.sessions.find(first.id, time(now)).await.unwrap();
            assert_eq!(found.as_ref(), Some(&first), "{now}");
        }
        // The grace is counted from each rotation anew.
        let second = moved_on(&store, &first, 1000 + GRACE).await;
        let rotation = store.sessions.rotate(rotate(&second, 1, 1001 + GRACE)).await.unwrap();
        assert_eq!(rotation, Rotation::Repeated(second));
    }

    /// From the very instant at which the grace is over, the previous token is
    /// reuse and ends the session.
    async fn a_repeat_after_the_grace_is_reuse(store) {
        let ann = enrolled(&store, "ann").await;
        for late in [0, 1, 3_600_000] {
            let row = moved_on(&store, &signed_in(&store, &ann).await, 1000).await;
            reused(&store, &row, rotate(&row, 0, 1000 + GRACE + late)).await;
        }
    }

    /// A grace of zero means never, whatever the clocks say.
    async fn without_grace_every_repeat_is_reuse(store) {
        let ann = enrolled(&store, "ann").await;
        for now in [1000, 1001, 999] {
            let row = moved_on(&store, &signed_in(&store, &ann).await, 1000).await;
            let request = Rotate { grace: Duration::ZERO, ..rotate(&row, 0, now) };
            reused(&store, &row, request).await;
        }
    }

    /// A token older than the previous one is reuse, also within the grace,
    /// and ends that session alone.
    async fn reuse_of_a_grandparent_ends_the_session(store) {
        let ann = enrolled(&store, "ann").await;
        let other = signed_in(&store, &ann).await;
        let first = moved_on(&store, &signed_in(&store, &ann).await, 1000).await;
        let second = moved_on(&store, &first, 1001).await;
        reused(&store, &second, rotate(&second, 0, 1002)).await;
        assert_eq!(store.sessions.list(ann.id, time(0)).await.unwrap(), [other]);
    }

    /// A token that isn't given out yet is reuse.
    async fn a_token_from_the_future_ends_the_session(store) {
        let ann = enrolled(&store, "ann").await;
        for ahead in [1, 2, u32::MAX - 1] {
            let row = moved_on(&store, &signed_in(&store, &ann).await, 1000).await;
            reused(&store, &row, rotate(&row, row.counter + ahead, 1001)).await;
        }
        let fresh = signed_in(&store, &ann).await;
        reused(&store, &fresh, rotate(&fresh, u32::MAX, 1)).await;
    }

    /// Each rotation gives the session its whole idle time again, but never
    /// more than its life.
    async fn idle_expiry_moves_but_never_past_the_expiry(store) {
        let ann = enrolled(&store, "ann").await;
        let mut row = signed_in(&store, &ann).await;
        for now in (0..LIFE).step_by(usize::try_from(IDLE - 1).unwrap()) {
            row = moved_on(&store, &row, now).await;
            assert!(row.idle_expires_at <= row.expires_at);
        }
        assert_eq!(row.idle_expires_at, time(LIFE));

        let row = signed_in(&store, &ann).await;
        let request = Rotate { idle_ttl: Duration::MAX, ..rotate(&row, 0, 1) };
        let Rotation::Rotated(row) = store.sessions.rotate(request).await.unwrap() else {
            panic!("the session is live and its token current");
        };
        assert_eq!(row.idle_expires_at, row.expires_at);

        let request = Rotate { idle_ttl: millis(5), ..rotate(&row, 1, 1) };
        let Rotation::Rotated(row) = store.sessions.rotate(request).await.unwrap() else {
            panic!("the session is live and its token current");
        };
        assert_eq!(row.idle_expires_at, time(6));
    }

    /// An expired session is `Ended` for every token, from the very instant of
    /// its expiry, and is not brought back.
    async fn an_expired_session_does_not_rotate(store) {
        let ann = enrolled(&store, "ann").await;
        for life in [1000, 5000] {
            let row = Session {
                idle_expires_at: time(1000),
                expires_at: time(life),
                ..session(ann.id)
            };
            let row = opened(&store, &ann, row).await;
            for (presented, now) in [(0, 1000), (0, 1001), (1, 1000), (7, 1000)] {
                let rotation = store.sessions.rotate(rotate(&row, presented, now)).await.unwrap();
                assert_eq!(rotation, Rotation::Ended, "{presented} at {now}");
            }
            assert_eq!(store.sessions.find(row.id, time(1000)).await.unwrap(), None);
        }
    }

    /// A session that never was, or was ended, is `Ended`.
    async fn an_absent_session_does_not_rotate(store) {
        let ann = enrolled(&store, "ann").await;
        let never = Session { id: SessionId::random(), ..session(ann.id) };
        ended(&store, &never).await;
        let revoked = signed_in(&store, &ann).await;
        assert!(store.sessions.revoke(ann.id, revoked.id, time(1)).await.unwrap());
        ended(&store, &revoked).await;
    }

    /// Whatever the order in which they arrive, a session that was logged out
    /// is not there afterwards.
    async fn logout_beats_a_racing_refresh(store) {
        let ann = enrolled(&store, "ann").await;
        for round in 0..40 {
            let row = signed_in(&store, &ann).await;
            let refreshes: Vec<_> = (0..3)
                .map(|_| {
                    let (sessions, request) = (Arc::clone(&store.sessions), rotate(&row, 0, 1));
                    spawn(async move { sessions.rotate(request).await.unwrap() })
                })
                .collect();
            let sessions = Arc::clone(&store.sessions);
            let logout = spawn(async move {
                if round % 2 == 0 {
                    sessions.revoke(ann.id, row.id, time(1)).await.unwrap()
                } else {
                    sessions.revoke_all(ann.id, None, time(1)).await.unwrap() == [row.id]
                }
            });
            for refresh in refreshes {
                let rotation = refresh.await.unwrap();
                assert!(!matches!(rotation, Rotation::Reused(_)), "{rotation:?}");
            }
            assert!(logout.await.unwrap());
            ended(&store, &row).await;
        }
    }

    /// A call that is dropped half-way leaves the old row or the new, and a
    /// store that still works.
    async fn a_dropped_rotation_leaves_the_old_row_or_the_new(store) {
        let ann = enrolled(&store, "ann").await;
        let mut row = signed_in(&store, &ann).await;
        for turns in 0..120 {
            let request = rotate(&row, row.counter, turns);
            abandoned(store.sessions.rotate(request), usize::try_from(turns).unwrap()).await;
            // What was begun may still be on its way; a write waits for it.
            let again = store.sessions.rotate(request).await.unwrap();
            let (Rotation::Rotated(now) | Rotation::Repeated(now)) = again else {
                panic!("{again:?}");
            };
            assert_eq!(now.counter, row.counter + 1);
            assert_eq!(now.rotated_at, time(turns));
            row = now;
        }
    }
}
