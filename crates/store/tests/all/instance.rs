//! Ledger, nodes, settings, idempotency and the demo's records.

use claviger_model::audit::CHAIN_START;
use claviger_model::ids::{AccountId, KeyId};
use claviger_model::{Environment, UnixMillis};
use claviger_store::demo_records::DemoRecord;
use claviger_store::idempotency::{Claim, Claimed};
use claviger_store::nodes::Node;
use claviger_store::testing::for_each_database;
use claviger_store::{Db, StoreError, demo_records, idempotency, ledger, nodes, settings};

use crate::samples::{NOW, key_change, write, wrote};

#[tokio::test]
async fn changes_are_pruned_from_below() {
    for_each_database(|db| async move {
        for number in 1..=4 {
            wrote(&db, move |tx| {
                Box::pin(async move {
                    tx.change(key_change(KeyId(number)));
                    Ok(())
                })
            })
            .await;
        }
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(ledger::epoch(&mut reader).await, Ok(4));
        assert_eq!(ledger::floor(&mut reader).await, Ok(0));
        assert_eq!(ledger::audit_head(&mut reader).await, Ok((0, CHAIN_START)));
        let prune = |below| wrote(&db, move |tx| Box::pin(ledger::prune(tx, below)));
        prune(3).await;
        assert_eq!(ledger::floor(&mut reader).await, Ok(2));
        let expected = vec![(3, key_change(KeyId(3))), (4, key_change(KeyId(4)))];
        assert_eq!(
            ledger::changes_since(&mut reader, 0).await,
            Ok(expected.clone())
        );
        prune(2).await;
        prune(99).await;
        assert_eq!(ledger::floor(&mut reader).await, Ok(2));
        assert_eq!(ledger::changes_since(&mut reader, 0).await, Ok(expected));
        prune(5).await;
        assert_eq!(ledger::floor(&mut reader).await, Ok(4));
    })
    .await;
}

fn node(id: &str, incarnation: &str) -> Node {
    Node {
        id: id.into(),
        incarnation: incarnation.into(),
        applied_epoch: 0,
        beat: 0,
        lease_millis: 10_000,
        started_at: NOW,
    }
}

async fn beat(db: &Db, id: &'static str, incarnation: &'static str) -> Option<i64> {
    let beat = db.write_urgent(move |tx| Box::pin(nodes::heartbeat(tx, id, incarnation, 1)));
    let beat: Result<_, StoreError> = beat.await;
    beat.expect("a heartbeat").value
}

#[tokio::test]
async fn nodes_beat_until_they_are_replaced_or_removed() {
    for_each_database(|db| async move {
        wrote(&db, |tx| {
            Box::pin(async move {
                tx.change(key_change(KeyId(1)));
                nodes::register(tx, &node("a", "one")).await?;
                nodes::register(tx, &node("b", "one")).await
            })
        })
        .await;
        assert_eq!(beat(&db, "a", "one").await, Some(1), "the epoch");
        wrote(&db, |tx| {
            Box::pin(async move { nodes::register(tx, &node("a", "two")).await })
        })
        .await;
        assert_eq!(beat(&db, "a", "one").await, None);
        assert_eq!(beat(&db, "a", "two").await, Some(1));
        let mut reader = db.read().await.expect("a reader");
        let beaten = Node {
            applied_epoch: 1,
            beat: 1,
            ..node("a", "two")
        };
        assert_eq!(
            nodes::list(&mut reader).await,
            Ok(vec![beaten, node("b", "one")])
        );
        let remove = |beat| wrote(&db, move |tx| Box::pin(nodes::remove(tx, "a", "two", beat)));
        assert!(!remove(0).await, "it has beaten since");
        assert!(remove(1).await);
        assert_eq!(beat(&db, "a", "two").await, None);
        wrote(&db, |tx| Box::pin(nodes::remove_all(tx))).await;
        assert_eq!(nodes::list(&mut reader).await, Ok(vec![]));
    })
    .await;
}

#[tokio::test]
async fn settings_are_written_over() {
    for_each_database(|db| async move {
        wrote(&db, |tx| Box::pin(settings::put(tx, "instance", "a"))).await;
        wrote(&db, |tx| Box::pin(settings::put(tx, "instance", "b"))).await;
        let mut reader = db.read().await.expect("a reader");
        assert_eq!(
            settings::get(&mut reader, "instance").await,
            Ok(Some("b".into()))
        );
        assert_eq!(settings::get(&mut reader, "other").await, Ok(None));
    })
    .await;
}

fn claim(body: u8, at: UnixMillis) -> Claim {
    Claim {
        scope_hash: [1; 32],
        body_hash: [body; 32],
        created_at: at,
        expires_at: at.plus_seconds(10),
    }
}

async fn claimed(db: &Db, body: u8, at: UnixMillis) -> Claimed {
    wrote(db, move |tx| {
        Box::pin(async move { idempotency::claim(tx, &claim(body, at)).await })
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_equal_claims_one_is_new_and_the_others_see_its_result() {
    for_each_database(|db| async move {
        let tasks: Vec<_> = (0..64_u8)
            .map(|number| {
                let db = db.clone();
                tokio::spawn(async move {
                    wrote(&db, move |tx| {
                        Box::pin(async move {
                            let claimed = idempotency::claim(tx, &claim(1, NOW)).await?;
                            if claimed == Claimed::New {
                                let (scope, id) = ([1; 32], format!("key_{number}"));
                                idempotency::complete(tx, &scope, &id, None, None).await?;
                            }
                            Ok((claimed, number))
                        })
                    })
                    .await
                })
            })
            .collect();
        let (mut new, mut seen) = (Vec::new(), Vec::new());
        for task in tasks {
            match task.await.expect("no panic") {
                (Claimed::New, number) => new.push(format!("key_{number}")),
                (Claimed::Existing { object_id, .. }, _) => seen.push(object_id),
            }
        }
        assert_eq!((new.len(), seen.len()), (1, 63));
        assert!(seen.iter().all(|id| *id == new[0]), "{seen:?}");
    })
    .await;
}

#[tokio::test]
async fn a_claim_keeps_its_secret_for_its_time_and_can_be_made_again_after_it() {
    for_each_database(|db| async move {
        assert_eq!(claimed(&db, 1, NOW).await, Claimed::New);
        let until = NOW.plus_seconds(5);
        wrote(&db, move |tx| {
            Box::pin(idempotency::complete(
                tx,
                &[1; 32],
                "key_a",
                Some(b"sealed"),
                Some(until),
            ))
        })
        .await;
        let existing = |sealed_secret: Option<&[u8]>, secret_expires_at| Claimed::Existing {
            body_hash: [1; 32],
            object_id: "key_a".into(),
            sealed_secret: sealed_secret.map(<[u8]>::to_vec),
            secret_expires_at,
        };
        let purge = |at| wrote(&db, move |tx| Box::pin(idempotency::purge(tx, at)));
        purge(NOW).await;
        assert_eq!(
            claimed(&db, 2, NOW).await,
            existing(Some(b"sealed"), Some(until))
        );
        purge(until).await;
        assert_eq!(claimed(&db, 2, NOW).await, existing(None, None));
        let end = NOW.plus_seconds(10);
        assert_eq!(
            claimed(&db, 3, end).await,
            Claimed::New,
            "the first has expired"
        );
        purge(end.plus_seconds(10)).await;
        assert_eq!(claimed(&db, 4, NOW).await, Claimed::New);
        let undone = write(&db, |tx| {
            let other = Claim {
                scope_hash: [2; 32],
                ..claim(1, NOW)
            };
            Box::pin(async move {
                idempotency::claim(tx, &other).await?;
                Err::<(), _>(StoreError::Busy)
            })
        });
        assert_eq!(undone.await, Err(StoreError::Busy));
        let mut reader = db.read().await.expect("a reader");
        let row = reader
            .query("SELECT COUNT(*) FROM idempotency")
            .fetch_one()
            .await;
        assert_eq!(row.expect("a row").get(0), Ok(1_i64));
    })
    .await;
}

#[tokio::test]
async fn demo_records_by_environment_and_collection() {
    for_each_database(|db| async move {
        let record = |environment, collection: &str, id: &str| DemoRecord {
            environment,
            collection: collection.into(),
            id: id.into(),
            account_id: (id == "2").then_some(AccountId(2)),
            body: serde_json::json!({"name": "Ana", "nothing": null}),
            created_at: NOW,
        };
        let records = [
            record(Environment::Live, "leads", "2"),
            record(Environment::Live, "leads", "1"),
            record(Environment::Live, "people", "1"),
            record(Environment::Test, "leads", "1"),
        ];
        wrote(&db, move |tx| {
            let records = records.clone();
            Box::pin(async move {
                for record in &records {
                    demo_records::insert(tx, record).await?;
                }
                Ok(())
            })
        })
        .await;
        let mut reader = db.read().await.expect("a reader");
        let live = Environment::Live;
        let list = demo_records::list(&mut reader, live, "leads", 10)
            .await
            .expect("records");
        assert_eq!(
            list,
            [record(live, "leads", "1"), record(live, "leads", "2")]
        );
        let short = demo_records::list(&mut reader, live, "leads", 1)
            .await
            .expect("records");
        assert_eq!(short.len(), 1);
        for (account, expected) in [(1, 0), (2, 1)] {
            let account = AccountId(account);
            let cleared = wrote(&db, move |tx| {
                Box::pin(demo_records::clear_of(tx, live, account))
            });
            assert_eq!(cleared.await, expected);
        }
        assert_eq!(
            wrote(&db, move |tx| Box::pin(demo_records::clear(tx, live))).await,
            2
        );
        assert_eq!(demo_records::count(&mut reader, live, "leads").await, Ok(0));
        let test = Environment::Test;
        assert_eq!(demo_records::count(&mut reader, test, "leads").await, Ok(1));
    })
    .await;
}
