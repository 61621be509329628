//! What is sent, to whom, how often, and what becomes of it.

use std::time::Duration;

use claviger_model::keyring::{Keyring, master_key_line};
use claviger_service::app::{App, Storage};
use claviger_service::jobs;
use claviger_service::propagation::Role;
use claviger_service::webhooks::{Sender, fan_out};
use futures_util::future::join;
use serde_json::{Value, json};

use super::receiver::{Answer, Receiver};
use super::{deliveries, near, tell, webhook};
use crate::instance::{Instance, for_each_app_with, text};
use crate::requests::{delete, get, patch, post};

/// The delivery of an event of this type on a page of them.
fn of_type(page: &Value, event: &str) -> Value {
    let mut rows = page["data"].as_array().expect("a list").iter();
    rows.find(|row| row["type"] == event).expect("one").clone()
}

async fn make_key(instance: &Instance) -> Value {
    instance.key(json!({"name": "told of"})).await
}

#[tokio::test]
async fn what_happens_is_told_signed_and_without_secrets() {
    for_each_app_with(&near(), async |instance| {
        let (receiver, all) = (Receiver::start().await, Receiver::start().await);
        let made = webhook(instance, &receiver, &["key.created", "key.revoked"]).await;
        let operator = instance.session("operator").await;
        let body = json!({"url": all.url, "events": ["*"], "instance": true});
        let of_all = post("/v1/webhooks", &body).by(&operator);
        instance.send(of_all).await.is(201);
        let key = make_key(instance).await;
        let (_, neighbour) = instance.neighbour().await;
        let other = json!({"name": "of another", "scopes": ["read:leads"]});
        instance
            .send(post("/api/keys", &other).by(&neighbour))
            .await
            .is(201);
        tell(instance).await;
        let messages = receiver.received();
        assert_eq!(messages.len(), 1, "{messages:?}");
        let message = &messages[0];
        assert!(message.is_signed_with(text(&made, "secret")));
        assert!(!message.is_signed_with("whsec_AAAA"));
        assert_eq!(message.headers["content-type"], "application/json");
        let told = message.json();
        assert_eq!(told["type"], "key.created");
        assert!(text(&told, "timestamp").ends_with('Z'));
        let data = &told["data"];
        assert_eq!(data["event_id"], message.id());
        assert_eq!(data["account_id"], json!(instance.account_id()));
        assert_eq!(data["target"], key["id"]);
        assert_eq!(data["object"]["name"], "told of");
        assert!(!message.body.contains(text(&key, "key")));
        let owner = instance.session("owner").await;
        let audit = instance.send(get("/v1/audit?action=key.created").by(&owner));
        let audit = audit.await.is(200);
        assert_eq!(audit["data"][0]["id"], message.id());
        // The operator's hears of both accounts.
        let types: Vec<String> = all
            .received()
            .iter()
            .map(|message| text(&message.json(), "type").to_owned())
            .collect();
        let keys = types.iter().filter(|word| *word == "key.created").count();
        assert_eq!(keys, 2, "{types:?}");
        assert!(types.contains(&"account.created".to_owned()), "{types:?}");
        // Once.
        tell(instance).await;
        assert_eq!(receiver.received().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_fails_is_tried_again_with_the_same_id_until_it_is_taken() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        receiver.answers(&[
            Answer::Status(500),
            Answer::Status(302),
            Answer::Status(503),
        ]);
        let made = webhook(instance, &receiver, &["key.created"]).await;
        make_key(instance).await;
        tell(instance).await;
        tell(instance).await;
        assert_eq!(receiver.received().len(), 1, "the pause is kept");
        for pause in [5_000, 30_000, 120_000] {
            instance.pass(pause + 100).await;
            tell(instance).await;
        }
        let messages = receiver.received();
        assert_eq!(messages.len(), 4);
        assert!(messages.iter().all(|one| one.id() == messages[0].id()));
        assert!(messages.iter().all(|one| one.body == messages[0].body));
        assert!(
            messages
                .iter()
                .all(|one| one.is_signed_with(text(&made, "secret")))
        );
        let found = deliveries(instance, &made).await;
        assert_eq!(found[0]["state"], "delivered");
        let statuses: Vec<&Value> = found[0]["attempts"]
            .as_array()
            .expect("attempts")
            .iter()
            .map(|attempt| &attempt["status"])
            .collect();
        assert_eq!(statuses, [500, 302, 503, 204]);
        instance.pass(86_400_000).await;
        tell(instance).await;
        assert_eq!(
            receiver.received().len(),
            4,
            "what was taken is not sent again"
        );
    })
    .await;
}

#[tokio::test]
async fn a_dead_receiver_delays_no_other() {
    for_each_app_with(&near(), async |instance| {
        let (dead, live) = (Receiver::start().await, Receiver::start().await);
        dead.always(Answer::Silence);
        webhook(instance, &dead, &["key.created"]).await;
        webhook(instance, &live, &["key.created"]).await;
        for _ in 0..12 {
            make_key(instance).await;
        }
        fan_out(instance.app()).await.expect("told");
        let mut sender = Sender::new(instance.app().clone());
        // The dead one takes 5 seconds for each; until then the live one has all.
        let served = async {
            while live.received().len() < 12 {
                sender.start_due().await.expect("begun");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(4), served)
            .await
            .unwrap_or_else(|_| panic!("only {}", live.received().len()));
        assert!(dead.received().len() <= 4, "{}", dead.received().len());
    })
    .await;
}

#[tokio::test]
async fn what_a_node_died_with_is_sent_by_another_when_the_lease_is_over() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        receiver.answers(&[Answer::Silence]);
        let made = webhook(instance, &receiver, &["key.created"]).await;
        make_key(instance).await;
        fan_out(instance.app()).await.expect("told");
        let mut sender = Sender::new(instance.app().clone());
        sender.start_due().await.expect("begun");
        receiver.wait_for(1).await;
        drop(sender);
        tell(instance).await;
        assert_eq!(receiver.received().len(), 1, "the lease is kept");
        instance.pass(61_000).await;
        tell(instance).await;
        let messages = receiver.received();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0].id(), messages[1].id());
        assert_eq!(deliveries(instance, &made).await[0]["state"], "delivered");
    })
    .await;
}

#[tokio::test]
async fn nodes_that_look_at_once_tell_once() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        webhook(instance, &receiver, &["key.created"]).await;
        for _ in 0..20 {
            make_key(instance).await;
        }
        let app = instance.app();
        let (one, two) = join(fan_out(app), fan_out(app)).await;
        one.and(two).expect("told");
        let (mut one, mut two) = (Sender::new(app.clone()), Sender::new(app.clone()));
        while receiver.received().len() < 20 {
            let (first, second) = join(one.start_due(), two.start_due()).await;
            first.and(second).expect("begun");
            join(one.settle(), two.settle()).await;
        }
        tell(instance).await;
        let mut ids: Vec<String> = receiver
            .received()
            .iter()
            .map(|message| message.id().to_owned())
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), receiver.received().len()), (20, 20));
    })
    .await;
}

/// Another node on the same database.
async fn second_node(instance: &Instance) -> App {
    let database = instance.test().database();
    let storage = Storage {
        main: database.location.clone(),
        usage: database.usage_location.clone(),
        lock_file: None,
        ballast_bytes: 0,
    };
    let keyring = Keyring::parse(&master_key_line(1, &[7; 32])).expect("a master key");
    let settings = claviger_service::settings::Settings {
        node_name: "second".to_owned(),
        ..near()
    };
    let sources = instance.app().sources().clone();
    let opened = App::open(&storage, keyring, settings, sources, Role::Command);
    opened.await.expect("a node")
}

#[tokio::test]
async fn two_nodes_on_one_database_send_each_message_once() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let made = webhook(instance, &receiver, &["key.created"]).await;
        let second = second_node(instance).await;
        let nodes = [instance.app(), &second].map(|app| jobs::start(app.clone()));
        for _ in 0..30 {
            make_key(instance).await;
        }
        receiver.wait_for(30).await;
        // What a node has begun it finishes; then nothing is left to come twice.
        for node in nodes {
            node.stop().await;
        }
        tell(instance).await;
        let mut ids: Vec<String> = receiver
            .received()
            .iter()
            .map(|message| message.id().to_owned())
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), receiver.received().len()), (30, 30));
        for delivery in deliveries(instance, &made).await {
            assert_eq!(delivery["state"], "delivered", "{delivery}");
            assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1));
        }
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_fails_for_days_is_switched_off_and_can_be_switched_on() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        receiver.always(Answer::Status(500));
        let made = webhook(instance, &receiver, &["key.created"]).await;
        let path = format!("/v1/webhooks/{}", text(&made, "id"));
        make_key(instance).await;
        tell(instance).await;
        let owner = instance.session("owner").await;
        let shown = instance.send(get(&path).by(&owner)).await.is(200);
        assert!(shown["failing_since"].is_i64(), "{shown}");
        for pause in [5, 30, 120, 600, 3_600, 21_600, 43_200, 86_400, 86_400] {
            instance.pass(pause * 1_000 + 100).await;
            tell(instance).await;
        }
        let owner = instance.sign_in("owner@acme.test").await;
        let shown = instance.send(get(&path).by(&owner)).await.is(200);
        assert_eq!(shown["active"], json!(false), "{shown}");
        assert_eq!(shown["off_reason"], "failing");
        let audit = get("/v1/audit?action=webhook.disabled").by(&owner);
        let audit = instance.send(audit).await.is(200);
        assert_eq!(audit["data"][0]["actor"], "system");
        assert_eq!(audit["data"].as_array().map(Vec::len), Some(1));
        let before = receiver.received().len();
        instance.pass(86_400_000).await;
        tell(instance).await;
        assert_eq!(receiver.received().len(), before);
        receiver.always(Answer::Status(200));
        let owner = instance.sign_in("owner@acme.test").await;
        let on = patch(&path, &json!({"active": true})).by(&owner);
        let shown = instance.send(on).await.is(200);
        assert_eq!(shown["failing_since"], json!(null));
        let again = format!("{path}/deliveries");
        let page = instance.send(get(&again).by(&owner)).await.is(200);
        let failed = of_type(&page, "key.created");
        assert_eq!(failed["state"], "failed");
        assert_eq!(failed["attempts"].as_array().map(Vec::len), Some(10));
        let path = format!("{again}/{}/redeliver", text(&failed, "id"));
        let redeliver = post(&path, &json!({})).by(&owner);
        instance.send(redeliver).await.is(202);
        tell(instance).await;
        let page = instance.send(get(&again).by(&owner)).await.is(200);
        let sent = of_type(&page, "key.created");
        assert_eq!(sent["state"], "delivered");
    })
    .await;
}

#[tokio::test]
async fn whoever_is_gone_for_good_is_told_nothing_any_more() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        receiver.always(Answer::Status(410));
        let made = webhook(instance, &receiver, &["key.created"]).await;
        make_key(instance).await;
        tell(instance).await;
        let owner = instance.session("owner").await;
        let path = format!("/v1/webhooks/{}", text(&made, "id"));
        let shown = instance.send(get(&path).by(&owner)).await.is(200);
        assert_eq!(shown["off_reason"], "gone");
        assert_eq!(deliveries(instance, &made).await[0]["state"], "failed");
    })
    .await;
}

#[tokio::test]
async fn a_test_is_sent_and_a_new_secret_signs_beside_the_old_one_for_a_day() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let made = webhook(instance, &receiver, &["key.revoked"]).await;
        let path = format!("/v1/webhooks/{}", text(&made, "id"));
        let owner = instance.session("owner").await;
        let rotate = post(&format!("{path}/rotate-secret"), &json!({})).by(&owner);
        let rotated = instance.send(rotate).await.is(200);
        assert_ne!(rotated["secret"], made["secret"]);
        let test = || post(&format!("{path}/test"), &json!({}));
        instance.send(test().by(&owner)).await.is(202);
        tell(instance).await;
        let message = receiver.received()[0].clone();
        assert_eq!(message.json()["type"], "webhook.test");
        assert!(message.is_signed_with(text(&made, "secret")));
        assert!(message.is_signed_with(text(&rotated, "secret")));
        instance.pass(86_400_000 + 1).await;
        let owner = instance.sign_in("owner@acme.test").await;
        instance.send(test().by(&owner)).await.is(202);
        tell(instance).await;
        let message = receiver.received()[1].clone();
        assert!(!message.is_signed_with(text(&made, "secret")));
        assert!(message.is_signed_with(text(&rotated, "secret")));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_webhook_is_told_nothing_of_what_waited() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let made = webhook(instance, &receiver, &["key.created"]).await;
        make_key(instance).await;
        fan_out(instance.app()).await.expect("told");
        let owner = instance.session("owner").await;
        let path = format!("/v1/webhooks/{}", text(&made, "id"));
        instance.send(delete(&path).by(&owner)).await.is(200);
        tell(instance).await;
        assert_eq!(receiver.received().len(), 0);
    })
    .await;
}
