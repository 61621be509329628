//! Transactions: group commit, roll-back, epochs, faults.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use claviger_model::audit::{Action, ChainVerifier};
use claviger_model::ids::{AccountId, KeyId};
use claviger_store::testing::{TestDatabase, for_each_database};
use claviger_store::{Committed, Db, StoreError, audit, keys, ledger, settings};

use crate::samples::{event, key, key_change, run, with_accounts, with_keys, write, wrote};

/// How many may read at once.
const READERS: usize = 8;

/// What a caller's own error looks like.
#[derive(Debug, PartialEq)]
enum Refused {
    Odd,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Writes key `number`, its change and its event; refuses odd ones after the work is done.
async fn write_key(db: Db, number: u64, refuse_odd: bool) -> Result<Committed<u64>, Refused> {
    db.write(move |tx| {
        Box::pin(async move {
            let (key, secret) = key(number, AccountId(1));
            keys::insert(tx, &key, &secret).await?;
            tx.change(key_change(key.id));
            tx.audit(event(
                number.into(),
                Action::KeyCreated,
                &key.id.to_string(),
            ));
            tx.outbox(
                "key.created",
                Some(AccountId(1)),
                serde_json::json!({"n": number}),
            );
            if refuse_odd && number % 2 == 1 {
                return Err(Refused::Odd);
            }
            Ok(number)
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_writes_keep_the_chain_and_failing_ones_are_undone_alone() {
    for_each_database(|db| async move {
        with_accounts(&db, 1).await;
        let writes = (1..=64).map(|number| tokio::spawn(write_key(db.clone(), number, true)));
        let mut epochs = BTreeSet::new();
        for (number, task) in (1..=64_u64).zip(writes.collect::<Vec<_>>()) {
            match task.await.expect("no panic") {
                Ok(committed) => {
                    assert_eq!((committed.value, number % 2), (number, 0));
                    epochs.insert(committed.epoch.expect("it recorded a change"));
                }
                Err(error) => assert_eq!((error, number % 2), (Refused::Odd, 1)),
            }
        }
        let mut reader = db.read().await.expect("a reader");
        let last = *epochs.last().expect("epochs");
        assert_eq!(ledger::epoch(&mut reader).await, Ok(last));
        if db.is_sqlite() {
            assert!(epochs.len() < 32, "writes share commits: {epochs:?}");
        } else {
            assert_eq!(epochs.len(), 32, "each has its own epoch");
        }
        let changes = ledger::changes_since(&mut reader, 0)
            .await
            .expect("changes");
        let named: BTreeSet<_> = changes
            .iter()
            .map(|(_, change)| change.id.clone())
            .collect();
        let even = (1..=32_u128).map(|half| KeyId(2 * half));
        assert_eq!(named, even.clone().map(|id| id.to_string()).collect());
        let (loaded, bad) = keys::resident_page(&mut reader, None, 100)
            .await
            .expect("keys");
        assert!(bad.is_empty());
        let ids: Vec<KeyId> = loaded.iter().map(|(key, _)| key.id).collect();
        assert_eq!(ids, even.collect::<Vec<_>>());

        let mut verifier = ChainVerifier::default();
        for event in audit::chain_page(&mut reader, 0, 100)
            .await
            .expect("events")
        {
            verifier.follow(&event).expect("the chain holds");
        }
        assert_eq!(verifier.head().0, 32);
        assert_eq!(ledger::audit_head(&mut reader).await, Ok(verifier.head()));
        let row = reader
            .query("SELECT COUNT(*), MAX(id) FROM outbox")
            .fetch_one();
        let row = row.await.expect("outbox");
        assert_eq!((row.get(0), row.get(1)), (Ok(32_i64), Ok(32_i64)));
    })
    .await;
}

#[tokio::test]
async fn a_write_without_changes_has_no_epoch() {
    for_each_database(|db| async move {
        let committed = write(&db, |tx| Box::pin(settings::put(tx, "a", "b"))).await;
        assert_eq!(committed.expect("commits").epoch, None);
        let committed = write(&db, |tx| {
            Box::pin(async move {
                tx.change(key_change(KeyId(1)));
                tx.change(key_change(KeyId(1)));
                Ok(())
            })
        });
        assert_eq!(committed.await.expect("commits").epoch, Some(1));
        let mut reader = db.read().await.expect("a reader");
        let changes = ledger::changes_since(&mut reader, 0).await;
        assert_eq!(changes, Ok(vec![(1, key_change(KeyId(1)))]));
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_one_callers_error() {
    for_each_database(|db| async move {
        with_accounts(&db, 1).await;
        let panicked: Result<Committed<()>, _> = write(&db, |tx| {
            Box::pin(async move {
                settings::put(tx, "half", "done").await?;
                panic!("on purpose")
            })
        })
        .await;
        assert!(
            matches!(panicked, Err(StoreError::Internal(_))),
            "{panicked:?}"
        );
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(settings::get(&mut reader, "half").await, Ok(None));
        assert!(write_key(db.clone(), 2, false).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_failed_statement_fails_the_write_even_when_nobody_minds() {
    for_each_database(|db| async move {
        with_keys(&db, 1).await;
        let ignored = write(&db, |tx| {
            Box::pin(async move {
                settings::put(tx, "half", "done").await?;
                let (key, secret) = key(1, AccountId(1));
                let _ = keys::insert(tx, &key, &secret).await;
                Ok(())
            })
        })
        .await;
        let constraint = "keys.id".to_owned();
        assert_eq!(ignored, Err(StoreError::Conflict { constraint }));
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(settings::get(&mut reader, "half").await, Ok(None));
    })
    .await;
}

/// Makes every commit fail that writes a setting: a reference that is checked at its end.
async fn break_commits(db: &Db) {
    wrote(db, |tx| {
        Box::pin(async move {
            tx.query("CREATE TABLE target (id BIGINT PRIMARY KEY)")
                .execute()
                .await?;
            let deferred = "CREATE TABLE pointer (id BIGINT REFERENCES target (id)
                 DEFERRABLE INITIALLY DEFERRED)";
            tx.query(deferred).execute().await
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_commit_fails_nobody_is_told_otherwise() {
    for_each_database(|db| async move {
        with_accounts(&db, 1).await;
        break_commits(&db).await;
        let failing = write(&db, |tx| {
            Box::pin(async move {
                tx.change(key_change(KeyId(9)));
                tx.query("INSERT INTO pointer (id) VALUES (1)")
                    .execute()
                    .await
            })
        });
        // On SQLite the second shares the fate of the first when it shares its commit.
        let (failed, other) = tokio::join!(failing, write_key(db.clone(), 2, false));
        assert!(failed.is_err(), "{failed:?}");
        let mut reader = db.read().await.expect("a reader");
        let (loaded, _) = keys::resident_page(&mut reader, None, 10)
            .await
            .expect("keys");
        assert_eq!(loaded.len(), usize::from(other.is_ok()));
        let epoch = ledger::epoch(&mut reader).await;
        assert_eq!(epoch, Ok(i64::from(other.is_ok())));
        assert!(write_key(db.clone(), 4, false).await.is_ok(), "it goes on");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_leaves_a_whole_write() {
    for_each_database(|db| async move {
        with_accounts(&db, 1).await;
        let began = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&began);
        let writer = db.clone();
        let caller = tokio::spawn(async move {
            write(&writer, move |tx| {
                let began = Arc::clone(&began);
                Box::pin(async move {
                    began.store(true, Ordering::SeqCst);
                    for number in 1..=20 {
                        let (key, secret) = key(number, AccountId(1));
                        keys::insert(tx, &key, &secret).await?;
                    }
                    tx.change(key_change(KeyId(1)));
                    Ok(())
                })
            })
            .await
        });
        until(|| async { seen.load(Ordering::SeqCst) }).await;
        caller.abort();
        until(|| async {
            let mut reader = db.read().await.expect("a reader");
            let (loaded, _) = keys::resident_page(&mut reader, None, 50)
                .await
                .expect("keys");
            assert!(loaded.is_empty() || loaded.len() == 20, "half a write");
            loaded.len() == 20
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_conflict_of_transactions_is_tried_again_on_postgresql() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&attempts);
    let outcome = write(&database.db, move |tx| {
        let attempts = Arc::clone(&counted);
        Box::pin(async move {
            let raise = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$";
            if attempts.fetch_add(1, Ordering::SeqCst) < 2 {
                tx.query(raise).execute().await?;
            }
            Ok(())
        })
    });
    assert!(outcome.await.is_ok());
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
    database.close().await;
}

#[tokio::test]
async fn nodes_hear_of_changes_on_postgresql_and_poll_on_sqlite() {
    for_each_database(|db| async move {
        let wakeups = db.listen().await.expect("listening");
        let Some(mut wakeups) = wakeups else {
            assert!(db.is_sqlite());
            return;
        };
        wrote(&db, |tx| {
            Box::pin(async move {
                tx.change(key_change(KeyId(1)));
                Ok(())
            })
        })
        .await;
        let heard = tokio::time::timeout(Duration::from_secs(10), wakeups.next()).await;
        assert!(heard.is_ok());
        let closed = tokio::time::timeout(Duration::from_secs(10), db.close()).await;
        assert!(closed.is_ok(), "who listens keeps nobody from closing");
    })
    .await;
}

#[tokio::test]
async fn urgent_writes_and_reads_that_write() {
    for_each_database(|db| async move {
        let urgent = db.write_urgent(|tx| Box::pin(settings::put(tx, "a", "1")));
        let urgent: Result<_, StoreError> = urgent.await;
        assert!(urgent.is_ok());
        run(&db, "UPDATE settings SET value = '2'").await;
        let mut reader = db.read().await.expect("a reader");
        let refused = reader.query("DELETE FROM settings").execute().await;
        assert!(refused.is_err(), "readers do not write");
        assert_eq!(settings::get(&mut reader, "a").await, Ok(Some("2".into())));
        drop(reader);
        assert_eq!(db.ready().await, Ok(()));
        db.close().await;
        assert!(matches!(db.ready().await, Err(StoreError::Unavailable(_))));
        let closed = write(&db, |tx| Box::pin(settings::put(tx, "a", "3"))).await;
        assert!(
            matches!(closed, Err(StoreError::Unavailable(_))),
            "{closed:?}"
        );
    })
    .await;
}

/// Waits for a condition, for ten seconds at most.
async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let polled = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    let met = tokio::time::timeout(Duration::from_secs(10), polled).await;
    assert!(met.is_ok(), "the condition is not met");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_heals() {
    let database = TestDatabase::sqlite().await;
    let db = &database.db;
    with_accounts(db, 1).await;
    // Only the writer's connection takes no further page.
    let pages = |pages: &'static str| {
        wrote(db, move |tx| {
            Box::pin(async move { tx.query(pages).fetch_one().await.map(drop) })
        })
    };
    pages("PRAGMA max_page_count = 1").await;
    let mut number = 0;
    let refused = loop {
        number += 2;
        match write_key(db.clone(), number, false).await {
            Ok(_) => assert!(number < 10_000, "it is never full"),
            Err(error) => break error,
        }
    };
    let is_storage = matches!(refused, Refused::Store(StoreError::Full(_)));
    assert!(is_storage, "{refused:?}");
    let mut reader = db.read().await.expect("a reader");
    let written = i64::try_from(number / 2 - 1).expect("small");
    assert_eq!(ledger::epoch(&mut reader).await, Ok(written));
    assert_eq!(
        ledger::audit_head(&mut reader).await.map(|head| head.0),
        Ok(written)
    );
    drop(reader);
    pages("PRAGMA max_page_count = 1000000").await;
    assert!(write_key(db.clone(), number, false).await.is_ok());
    database.close().await;
}

#[tokio::test]
async fn what_the_decisions_rest_on_is_read_while_others_hold_every_reader() {
    for_each_database(|db| async move {
        let mut held = Vec::new();
        for _ in 0..READERS {
            held.push(db.read().await.expect("a reader"));
        }
        let mut reader = db.read_urgent().await.expect("a reader of its own");
        assert_eq!(ledger::epoch(&mut reader).await, Ok(0));
    })
    .await;
}
