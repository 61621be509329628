//! Messages to the outside.

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::ids::{AccountId, EventId};
use claviger_model::webhooks::{KEY_EXPIRING, event_types, is_told};
use claviger_store::outbox::{self, Message};
use claviger_store::testing::for_each_database;
use claviger_store::{Db, Reminder, Tx};
use serde_json::json;

use crate::samples::{NOW, event, wrote};

async fn taken(db: &Db) -> Vec<Message> {
    let committed = db.write(|tx: &mut Tx| {
        Box::pin(async move { outbox::take(tx, UnixMillis(NOW.0 + 1), 1_000).await })
    });
    committed.await.expect("taken").value
}

#[tokio::test]
async fn every_event_that_somebody_would_act_on_leaves_a_message_and_no_other() {
    for_each_database(|db| async move {
        wrote(&db, |tx| {
            Box::pin(async move {
                for (number, action) in (1..).zip(Action::ALL) {
                    tx.audit(event(number, *action, "key_1"));
                }
                Ok(())
            })
        })
        .await;
        let messages = taken(&db).await;
        let told: Vec<&str> = messages.iter().map(|one| one.topic.as_str()).collect();
        let actions = Action::ALL.iter().filter(|action| is_told(**action));
        let expected: Vec<&str> = actions.map(|action| action.as_str()).collect();
        assert_eq!(told, expected);
        assert!(messages.iter().all(|one| one.event_id.is_some()));
        assert!(
            told.iter()
                .all(|word| event_types().any(|known| known == *word))
        );
        assert_eq!(taken(&db).await, [], "they are taken once");
    })
    .await;
}

#[tokio::test]
async fn a_message_goes_with_the_event_of_its_action_in_whatever_order_they_come() {
    for_each_database(|db| async move {
        wrote(&db, |tx| {
            Box::pin(async move {
                let account_id = Some(AccountId(1));
                tx.outbox("key.created", account_id, json!({"n": 1}));
                tx.audit(event(1, Action::KeyCreated, "key_1"));
                tx.audit(event(2, Action::KeyRevoked, "key_2"));
                tx.audit(event(3, Action::KeyCreated, "key_3"));
                tx.outbox("key.created", account_id, json!({"n": 3}));
                tx.outbox("key.revoked", account_id, json!({"n": 2}));
                tx.remind(Reminder {
                    id: EventId(9),
                    at: NOW,
                    topic: KEY_EXPIRING,
                    account_id: AccountId(1),
                    target: "key_9".into(),
                    payload: json!({"n": 9}),
                });
                Ok(())
            })
        })
        .await;
        let messages = taken(&db).await;
        let about: Vec<(&str, i64)> = messages
            .iter()
            .map(|one| {
                let target = one.target.as_deref().unwrap_or_default();
                (target, one.payload["n"].as_i64().unwrap_or_default())
            })
            .collect();
        assert_eq!(
            about,
            [("key_1", 1), ("key_3", 3), ("key_2", 2), ("key_9", 9)]
        );
        assert_eq!(messages[3].event_id, Some(EventId(9)));
    })
    .await;
}
