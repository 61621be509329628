//! Recent decisions.

use claviger_model::ids::{AccountId, RequestId};
use claviger_store::Db;
use claviger_store::decisions::{self, DecisionFilter, StoredDecision};
use claviger_store::testing::TestDatabase;

use crate::samples::{NOW, wrote};

fn decision(number: u128) -> StoredDecision {
    let is_even = number.is_multiple_of(2);
    StoredDecision {
        request_id: RequestId(number),
        at: NOW.plus_millis(i64::try_from(number / 2).expect("small")),
        allowed: is_even,
        reason: if is_even { "allowed" } else { "expired" }.into(),
        account_id: is_even.then_some(AccountId(1)),
        credential_id: is_even.then(|| "key_a".into()),
        ip: (number > 4).then(|| "203.0.113.9".into()),
        body: "{\"a\":\"\u{1F511}\"}".into(),
    }
}

async fn insert(db: &Db, range: std::ops::RangeInclusive<u128>) {
    wrote(db, move |tx| {
        let decisions: Vec<_> = range.clone().map(decision).collect();
        Box::pin(async move { decisions::insert_many(tx, &decisions).await })
    })
    .await;
}

#[tokio::test]
async fn decisions_are_inserted_once_and_purged_by_age() {
    for database in TestDatabase::all().await {
        let db = &database.usage;
        insert(db, 1..=6).await;
        insert(db, 6..=8).await;
        let mut reader = db.read().await.expect("a reader");
        let found = decisions::by_request_id(&mut reader, RequestId(3)).await;
        assert_eq!(found, Ok(Some(decision(3))));
        let found = decisions::by_request_id(&mut reader, RequestId(9)).await;
        assert_eq!(found, Ok(None));
        drop(reader);
        let purge = |limit| {
            let before = decision(6).at;
            wrote(db, move |tx| {
                Box::pin(decisions::purge_before(tx, before, limit))
            })
        };
        let purged = (purge(2).await, purge(9).await, purge(9).await);
        assert_eq!(purged, (2, 3, 0));
        database.close().await;
    }
}

#[tokio::test]
async fn decisions_are_found_by_what_they_are_about() {
    for database in TestDatabase::all().await {
        let db = &database.usage;
        insert(db, 1..=8).await;
        let page = async |filter: DecisionFilter, before, limit| {
            let mut reader = db.read().await.expect("a reader");
            let page = decisions::page(&mut reader, &filter, before, limit).await;
            let page = page.expect("a page");
            page.iter()
                .map(|found| found.request_id.0)
                .collect::<Vec<_>>()
        };
        let all = DecisionFilter::default;
        assert_eq!(page(all(), None, 10).await, [8, 7, 6, 5, 4, 3, 2, 1]);
        let before = Some((decision(5).at, RequestId(5)));
        assert_eq!(page(all(), before, 2).await, [4, 3]);
        let account_id = Some(AccountId(1));
        assert_eq!(
            page(
                DecisionFilter {
                    account_id,
                    ..all()
                },
                None,
                2
            )
            .await,
            [8, 6]
        );
        let credential_id = Some("key_a".to_owned());
        let own = DecisionFilter {
            credential_id,
            ..all()
        };
        assert_eq!(page(own, before, 10).await, [4, 2]);
        let allowed = Some(false);
        assert_eq!(
            page(DecisionFilter { allowed, ..all() }, None, 2).await,
            [7, 5]
        );
        let ip = Some("203.0.113.9".to_owned());
        assert_eq!(
            page(DecisionFilter { ip, ..all() }, None, 10).await,
            [8, 7, 6, 5]
        );
        let (from, to) = (Some(decision(2).at), Some(decision(6).at));
        assert_eq!(
            page(DecisionFilter { from, to, ..all() }, None, 10).await,
            [5, 4, 3, 2]
        );
        database.close().await;
    }
}

/// A refusal in a test environment for lack of two scopes, or one in a live one.
fn refusal(number: u128, credential: Option<&str>) -> StoredDecision {
    let body = if number.is_multiple_of(2) {
        r#"{"environment":"test","api":"https://api.acme.test","missing_scopes":["a","b"]}"#
    } else {
        r#"{"environment":"live","api":null}"#
    };
    StoredDecision {
        allowed: false,
        reason: if number.is_multiple_of(2) {
            "insufficient_scope"
        } else {
            "expired"
        }
        .into(),
        account_id: credential.map(|_| AccountId(1)),
        credential_id: credential.map(Into::into),
        body: body.into(),
        ..decision(number)
    }
}

#[tokio::test]
async fn credentials_are_found_by_parts_of_their_names() {
    for database in TestDatabase::all().await {
        let db = &database.usage;
        insert(db, 1..=2).await;
        let rows = [
            (10, "key_a", "Nightly Export"),
            (11, "key_b", "nightly"),
            (12, "key_c", "x"),
        ];
        let rows = rows.map(|(number, id, name)| StoredDecision {
            body: format!(r#"{{"credential":{{"id":"{id}","name":"{name}"}}}}"#),
            ..refusal(number, Some(id))
        });
        wrote(db, move |tx| {
            let rows = rows.clone();
            Box::pin(async move { decisions::insert_many(tx, &rows).await })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        let mut named = async |account, text| {
            let found = decisions::named(&mut reader, account, text, 10).await;
            let found = found.expect("names").into_iter();
            found.map(|(id, _)| id).collect::<Vec<_>>()
        };
        let own = Some(AccountId(1));
        let mut found = named(own, "NIGHTLY").await;
        found.sort();
        assert_eq!(found, ["key_a", "key_b"]);
        assert_eq!(named(None, "export").await, ["key_a"]);
        assert_eq!(named(Some(AccountId(2)), "export").await, [""; 0]);
        assert_eq!(named(own, "%").await, [""; 0]);
        drop(reader);
        database.close().await;
    }
}
