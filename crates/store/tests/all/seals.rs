//! Whoever can write the database, but lacks the master key, can neither make nor move a row.

use claviger_model::ids::{AccountId, KeyId};
use claviger_store::testing::for_each_database;
use claviger_store::{StoreError, keys, operators, users};

use crate::samples::{key, run, user, with_keys, with_users, wrote};

#[tokio::test]
async fn a_seal_does_not_move_to_another_row() {
    for_each_database(|db| async move {
        with_keys(&db, 2).await;
        let copy = "UPDATE keys SET seal = (SELECT k.seal FROM keys k WHERE k.name = 'Key 2')
             WHERE name = 'Key 1'";
        run(&db, copy).await;
        let mut reader = db.read().await.expect("a reader");
        let moved = keys::get(&mut reader, Some(AccountId(1)), KeyId(1)).await;
        assert!(
            matches!(moved, Err(StoreError::BrokenSeal { table: "keys", .. })),
            "{moved:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_invented_operator_is_refused() {
    for_each_database(|db| async move {
        with_users(&db, 1).await;
        let invent = "INSERT INTO operators (user_id, created_at, row_version, seal)
             SELECT id, created_at, row_version, seal FROM users";
        run(&db, invent).await;
        let mut reader = db.read().await.expect("a reader");
        let invented = operators::get(&mut reader, user(1).id).await;
        assert!(
            matches!(invented, Err(StoreError::BrokenSeal { .. })),
            "{invented:?}"
        );
        assert_eq!(operators::list(&mut reader).await, Ok(vec![]));
        run(&db, "UPDATE users SET password_hash = 'x'").await;
        let taken_over = users::by_email(&mut reader, &user(1).email).await;
        assert!(
            matches!(taken_over, Err(StoreError::BrokenSeal { .. })),
            "{taken_over:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_ceiling_is_not_taken_away_in_the_database() {
    for_each_database(|db| async move {
        with_keys(&db, 1).await;
        let (mut limited, _) = key(1, AccountId(1));
        limited.rate_ceiling = limited.settings.rate_limit;
        limited.version = 2;
        let row = limited.clone();
        wrote(&db, move |tx| {
            let row = row.clone();
            Box::pin(async move { keys::update(tx, &row).await })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        let found = keys::get(&mut reader, Some(AccountId(1)), KeyId(1)).await;
        assert_eq!(found, Ok(Some(limited)));
        let lift = "UPDATE keys SET rate_ceiling = NULL, rate_ceiling_window_seconds = NULL";
        run(&db, lift).await;
        let lifted = keys::get(&mut reader, Some(AccountId(1)), KeyId(1)).await;
        assert!(
            matches!(lifted, Err(StoreError::BrokenSeal { table: "keys", .. })),
            "{lifted:?}"
        );
    })
    .await;
}
