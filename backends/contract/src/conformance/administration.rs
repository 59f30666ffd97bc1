//! Laws of the [`CredentialStore`](crate::CredentialStore): what operators do,
//! and lists.

use std::collections::BTreeSet;

use super::{
    StoreUnderTest,
    samples::{abandoned, enrolled, hash, session, signed_in, time},
};
use crate::{
    Account, AccountSummary, AccountsQuery, NewSession, OpenOutcome, SessionId, UserId, Username,
};

const MANY: u32 = 1000;

async fn found(store: &StoreUnderTest, account: &Account) -> Account {
    let found = store.credentials.find_by_id(account.id).await.unwrap();
    found.unwrap()
}

async fn opens(store: &StoreUnderTest, account: &Account) -> OpenOutcome {
    let new = NewSession {
        session: session(account.id),
        verified: account.hash.clone(),
    };
    store.sessions.open(&new).await.unwrap()
}

async fn disabled(store: &StoreUnderTest, account: &Account, offset: i64) {
    let disabled = store.credentials.disable(account.id, time(offset)).await;
    assert!(disabled.unwrap().is_some());
}

async fn listed(
    store: &StoreUnderTest,
    after: Option<&Username>,
    disabled: Option<bool>,
    limit: u32,
) -> Vec<AccountSummary> {
    let query = AccountsQuery {
        after: after.cloned(),
        disabled,
        limit,
    };
    store.credentials.accounts(&query).await.unwrap()
}

fn names(accounts: &[AccountSummary]) -> Vec<&str> {
    accounts
        .iter()
        .map(|account| account.username.as_str())
        .collect()
}

laws! {
    administration => administration_laws($), StoreUnderTest;

    /// An account that is enabled again is as it was: it may sign in, with the
    /// same password. Sessions that ended stay ended.
    async fn an_enabled_account_signs_in_again(store) {
        let ann = enrolled(&store, "ann").await;
        let before = signed_in(&store, &ann).await;
        disabled(&store, &ann, 5).await;
        assert_eq!(opens(&store, &ann).await, OpenOutcome::AccountChanged);
        assert!(store.credentials.enable(ann.id).await.unwrap());
        assert_eq!(found(&store, &ann).await, ann);
        assert_eq!(store.sessions.find(before.id, time(6)).await.unwrap(), None);
        assert_eq!(opens(&store, &ann).await, OpenOutcome::Opened);
    }

    /// Enabling what is not disabled changes nothing; nobody can't be enabled.
    async fn enabling_twice_changes_nothing(store) {
        let ann = enrolled(&store, "ann").await;
        let session = signed_in(&store, &ann).await;
        for _ in 0..2 {
            assert!(store.credentials.enable(ann.id).await.unwrap());
            assert_eq!(found(&store, &ann).await, ann);
        }
        assert!(store.sessions.find(session.id, time(1)).await.unwrap().is_some());
        assert!(!store.credentials.enable(UserId::random()).await.unwrap());
    }

    /// A password that is set replaces whatever was there, and ends all sessions
    /// of its user and nobody else's.
    async fn a_set_password_ends_all_sessions(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let bobs = signed_in(&store, &bob).await;
        let mut sessions = BTreeSet::new();
        for _ in 0..3 {
            sessions.insert(signed_in(&store, &ann).await.id);
        }
        let ended = store.credentials.set_password(ann.id, &hash("new"), time(5)).await.unwrap();
        assert_eq!(ended.unwrap().into_iter().collect::<BTreeSet<SessionId>>(), sessions);
        assert_eq!(found(&store, &ann).await.hash, hash("new"));
        assert_eq!(store.sessions.list(ann.id, time(6)).await.unwrap(), []);
        let told = store.sessions.ended_since(time(5)).await.unwrap();
        assert_eq!(told.len(), 3);
        assert!(store.sessions.find(bobs.id, time(6)).await.unwrap().is_some());
        assert_eq!(found(&store, &bob).await, bob);
        // Who verified the old one is too late.
        assert_eq!(opens(&store, &ann).await, OpenOutcome::AccountChanged);
        assert_eq!(opens(&store, &found(&store, &ann).await).await, OpenOutcome::Opened);
    }

    /// Nobody has no password, and who is disabled stays so with another one.
    async fn a_set_password_enables_nobody(store) {
        let nobody = store.credentials.set_password(UserId::random(), &hash("new"), time(5)).await;
        assert_eq!(nobody.unwrap(), None);
        let ann = enrolled(&store, "ann").await;
        disabled(&store, &ann, 5).await;
        let ended = store.credentials.set_password(ann.id, &hash("new"), time(6)).await;
        assert_eq!(ended.unwrap(), Some(vec![]));
        let ann = found(&store, &ann).await;
        assert_eq!(ann.disabled_at, Some(time(5)));
        assert_eq!(opens(&store, &ann).await, OpenOutcome::AccountChanged);
    }

    /// The list has everybody once, in the order of their names, whatever the
    /// size of its pages, and says of each what is so.
    async fn pages_list_every_account_once(store) {
        let mut expected = Vec::new();
        for i in 0..23 {
            let account = enrolled(&store, &format!("user{:02}", (i * 7) % 23)).await;
            if i % 5 == 0 {
                disabled(&store, &account, i).await;
            }
            expected.push(AccountSummary {
                id: account.id,
                username: account.username,
                created_at: account.created_at,
                disabled_at: (i % 5 == 0).then(|| time(i)),
            });
        }
        expected.sort_by(|a, b| a.username.as_str().cmp(b.username.as_str()));
        assert_eq!(listed(&store, None, None, MANY).await, expected);
        for limit in [1, 4, 23] {
            let mut told: Vec<AccountSummary> = Vec::new();
            loop {
                let after = told.last().map(|account| account.username.clone());
                let page = listed(&store, after.as_ref(), None, limit).await;
                assert!(page.len() <= usize::try_from(limit).unwrap());
                if page.is_empty() {
                    break;
                }
                told.extend(page);
            }
            assert_eq!(told, expected, "{limit}");
        }
        // A name that nobody has is a place in the list, too.
        let between = Username::parse("user03-").unwrap();
        let after = listed(&store, Some(&between), None, 1).await;
        assert_eq!(names(&after), ["user04"]);
    }

    /// Of two halves of the list, everybody is in one.
    async fn a_list_of_the_disabled_has_them_alone(store) {
        for name in ["ann", "bob", "cid", "dan"] {
            let account = enrolled(&store, name).await;
            if name < "c" {
                disabled(&store, &account, 1).await;
            }
        }
        assert_eq!(names(&listed(&store, None, Some(true), MANY).await), ["ann", "bob"]);
        assert_eq!(names(&listed(&store, None, Some(false), MANY).await), ["cid", "dan"]);
        let ann = Username::parse("ann").unwrap();
        assert_eq!(names(&listed(&store, Some(&ann), Some(true), MANY).await), ["bob"]);
        assert_eq!(names(&listed(&store, None, Some(false), 1).await), ["cid"]);
    }

    /// A password that is being set when its caller goes away is set, with the
    /// sessions ended, or not at all.
    async fn a_dropped_call_sets_the_password_or_does_not(store) {
        let ann = enrolled(&store, "ann").await;
        for turns in 0..60 {
            let before = found(&store, &ann).await;
            let session = signed_in(&store, &before).await;
            let new = hash(&format!("hash {turns}"));
            let set = store.credentials.set_password(ann.id, &new, time(5));
            abandoned(set, turns).await;
            // In its turn: what is under way comes before.
            assert!(store.credentials.enable(ann.id).await.unwrap());
            let after = found(&store, &ann).await;
            let live = store.sessions.find(session.id, time(6)).await.unwrap();
            assert_eq!(after.hash == new, live.is_none(), "{turns}");
        }
    }
}
