//! Daily counts of tokens against a map of numbers, on both databases.

use std::collections::BTreeMap;

use claviger_model::ids::ClientId;
use claviger_store::testing::for_each_database;
use claviger_store::{Db, token_counts};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::samples::wrote;

const SEQUENCES: usize = 30;

/// What happens to the counts.
#[derive(Clone, Debug)]
enum Step {
    Take {
        client: u128,
        day: i64,
        limit: Option<u32>,
    },
    Purge {
        before: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let take = (1u128..4, 0i64..4, prop::option::weighted(0.8, 0u32..6));
    let take = take.prop_map(|(client, day, limit)| Step::Take { client, day, limit });
    let purge = (0i64..5).prop_map(|before| Step::Purge { before });
    prop::collection::vec(prop_oneof![12 => take, 1 => purge], 1..60)
}

async fn run(db: &Db, steps: Vec<Step>) {
    let mut model: BTreeMap<(u128, i64), i64> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Take { client, day, limit } => {
                let taken = wrote(db, move |tx| {
                    Box::pin(token_counts::take(tx, ClientId(client), day, limit))
                });
                let used = model.get(&(client, day)).copied().unwrap_or_default();
                let is_given = limit.is_none_or(|limit| used < i64::from(limit));
                let expected = is_given.then_some(used + 1);
                assert_eq!(taken.await, expected, "{client} {day} {limit:?}: {model:?}");
                if let Some(used) = expected {
                    model.insert((client, day), used);
                }
            }
            Step::Purge { before } => {
                let purged = wrote(db, move |tx| Box::pin(token_counts::purge(tx, before, 100)));
                let kept = model.len();
                model.retain(|(_, day), _| *day >= before);
                assert_eq!(purged.await, (kept - model.len()) as u64);
            }
        }
    }
    let mut reader = db.read().await.expect("a reader");
    for ((client, day), used) in &model {
        let found = token_counts::used(&mut reader, ClientId(*client), *day).await;
        assert_eq!(found, Ok(*used));
    }
}

#[tokio::test]
async fn a_quota_gives_what_a_counter_would() {
    for_each_database(|db| async move {
        let mut runner = TestRunner::deterministic();
        for _ in 0..SEQUENCES {
            let tree = steps().new_tree(&mut runner).expect("steps");
            run(&db, tree.current()).await;
            // The next sequence starts with nothing.
            wrote(&db, |tx| Box::pin(token_counts::purge(tx, i64::MAX, 1_000))).await;
        }
    })
    .await;
}
