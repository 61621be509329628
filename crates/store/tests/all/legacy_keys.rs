//! Legacy keys.

use claviger_model::ids::{AccountId, LegacyKeyId};
use claviger_model::legacy_keys::LegacyKey;
use claviger_store::testing::TestDatabase;
use claviger_store::{Db, StoreError, accounts, legacy_keys};

use crate::samples::{NOW, account, stored, wrote};

fn key(number: u64) -> LegacyKey {
    LegacyKey {
        id: LegacyKeyId(u128::from(number)),
        account_id: AccountId(1),
        stored: stored(number),
        created_by: "usr_a".into(),
        created_at: NOW,
        revoked_at: None,
        revoked_by: None,
        version: 1,
    }
}

async fn latest(db: &Db) -> Option<LegacyKey> {
    let mut reader = db.read().await.expect("a reader");
    let found = legacy_keys::latest(&mut reader, AccountId(1)).await;
    found.expect("it can be read")
}

async fn insert(db: &Db, key: LegacyKey) -> Result<(), StoreError> {
    let written = db.write(move |tx| {
        let key = key.clone();
        Box::pin(async move { legacy_keys::insert(tx, &key).await })
    });
    written.await.map(drop)
}

async fn revoke(db: &Db, key: LegacyKey, after_millis: i64) -> LegacyKey {
    let revoked = key.revoke(NOW.plus_millis(after_millis), "usr_b");
    let row = revoked.clone();
    wrote(db, move |tx| {
        let row = row.clone();
        Box::pin(async move { legacy_keys::update(tx, &row).await })
    })
    .await;
    revoked
}

#[tokio::test]
async fn the_live_key_is_the_latest_whatever_the_clocks_of_the_nodes_said() {
    for database in TestDatabase::all().await {
        let db = &database.db;
        wrote(db, |tx| {
            Box::pin(async move { accounts::insert(tx, &account(1)).await })
        })
        .await;
        assert_eq!(latest(db).await, None);
        // The later key has the smaller id: the clock of the node that made it was late.
        insert(db, key(9)).await.expect("the first");
        let taken = insert(db, key(3)).await;
        assert!(
            matches!(taken, Err(StoreError::Conflict { .. })),
            "{taken:?}"
        );
        let first = revoke(db, key(9), 5).await;
        assert_eq!(latest(db).await, Some(first));
        insert(db, key(3)).await.expect("the only live one");
        assert_eq!(latest(db).await, Some(key(3)));
        let second = revoke(db, key(3), 7).await;
        assert_eq!(latest(db).await, Some(second));
        database.close().await;
    }
}
