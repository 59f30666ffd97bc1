//! Laws of the [`LegacyAccounts`](crate::LegacyAccounts).

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::spawn;

use super::{LegacyUnderTest, samples::account};
use crate::{DropSalt, LegacyCount, LegacyDigest, LegacyRow, LegacyTable, StoreError, TakeOver};

/// Names as an application may have them.
fn table() -> LegacyTable {
    LegacyTable {
        table: "Old \"users\"".to_owned(),
        key: "no".to_owned(),
        username: "Login Name".to_owned(),
        digest: "pw".to_owned(),
        salt: Some("order".to_owned()),
        recipe: Some("scheme".to_owned()),
    }
}

/// Rows 9, 10 and 11: of numbers, not of texts, 9 is the first.
async fn with_rows(store: &LegacyUnderTest) -> LegacyTable {
    (store.sql)(
        r#"CREATE TABLE "Old ""users""" (
            no integer PRIMARY KEY, "Login Name" varchar(100), pw varchar(64), "order" varchar(10),
            scheme integer, extra text DEFAULT 'kept'
        );
        INSERT INTO "Old ""users""" (no, "Login Name", pw, "order", scheme) VALUES
            (10, 'bob', 'b0b', 'pepper', 2), (9, 'Ann', 'a44', 's''lt', 1), (11, NULL, NULL, NULL, NULL);"#,
    )
    .await;
    table()
}

fn row(key: &str, name: &str, digest: &str, salt: &str, recipe: &str) -> LegacyRow {
    LegacyRow {
        key: key.to_owned(),
        username: Some(name.to_owned()),
        digest: Some(LegacyDigest::new(digest.to_owned())),
        salt: Some(salt.to_owned()),
        recipe: Some(recipe.to_owned()),
    }
}

async fn left(store: &LegacyUnderTest, table: &LegacyTable) -> Vec<LegacyRow> {
    store.legacy.legacy_rows(table, None, 100).await.unwrap()
}

fn count(left: u64, taken: u64, set_aside: u64) -> LegacyCount {
    LegacyCount {
        left,
        taken,
        set_aside,
    }
}

laws! {
    legacy => legacy_laws($), LegacyUnderTest;

    /// Rows come as they are, in the order of their keys, page by page.
    async fn legacy_rows_come_in_the_order_of_their_keys(store) {
        let table = with_rows(&store).await;
        let rows = left(&store, &table).await;
        let nobody = LegacyRow {
            key: "11".to_owned(),
            username: None,
            digest: None,
            salt: None,
            recipe: None,
        };
        let ann = row("9", "Ann", "a44", "s'lt", "1");
        let bob = row("10", "bob", "b0b", "pepper", "2");
        assert!(rows == [ann, bob, nobody], "{rows:?}");

        let mut after = None;
        for expected in &rows {
            let page = store.legacy.legacy_rows(&table, after, 1).await.unwrap();
            assert!(page == [expected.clone()], "{page:?}");
            after = Some(expected.key.as_str());
        }
        assert!(store.legacy.legacy_rows(&table, after, 1).await.unwrap().is_empty());
        assert_eq!(store.legacy.legacy_count(&table).await.unwrap(), count(3, 0, 0));
    }

    /// With the account, digest and salt are gone from the row, which is not
    /// left any more; the rest of it stays.
    async fn a_row_that_is_taken_over_is_an_account(store) {
        let table = with_rows(&store).await;
        let rows = left(&store, &table).await;
        let ann = account("ann");
        let taken = store.legacy.take_over(&table, &rows[0], &ann).await.unwrap();
        assert_eq!(taken, TakeOver::Taken);
        let found = store.credentials.find_by_name(&ann.username).await.unwrap();
        assert_eq!(found, Some(ann));
        assert!(left(&store, &table).await == rows[1..]);
        assert_eq!(store.legacy.legacy_count(&table).await.unwrap(), count(2, 1, 0));
        // Only what was wiped is gone.
        let untouched = LegacyTable {
            digest: "extra".to_owned(),
            ..table.clone()
        };
        let rest = left(&store, &untouched).await;
        assert!(rest[0] == row("9", "Ann", "kept", "", "1"), "{rest:?}");
    }

    /// Of any number of concurrent calls for a row, one takes it over.
    async fn a_row_is_taken_over_once(store) {
        let table = with_rows(&store).await;
        let rows = left(&store, &table).await;
        let calls = (0..10).map(|_| {
            let (legacy, table, row) = (Arc::clone(&store.legacy), table.clone(), rows[0].clone());
            spawn(async move { legacy.take_over(&table, &row, &account("ann")).await.unwrap() })
        });
        let outcomes = join_all(calls.collect::<Vec<_>>()).await;
        let taken = outcomes.iter().filter(|o| matches!(o, Ok(TakeOver::Taken))).count();
        let changed = outcomes.iter().filter(|o| matches!(o, Ok(TakeOver::Changed))).count();
        assert_eq!((taken, changed), (1, 9));
    }

    /// A row that was written to since it was read is not taken over.
    async fn a_row_that_changed_is_left(store) {
        let table = with_rows(&store).await;
        let rows = left(&store, &table).await;
        (store.sql)(r#"UPDATE "Old ""users""" SET pw = 'new' WHERE no = 9"#).await;
        (store.sql)(r#"UPDATE "Old ""users""" SET "order" = NULL WHERE no = 10"#).await;
        for row in &rows[..2] {
            let taken = store.legacy.take_over(&table, row, &account("ann")).await.unwrap();
            assert_eq!(taken, TakeOver::Changed);
            let set_aside = store.legacy.set_aside(&table, row, None).await.unwrap();
            assert_eq!(set_aside, TakeOver::Changed);
        }
        let nobody = store.credentials.find_by_name(&account("ann").username).await.unwrap();
        assert_eq!(nobody, None);
        assert_eq!(store.legacy.legacy_count(&table).await.unwrap(), count(3, 0, 0));
    }

    /// An account that is there stays as it is, and so does the row.
    async fn a_name_that_is_taken_is_not_taken_over(store) {
        let table = with_rows(&store).await;
        let ann = account("ann");
        store.credentials.create(&ann).await.unwrap();
        let rows = left(&store, &table).await;
        for outcome in [
            store.legacy.take_over(&table, &rows[0], &account("ann")).await,
            store.legacy.set_aside(&table, &rows[0], Some(&account("ann"))).await,
        ] {
            assert_eq!(outcome.unwrap(), TakeOver::NameTaken);
        }
        assert!(left(&store, &table).await == rows);
        let found = store.credentials.find_by_name(&ann.username).await.unwrap();
        assert_eq!(found, Some(ann));
    }

    /// A row that is set aside is wiped, with or without an account that keeps
    /// its name; also one that has nothing at all.
    async fn rows_are_set_aside(store) {
        let table = with_rows(&store).await;
        let rows = left(&store, &table).await;
        let keeper = account("ann");
        for (row, keeper) in rows.iter().zip([Some(&keeper), None, None]) {
            let outcome = store.legacy.set_aside(&table, row, keeper).await.unwrap();
            assert_eq!(outcome, TakeOver::Taken);
        }
        assert!(left(&store, &table).await.is_empty());
        assert_eq!(store.legacy.legacy_count(&table).await.unwrap(), count(0, 0, 3));
        let found = store.credentials.find_by_name(&keeper.username).await.unwrap();
        assert_eq!(found, Some(keeper));
    }

    /// The salt's column goes when no row is left, and not before.
    async fn salts_are_dropped_with_the_last_row(store) {
        let table = with_rows(&store).await;
        let rows = left(&store, &table).await;
        for (i, row) in rows.iter().enumerate() {
            let dropped = store.legacy.drop_salt(&table).await.unwrap();
            assert_eq!(dropped, DropSalt::Left(3 - i as u64));
            store.legacy.set_aside(&table, row, None).await.unwrap();
        }
        assert_eq!(store.legacy.drop_salt(&table).await.unwrap(), DropSalt::Dropped);
        let gone = store.legacy.legacy_rows(&table, None, 1).await;
        assert!(matches!(gone, Err(StoreError::Failed(_))), "{gone:?}");
        let table = LegacyTable { salt: None, ..table };
        assert_eq!(store.legacy.legacy_count(&table).await.unwrap(), count(0, 0, 3));
        assert_eq!(store.legacy.drop_salt(&table).await.unwrap(), DropSalt::Dropped);
    }

    /// A table that isn't there is an error which names it.
    async fn no_such_table_is_an_error(store) {
        let failed = store.legacy.legacy_count(&table()).await;
        let Err(StoreError::Failed(cause)) = failed else {
            panic!("{failed:?}");
        };
        let words = format!("{cause} {:?}", cause.source());
        assert!(words.contains("users"), "{words}");
    }
}
