//! API keys and their secrets.

use claviger_model::ids::{AccountId, KeyId};
use claviger_model::keys::{ApiKey, KeyState};
use claviger_model::{Environment, UnixMillis};
use claviger_store::keys::{KeyFilter, KeyStatuses};
use claviger_store::testing::{TestDatabase, for_each_database};
use claviger_store::{Db, StoreError, keys};

use crate::samples::{NOW, key, run, with_accounts, with_keys, write, wrote};

const ACCOUNT: AccountId = AccountId(1);

async fn update(db: &Db, key: ApiKey) -> Result<(), StoreError> {
    let written = write(db, move |tx| {
        let key = key.clone();
        Box::pin(async move { keys::update(tx, &key).await })
    });
    written.await.map(|committed| committed.value)
}

#[tokio::test]
async fn a_key_comes_back_as_it_was_written() {
    for_each_database(|db| async move {
        with_keys(&db, 2).await;
        let mut reader = db.read().await.expect("a reader");
        let (first, secret) = key(1, ACCOUNT);
        assert_eq!(
            keys::get(&mut reader, None, first.id).await,
            Ok(Some(first.clone()))
        );
        let own = keys::get(&mut reader, Some(ACCOUNT), first.id).await;
        assert_eq!(own, Ok(Some(first.clone())));
        let foreign = keys::get(&mut reader, Some(AccountId(2)), first.id).await;
        assert_eq!(foreign, Ok(None));
        assert_eq!(keys::secrets(&mut reader, first.id).await, Ok(vec![secret]));

        let mut changed = first.clone().revoke(NOW, "usr_y");
        changed.settings.expires_at = Some(NOW);
        changed.settings.rate_limit = None;
        changed.settings.allowed_ips.clear();
        changed.settings.description = "Was \"theirs\"\n".into();
        assert_eq!(update(&db, changed.clone()).await, Ok(()));
        let found = keys::get(&mut reader, None, first.id).await;
        assert_eq!(found, Ok(Some(changed.clone())));
        let again = update(&db, changed).await;
        let constraint = "keys.row_version".to_owned();
        assert_eq!(again, Err(StoreError::Conflict { constraint }));
    })
    .await;
}

#[tokio::test]
async fn a_lookup_is_unique_and_an_account_has_to_exist() {
    for_each_database(|db| async move {
        with_keys(&db, 1).await;
        let conflict = |number, account, lookup_of| {
            write(&db, move |tx| {
                let (key, mut secret) = key(number, account);
                secret.stored.lookup = crate::samples::stored(lookup_of).lookup;
                Box::pin(async move { keys::insert(tx, &key, &secret).await })
            })
        };
        let of = |constraint: &str| StoreError::Conflict {
            constraint: constraint.to_owned(),
        };
        assert_eq!(conflict(2, ACCOUNT, 1).await, Err(of("key_secrets.lookup")));
        assert_eq!(conflict(1, ACCOUNT, 2).await, Err(of("keys.id")));
        assert_eq!(conflict(3, AccountId(9), 3).await, Err(of("foreign_key")));
    })
    .await;
}

#[tokio::test]
async fn pages_are_the_newest_first_and_filtered() {
    for_each_database(|db| async move {
        with_accounts(&db, 2).await;
        wrote(&db, |tx| {
            Box::pin(async move {
                for number in 1..=7 {
                    let (mut key, secret) = key(number, ACCOUNT);
                    match number {
                        2 => key.environment = Environment::Test,
                        3 => key.state = KeyState::Inactive { at: NOW },
                        4 => key.settings.expires_at = Some(NOW),
                        5 => key.settings.expires_at = Some(NOW.plus_millis(1)),
                        6 => key = key.revoke(NOW, "usr_y"),
                        // Two of the same millisecond.
                        7 => key.created_at = NOW.plus_millis(6),
                        _ => {}
                    }
                    keys::insert(tx, &key, &secret).await?;
                }
                let (key, secret) = key(8, AccountId(2));
                keys::insert(tx, &key, &secret).await
            })
        })
        .await;
        let page = async |filter: KeyFilter, after: Option<(UnixMillis, KeyId)>, limit| {
            let mut reader = db.read().await.expect("a reader");
            let page = keys::page(&mut reader, ACCOUNT, &filter, after, limit).await;
            page.expect("a page")
        };
        let numbers = |page: &[ApiKey]| page.iter().map(|key| key.id.0).collect::<Vec<_>>();
        let all = KeyFilter::default();
        assert_eq!(numbers(&page(all, None, 10).await), [7, 6, 5, 4, 3, 2, 1]);
        let first = page(all, None, 1).await;
        let after = Some((first[0].created_at, first[0].id));
        assert_eq!(numbers(&page(all, after, 3).await), [6, 5, 4]);
        let active = KeyFilter {
            statuses: KeyStatuses::ActiveAt(NOW),
            ..all
        };
        assert_eq!(numbers(&page(active, None, 10).await), [7, 5, 2, 1]);
        let test = KeyFilter {
            environment: Some(Environment::Test),
            ..active
        };
        assert_eq!(numbers(&page(test, None, 10).await), [2]);
    })
    .await;
}

#[tokio::test]
async fn the_index_loads_every_key_page_by_page_revoked_ones_too() {
    for_each_database(|db| async move {
        with_keys(&db, 10).await;
        let (revoked, _) = key(4, ACCOUNT);
        assert_eq!(update(&db, revoked.revoke(NOW, "usr_y")).await, Ok(()));
        let mut reader = db.read().await.expect("a reader");
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let page = keys::resident_page(&mut reader, after, 3).await;
            let (page, bad) = page.expect("a page");
            assert!(bad.is_empty());
            let Some((last, _)) = page.last() else { break };
            after = Some(last.id);
            for (key, secrets) in &page {
                assert_eq!(secrets.len(), 1);
                assert_eq!(secrets[0].key_id, key.id);
                seen.push(key.id.0);
            }
        }
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let ids = [KeyId(4), KeyId(5), KeyId(77)];
        let (mut found, bad) = keys::by_ids(&mut reader, &ids).await.expect("keys");
        found.sort_by_key(|(key, _)| key.id);
        assert!(bad.is_empty());
        let ids: Vec<u128> = found.iter().map(|(key, _)| key.id.0).collect();
        assert_eq!(ids, [4, 5]);
        assert!(matches!(found[0].0.state, KeyState::Revoked { .. }));
        assert!(found.iter().all(|(_, secrets)| secrets.len() == 1));
    })
    .await;
}

#[tokio::test]
async fn bad_rows_are_told_of_and_take_no_other_down() {
    for_each_database(|db| async move {
        with_keys(&db, 6).await;
        let widen = "UPDATE keys SET scopes = '[\"admin\"]' WHERE name IN ('Key 3', 'Key 4')";
        run(&db, widen).await;
        run(
            &db,
            "UPDATE keys SET environment = 'both' WHERE name = 'Key 6'",
        )
        .await;
        run(
            &db,
            "UPDATE key_secrets SET hint = 'aaaa' WHERE lookup = '0000000005'",
        )
        .await;
        let mut reader = db.read().await.expect("a reader");
        let mut after = None;
        let (mut seen, mut skipped) = (Vec::new(), Vec::new());
        loop {
            let page = keys::resident_page(&mut reader, after, 2).await;
            let (page, bad) = page.expect("a page");
            skipped.extend(bad.into_iter().map(|row| (row.table, row.why)));
            let Some((last, _)) = page.last() else { break };
            after = Some(last.id);
            seen.extend(page.iter().map(|(key, secrets)| (key.id.0, secrets.len())));
        }
        assert_eq!(seen, [(1, 1), (2, 1), (5, 0)]);
        let tables: Vec<&str> = skipped.iter().map(|(table, _)| *table).collect();
        assert_eq!(tables, ["keys", "keys", "key_secrets", "keys"]);
        let last = &skipped[3].1;
        assert!(
            last.ends_with("is damaged: column 3 cannot be read"),
            "{last}"
        );

        let widened = keys::get(&mut reader, None, KeyId(3)).await;
        let expected = StoreError::BrokenSeal {
            table: "keys",
            id: KeyId(3).to_string(),
        };
        assert_eq!(widened, Err(expected));
        let filter = KeyFilter::default();
        let page = keys::page(&mut reader, ACCOUNT, &filter, None, 2)
            .await
            .expect("a page");
        let ids: Vec<u128> = page.iter().map(|key| key.id.0).collect();
        assert_eq!(ids, [5, 2], "a page is filled up");
        let (found, bad) = keys::by_ids(&mut reader, &[KeyId(3), KeyId(1)])
            .await
            .expect("keys");
        assert_eq!((found.len(), bad.len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_text_that_is_none_takes_no_other_key_down() {
    let database = TestDatabase::sqlite().await;
    with_keys(&database.db, 3).await;
    let invalid = "UPDATE keys SET name = CAST(X'ff' AS TEXT) WHERE name = 'Key 2'";
    run(&database.db, invalid).await;
    let mut reader = database.db.read().await.expect("a reader");
    let page = keys::resident_page(&mut reader, None, 10).await;
    let (page, bad) = page.expect("a page");
    let ids: Vec<u128> = page.iter().map(|(key, _)| key.id.0).collect();
    assert_eq!(ids, [1, 3]);
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].id, KeyId(2).to_string());
    let mut secrets = keys::secrets_of(&mut reader, &[KeyId(2), KeyId(9)]).await;
    let found = secrets.as_mut().map(|found| found.remove(&KeyId(2)));
    assert_eq!(found, Ok(Some(vec![key(2, ACCOUNT).1])));
    drop(reader);
    database.close().await;
}

#[tokio::test]
async fn parts_of_many_keys_are_all_of_them_once() {
    for_each_database(|db| async move {
        with_keys(&db, 1_000).await;
        let mut reader = db.read().await.expect("a reader");
        let ends = keys::parts(&mut reader, 3).await.expect("parts");
        let numbers: Vec<u128> = ends.iter().map(|end| end.0).collect();
        assert_eq!(numbers, [334, 667]);
        let starts = [None].into_iter().chain(ends.iter().copied().map(Some));
        let mut seen = Vec::new();
        for (start, end) in starts.zip(ends.iter().copied().map(Some).chain([None])) {
            let mut after = start;
            loop {
                let page = keys::resident_range(&mut reader, after, end, 150).await;
                let (page, bad) = page.expect("a page");
                assert!(bad.is_empty());
                let Some((last, _)) = page.last() else { break };
                after = Some(last.id);
                seen.extend(page.iter().map(|(key, _)| key.id.0));
            }
        }
        assert!(seen.iter().copied().eq(1..=1_000));
    })
    .await;
}
