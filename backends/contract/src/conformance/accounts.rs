//! Laws of the [`CredentialStore`](crate::CredentialStore).

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use tokio::spawn;

use super::{
    StoreUnderTest,
    samples::{abandoned, account, enrolled, hash, signed_in, time},
};
use crate::{
    Account, ChangeOutcome, Connections, CreateOutcome, HashSwap, PasswordChange, Session,
    StoreError, StoredHash, UserId, Username,
};

/// `asking` changes the password, so that its hash is `new`.
fn change(account: &Account, asking: &Session) -> PasswordChange {
    PasswordChange {
        user: account.id,
        expected: account.hash.clone(),
        new: hash("new"),
        keep: asking.id,
        now: time(5),
    }
}

laws! {
    accounts => account_laws($), StoreUnderTest;

    /// The store answers that it can serve.
    async fn a_store_that_serves_answers_a_ping(store) {
        store.credentials.ping().await.unwrap();
    }

    /// However many calls there are, there are no more connections than there
    /// may be, and when the calls are over none is in use.
    async fn connections_stay_within_their_bound(store) {
        let calls: Vec<_> = (0..40).map(|_| {
            let credentials = Arc::clone(&store.credentials);
            spawn(async move {
                credentials.ping().await.unwrap();
                credentials.connections()
            })
        }).collect();
        for call in join_all(calls).await {
            let seen = call.unwrap();
            assert!(seen.max >= 1 && seen.used + seen.idle <= seen.max, "{seen:?}");
        }
        // What was used is given back a moment after its call.
        let given_back = async {
            while store.credentials.connections().used > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), given_back).await.unwrap();
        assert!(store.credentials.connections().idle >= 1);
    }

    /// What is under way when a store closes is done or refused, and nothing
    /// is done afterwards, by whichever handle.
    async fn a_closed_store_is_unavailable(store) {
        let calls: Vec<_> = (0..20).map(|i| {
            let credentials = Arc::clone(&store.credentials);
            spawn(async move { credentials.create(&account(&format!("ann{i}"))).await })
        }).collect();
        // They begin.
        tokio::task::yield_now().await;
        tokio::join!(store.credentials.close(), store.credentials.close());
        for call in join_all(calls).await {
            let answer = call.unwrap();
            let said = matches!(answer, Ok(CreateOutcome::Created) | Err(StoreError::Unavailable(_)));
            assert!(said, "{answer:?}");
        }
        let pinged = store.credentials.ping().await;
        assert!(matches!(pinged, Err(StoreError::Unavailable(_))), "{pinged:?}");
        let found = store.sessions.list(account("ann").id, time(1)).await;
        assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
        let Connections { used, idle, .. } = store.credentials.connections();
        assert_eq!((used, idle), (0, 0));
    }

    /// Of concurrent calls with one name, exactly one is `Created`, and its
    /// account is the one found.
    async fn concurrent_create_has_one_winner(store) {
        let calls = (0..20).map(|_| {
            let (credentials, account) = (Arc::clone(&store.credentials), account("ann"));
            spawn(async move {
                let outcome = credentials.create(&account).await.unwrap();
                (outcome, account)
            })
        });
        let mut winners: Vec<Account> = Vec::new();
        for call in join_all(calls.collect::<Vec<_>>()).await {
            if let (CreateOutcome::Created, account) = call.unwrap() {
                winners.push(account);
            }
        }
        assert_eq!(winners.len(), 1);
        let found = store.credentials.find_by_name(&winners[0].username).await.unwrap();
        assert_eq!(found.as_ref(), winners.first());
    }

    /// `Ann`, `ann` and full-width `ａｎｎ` are one account.
    async fn there_is_one_case_rule_for_names(store) {
        let ann = enrolled(&store, "Ann").await;
        for typed in ["ann", "ANN", "ａｎｎ"] {
            let name = Username::parse(typed).unwrap();
            let found = store.credentials.find_by_name(&name).await.unwrap();
            assert_eq!(found.as_ref(), Some(&ann), "{typed}");
            let again = store.credentials.create(&account(typed)).await.unwrap();
            assert_eq!(again, CreateOutcome::NameTaken, "{typed}");
        }
    }

    /// A refused creation changes nothing.
    async fn a_taken_name_keeps_its_account(store) {
        let first = enrolled(&store, "ann").await;
        let mut second = account("ann");
        second.hash = hash("second");
        assert_eq!(store.credentials.create(&second).await.unwrap(), CreateOutcome::NameTaken);
        assert_eq!(store.credentials.find_by_id(second.id).await.unwrap(), None);
        assert_eq!(store.credentials.find_by_id(first.id).await.unwrap(), Some(first));
    }

    /// What is found is what was created, in every field.
    async fn a_found_account_equals_the_created_one(store) {
        let mut plain = account("ann");
        plain.created_at = time(-1);
        let mut widest = account(&"李".repeat(Username::MAX_CHARS));
        widest.hash = hash(&format!("${}", "x".repeat(StoredHash::MAX_BYTES - 1)));
        let mut disabled = account("анна-2@пример");
        disabled.disabled_at = Some(time(77));
        for account in [plain, widest, disabled] {
            assert_eq!(store.credentials.create(&account).await.unwrap(), CreateOutcome::Created);
            let by_name = store.credentials.find_by_name(&account.username).await.unwrap();
            let by_id = store.credentials.find_by_id(account.id).await.unwrap();
            assert_eq!(by_name.as_ref(), Some(&account));
            assert_eq!(by_id, Some(account));
        }
    }

    /// Nobody is found by a name or an id that no account has, however similar.
    async fn an_absent_account_is_none(store) {
        enrolled(&store, "ann").await;
        for typed in ["an", "anna", "a_n", "ann%", "'ann'"] {
            let name = Username::parse(typed).unwrap();
            assert_eq!(store.credentials.find_by_name(&name).await.unwrap(), None, "{typed}");
        }
        assert_eq!(store.credentials.find_by_id(UserId::random()).await.unwrap(), None);
    }

    /// A replaced hash is found, and nothing else of the account has changed.
    async fn a_hash_swap_changes_the_hash_alone(store) {
        let mut ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let new = hash(&"n".repeat(StoredHash::MAX_BYTES));
        let swap = store.credentials.replace_hash(ann.id, &ann.hash, &new).await.unwrap();
        assert_eq!(swap, HashSwap::Replaced);
        ann.hash = new;
        assert_eq!(store.credentials.find_by_id(ann.id).await.unwrap(), Some(ann));
        assert_eq!(store.credentials.find_by_id(bob.id).await.unwrap(), Some(bob));
    }

    /// Of concurrent swaps that expect one hash, exactly one is `Replaced`.
    async fn a_hash_swap_loses_against_a_concurrent_change(store) {
        let ann = enrolled(&store, "ann").await;
        let calls = (0..20).map(|i| {
            let (credentials, ann) = (Arc::clone(&store.credentials), ann.clone());
            spawn(async move {
                let new = hash(&format!("$new${i}"));
                let swap = credentials.replace_hash(ann.id, &ann.hash, &new).await.unwrap();
                (swap, new)
            })
        });
        let mut winners = Vec::new();
        for call in join_all(calls.collect::<Vec<_>>()).await {
            if let (HashSwap::Replaced, new) = call.unwrap() {
                winners.push(new);
            }
        }
        assert_eq!(winners.len(), 1);
        let found = store.credentials.find_by_id(ann.id).await.unwrap().unwrap();
        assert_eq!(Some(&found.hash), winners.first());
    }

    /// A swap that expects any other hash, or an account that isn't there, is
    /// `Changed` and changes nothing. Hashes compare byte for byte.
    async fn a_hash_swap_with_another_expectation_changes_nothing(store) {
        let ann = enrolled(&store, "ann").await;
        let stored = ann.hash.as_str();
        let others = [
            String::new(),
            stored.to_uppercase(),
            format!("{stored} "),
            stored[..stored.len() - 1].to_owned(),
        ];
        for other in others {
            let swap = store.credentials.replace_hash(ann.id, &hash(&other), &hash("new")).await;
            assert_eq!(swap.unwrap(), HashSwap::Changed, "{other:?}");
        }
        let nobody = UserId::random();
        let swap = store.credentials.replace_hash(nobody, &ann.hash, &hash("new")).await;
        assert_eq!(swap.unwrap(), HashSwap::Changed);
        assert_eq!(store.credentials.find_by_id(ann.id).await.unwrap(), Some(ann));
    }

    /// A changed password ends the user's other sessions, names them, and
    /// touches nobody else's.
    async fn changing_the_password_ends_the_other_sessions(store) {
        let mut ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let kept = signed_in(&store, &ann).await;
        let others = [signed_in(&store, &ann).await.id, signed_in(&store, &ann).await.id];
        let theirs = signed_in(&store, &bob).await;

        let outcome = store.credentials.change_password(&change(&ann, &kept)).await.unwrap();
        let ChangeOutcome::Changed(ended) = outcome else {
            panic!("the hash was the expected one");
        };
        assert_eq!(ended.len(), 2);
        assert_eq!(BTreeSet::from_iter(ended), BTreeSet::from(others));
        ann.hash = hash("new");
        assert_eq!(store.sessions.list(ann.id, time(1)).await.unwrap(), [kept]);
        assert_eq!(store.credentials.find_by_id(ann.id).await.unwrap(), Some(ann));
        assert_eq!(store.sessions.find(theirs.id, time(1)).await.unwrap(), Some(theirs));
        assert_eq!(store.credentials.find_by_id(bob.id).await.unwrap(), Some(bob));
    }

    /// With another hash than the stored one nothing changes and nobody is
    /// signed out.
    async fn changing_a_password_that_was_changed_changes_nothing(store) {
        let ann = enrolled(&store, "ann").await;
        let sessions = [signed_in(&store, &ann).await, signed_in(&store, &ann).await];
        let mut other = change(&ann, &sessions[0]);
        other.expected = hash("another");
        let mut nobody = change(&ann, &sessions[0]);
        nobody.user = UserId::random();
        for refused in [other, nobody] {
            let outcome = store.credentials.change_password(&refused).await.unwrap();
            assert_eq!(outcome, ChangeOutcome::Conflict);
        }
        for session in sessions {
            assert_eq!(store.sessions.find(session.id, time(1)).await.unwrap(), Some(session));
        }
        assert_eq!(store.credentials.find_by_id(ann.id).await.unwrap(), Some(ann));
    }

    /// Of concurrent changes that know one password, exactly one succeeds; the
    /// session that asked for it is the one that is left.
    async fn concurrent_password_changes_have_one_winner(store) {
        let ann = enrolled(&store, "ann").await;
        let mut sessions = Vec::new();
        for _ in 0..8 {
            sessions.push(signed_in(&store, &ann).await);
        }
        let mut calls = Vec::new();
        for asking in sessions {
            let (credentials, change) = (Arc::clone(&store.credentials), change(&ann, &asking));
            calls.push(spawn(async move {
                (credentials.change_password(&change).await.unwrap(), asking)
            }));
        }
        let mut winners = Vec::new();
        for call in calls {
            if let (ChangeOutcome::Changed(_), asking) = call.await.unwrap() {
                winners.push(asking);
            }
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(store.sessions.list(ann.id, time(1)).await.unwrap(), winners);
    }

    /// Disabling keeps the row and its first time, ends the account's sessions
    /// and nobody else's.
    async fn disabling_ends_all_sessions_and_keeps_the_first_time(store) {
        let mut ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let theirs = [signed_in(&store, &ann).await, signed_in(&store, &ann).await];
        let other = signed_in(&store, &bob).await;

        let ended = store.credentials.disable(ann.id, time(5)).await.unwrap().unwrap();
        assert_eq!(
            BTreeSet::from_iter(ended),
            theirs.iter().map(|session| session.id).collect::<BTreeSet<_>>()
        );
        assert_eq!(store.credentials.disable(ann.id, time(9)).await.unwrap(), Some(Vec::new()));

        ann.disabled_at = Some(time(5));
        let by_name = store.credentials.find_by_name(&ann.username).await.unwrap();
        assert_eq!(by_name.as_ref(), Some(&ann));
        for session in theirs {
            assert_eq!(store.sessions.find(session.id, time(1)).await.unwrap(), None);
        }
        assert_eq!(store.sessions.list(ann.id, time(1)).await.unwrap(), []);
        assert_eq!(store.sessions.find(other.id, time(1)).await.unwrap(), Some(other));
        assert_eq!(store.credentials.find_by_id(bob.id).await.unwrap(), Some(bob));
    }

    /// There is nobody to disable.
    async fn disabling_nobody_is_false(store) {
        assert_eq!(store.credentials.disable(UserId::random(), time(5)).await.unwrap(), None);
    }

    /// The name of a disabled account stays taken.
    async fn a_disabled_name_stays_taken(store) {
        let ann = enrolled(&store, "ann").await;
        assert!(store.credentials.disable(ann.id, time(5)).await.unwrap().is_some());
        let again = store.credentials.create(&account("ann")).await.unwrap();
        assert_eq!(again, CreateOutcome::NameTaken);
    }

    /// A call that is dropped half-way leaves the old state or the new, and a
    /// store that still works.
    async fn a_dropped_call_leaves_the_old_accounts_or_the_new(store) {
        for turns in 0..60 {
            let new = account(&format!("user{turns}"));
            abandoned(store.credentials.create(&new), turns).await;
            let found = store.credentials.find_by_id(new.id).await.unwrap();
            assert!(found.is_none_or(|found| found == new));

            let mut ann = enrolled(&store, &format!("ann{turns}")).await;
            let session = signed_in(&store, &ann).await;
            abandoned(store.credentials.disable(ann.id, time(5)), turns).await;
            // What was begun may still be on its way; a write waits for it.
            store.credentials.disable(UserId::random(), time(5)).await.unwrap();
            let found = store.credentials.find_by_id(ann.id).await.unwrap().unwrap();
            let left = store.sessions.find(session.id, time(1)).await.unwrap();
            if found.disabled_at.is_some() {
                ann.disabled_at = Some(time(5));
                assert_eq!(left, None);
            } else {
                assert_eq!(left, Some(session));
            }
            assert_eq!(found, ann);
        }
    }
}
