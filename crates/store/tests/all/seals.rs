//! Whoever can write the database, but lacks the master key, can neither make nor move a row.

use claviger_model::ids::{AccountId, KeyId};
use claviger_store::testing::for_each_database;
use claviger_store::{StoreError, keys, operators, users};

use crate::samples::{run, user, with_keys, with_users};

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
