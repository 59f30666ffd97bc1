//! Laws of the [`SecondFactorStore`](crate::SecondFactorStore).

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::spawn;
use uuid::Uuid;

use super::{StoreUnderTest, samples::enrolled};
use crate::{FactorRecord, FactorSwap, UserId};

async fn added(store: &StoreUnderTest, user: UserId, data: &[u8]) -> FactorRecord {
    let record = FactorRecord::new(data.to_vec());
    let swap = store.second_factors.add_factor(user, &record).await;
    assert_eq!(swap.unwrap(), FactorSwap::Swapped);
    record
}

async fn kept(store: &StoreUnderTest, user: UserId) -> Option<FactorRecord> {
    store.second_factors.find_factor(user).await.unwrap()
}

laws! {
    second_factor => second_factor_laws($), StoreUnderTest;

    /// Each account has its own record, which comes back as it was kept, bytes
    /// of every kind and as many as it may have.
    async fn a_second_factor_comes_back_as_it_was_kept(store) {
        let (ann, bob) = (enrolled(&store, "ann").await, enrolled(&store, "bob").await);
        assert_eq!(kept(&store, ann.id).await, None);
        assert!(!store.second_factors.has_factors().await.unwrap());
        let all: Vec<u8> = (0..=255).cycle().take(FactorRecord::MAX_BYTES).collect();
        let first = added(&store, ann.id, &all).await;
        let second = added(&store, bob.id, &[]).await;
        assert_eq!(kept(&store, ann.id).await, Some(first));
        assert_eq!(kept(&store, bob.id).await, Some(second));
        assert!(store.second_factors.has_factors().await.unwrap());
    }

    /// A record that was replaced, removed or added meanwhile is not written
    /// over, not even by who knew the very same data.
    async fn what_was_read_before_another_write_replaces_no_second_factor(store) {
        let ann = enrolled(&store, "ann").await;
        let factors = &store.second_factors;
        let first = added(&store, ann.id, b"1").await;
        let swap = factors.add_factor(ann.id, &FactorRecord::new(b"2".to_vec())).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        assert_eq!(kept(&store, ann.id).await, Some(first.clone()));

        let second = FactorRecord::new(b"1".to_vec());
        let swap = factors.replace_factor(ann.id, first.version, &second).await;
        assert_eq!(swap.unwrap(), FactorSwap::Swapped);
        let third = FactorRecord::new(b"3".to_vec());
        let swap = factors.replace_factor(ann.id, first.version, &third).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        let swap = factors.remove_factor(ann.id, first.version).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        assert_eq!(kept(&store, ann.id).await, Some(second.clone()));

        let swap = factors.remove_factor(ann.id, second.version).await;
        assert_eq!(swap.unwrap(), FactorSwap::Swapped);
        assert_eq!(kept(&store, ann.id).await, None);
        let swap = factors.replace_factor(ann.id, second.version, &third).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        assert_eq!(kept(&store, ann.id).await, None);
    }

    /// Another account's version is none of this one's, and whoever has no
    /// account has no second factor.
    async fn second_factors_of_others_stay_as_they_are(store) {
        let (ann, bob) = (enrolled(&store, "ann").await, enrolled(&store, "bob").await);
        let factors = &store.second_factors;
        let anns = added(&store, ann.id, b"a").await;
        let bobs = added(&store, bob.id, b"b").await;
        let swap = factors.remove_factor(ann.id, bobs.version).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        let swap = factors.replace_factor(bob.id, anns.version, &FactorRecord::new(vec![1])).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        let nobody = UserId::random();
        let swap = factors.add_factor(nobody, &FactorRecord::new(vec![1])).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        let swap = factors.remove_factor(nobody, Uuid::new_v4()).await;
        assert_eq!(swap.unwrap(), FactorSwap::Changed);
        assert_eq!(kept(&store, nobody).await, None);
        assert_eq!(kept(&store, ann.id).await, Some(anns));
        assert_eq!(kept(&store, bob.id).await, Some(bobs));
    }

    /// Of those who read the same record at once, one writes: a code that is
    /// sent twice is right once.
    async fn of_concurrent_changes_of_a_second_factor_one_is_done(store) {
        let ann = enrolled(&store, "ann").await;
        let swaps = |first: Option<Uuid>| {
            let calls = (0..10).map(|number| {
                let factors = Arc::clone(&store.second_factors);
                let record = FactorRecord::new(vec![number]);
                spawn(async move {
                    match first {
                        None => factors.add_factor(ann.id, &record).await.unwrap(),
                        Some(first) => factors.replace_factor(ann.id, first, &record).await.unwrap(),
                    }
                })
            });
            join_all(calls.collect::<Vec<_>>())
        };
        let mut expected = None;
        for _ in 0..2 {
            let swapped = swaps(expected).await.into_iter();
            let swapped = swapped.filter(|swap| *swap.as_ref().unwrap() == FactorSwap::Swapped);
            assert_eq!(swapped.count(), 1);
            expected = kept(&store, ann.id).await.map(|record| record.version);
        }
    }
}
