//! What may be used once.

use claviger_model::UnixMillis;
use claviger_store::testing::for_each_database;
use claviger_store::{Db, spent_identifiers};

use crate::samples::{NOW, wrote};

async fn spend(db: Db, id: &'static str, expires_at: UnixMillis) -> bool {
    wrote(&db, move |tx| {
        Box::pin(spent_identifiers::spend(tx, id, expires_at))
    })
    .await
}

#[tokio::test]
async fn of_many_uses_at_once_exactly_one_is_the_first() {
    for_each_database(|db| async move {
        let uses: Vec<_> = (0..64)
            .map(|_| tokio::spawn(spend(db.clone(), "one", NOW)))
            .collect();
        let mut first = 0;
        for used in uses {
            first += u32::from(used.await.expect("no panic"));
        }
        assert_eq!(first, 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    for_each_database(|db| async move {
        assert!(spend(db.clone(), "old", NOW.plus_millis(-1)).await);
        assert!(spend(db.clone(), "new", NOW).await);
        let forgotten = wrote(&db, |tx| {
            Box::pin(spent_identifiers::delete_before(tx, NOW, 10))
        });
        assert_eq!(forgotten.await, 1);
        assert!(spend(db.clone(), "old", NOW).await);
        assert!(!spend(db.clone(), "new", NOW).await);
    })
    .await;
}
