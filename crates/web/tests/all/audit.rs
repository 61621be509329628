//! `/v1/audit`: who changed what.

use claviger_model::Reason::{NotFound, PermissionRequired};
use claviger_model::audit::checkpoint::CheckpointKey;
use claviger_model::audit::evidence::{Entry, Examiner};
use serde_json::{Value, json};

use super::instance::{ADDRESS, Instance, for_each_app, text};
use super::requests::{get, patch, post};

async fn found(instance: &Instance, token: &str, query: &str) -> Vec<Value> {
    let page = instance
        .send(get(&format!("/v1/audit?{query}")).by(token))
        .await
        .is(200);
    page["data"].as_array().expect("an array").clone()
}

#[tokio::test]
async fn a_change_is_on_record() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let start = instance.now();
        let made = instance.key(json!({})).await;
        let id = text(&made, "id");
        let path = format!("/api/keys/{id}");
        let answer = instance
            .send(patch(&path, &json!({"name": "New"})).by(&admin))
            .await;
        let request_id = answer.header("request-id").to_owned();
        instance.pass(1_000).await;
        let events = found(instance, &admin, &format!("target={id}")).await;
        assert_eq!(events.len(), 2);
        let event = &events[0];
        assert!(text(event, "id").starts_with("evt_") && event["at"].as_i64() >= Some(start));
        assert_eq!(event["action"], "key.changed");
        assert_eq!(
            (&event["actor"], &event["target"]),
            (&made["created_by"], &made["id"])
        );
        assert_eq!(
            (&event["before"], &event["after"]),
            (&json!({"name": "Script"}), &json!({"name": "New"}))
        );
        assert_eq!(
            (&event["ip"], &event["request_id"]),
            (&json!(ADDRESS), &json!(request_id))
        );
        assert_eq!(text(event, "hash").len(), 64);
        assert!(!json!(events).to_string().contains(text(&made, "key")));

        let actor = text(event, "actor");
        for (query, expected) in [
            (format!("target={id}&action=key.created"), 1),
            (format!("target={id}&actor={actor}"), 2),
            (format!("target={id}&actor=usr_x"), 0),
            (format!("target={id}&from={start}"), 2),
            (format!("target={id}&to={start}"), 0),
        ] {
            assert_eq!(
                found(instance, &admin, &query).await.len(),
                expected,
                "{query}"
            );
        }
        let first = instance
            .send(get("/v1/audit?limit=1").by(&admin))
            .await
            .is(200);
        assert_eq!(
            (&first["data"][0]["action"], &first["has_more"]),
            (&json!("key.changed"), &json!(true))
        );
        let rest = format!("limit=1&cursor={}", text(&first, "next_cursor"));
        assert_eq!(
            found(instance, &admin, &rest).await[0]["action"],
            "key.created"
        );
    })
    .await;
}

#[tokio::test]
async fn an_account_sees_its_own_events() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let query = format!("target={}", text(&made, "id"));
        let (_, neighbour) = instance.neighbour().await;
        let developer = instance.session("developer").await;
        let operator = instance.session("operator").await;
        for (token, expected) in [(&developer, 1), (&operator, 1), (&neighbour, 0)] {
            assert_eq!(found(instance, token, &query).await.len(), expected);
        }
        let viewer = instance.session("viewer").await;
        instance
            .send(get("/v1/audit").by(&viewer))
            .await
            .refused(PermissionRequired);
        for member in ["from", "to", "limit", "cursor"] {
            let path = format!("/v1/audit?{member}=x");
            instance
                .send(get(&path).by(&operator))
                .await
                .refused_members(&[member]);
        }
        let nothing = found(instance, &operator, "action=no.such").await;
        assert!(nothing.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_export_and_a_proof_are_checked_with_the_published_key_alone() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let (_, neighbour) = instance.neighbour().await;
        let admin = instance.session("admin").await;
        let operator = instance.session("operator").await;
        let published = instance
            .send(get("/.well-known/claviger-audit-keys.json"))
            .await
            .is(200);
        let keys = CheckpointKey::all_in(&published.to_string());
        assert_eq!(keys.len(), 1);
        let examined = |text: &str| {
            let mut examiner = Examiner::new(keys.clone());
            for line in text.lines() {
                let entry: Entry = serde_json::from_str(line).expect("an entry");
                examiner.take(entry).expect("as it was written");
            }
            examiner.finish().expect("all of it")
        };
        let export = instance.send(get("/v1/audit/export").by(&operator)).await;
        assert_eq!(export.header("content-type"), "application/jsonl");
        let whole = examined(&export.text);
        assert!(whole.is_whole && whole.unsigned == 0);
        let own = instance.send(get("/v1/audit/export").by(&admin)).await;
        let proved = examined(&own.text);
        assert!(!proved.is_whole && proved.events < whole.events);

        let query = format!("target={}", text(&made, "id"));
        let event = found(instance, &admin, &query).await[0].clone();
        let path = format!("/v1/audit/{}/proof", text(&event, "id"));
        let proof = instance.send(get(&path).by(&admin)).await;
        assert_eq!(examined(&proof.text).events, 1);
        assert!(!proof.text.contains(text(&made, "key")));
        for stranger in [&neighbour] {
            instance
                .send(get(&path).by(stranger))
                .await
                .refused(NotFound);
        }
        let viewer = instance.session("viewer").await;
        for path in [path.as_str(), "/v1/audit/export", "/v1/audit/checkpoints"] {
            let refused = instance.send(get(path).by(&viewer)).await;
            refused.refused(PermissionRequired);
        }
    })
    .await;
}

#[tokio::test]
async fn checkpoints_are_listed_to_members_and_signed_on_demand_by_operators() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let operator = instance.session("operator").await;
        let path = "/v1/audit/checkpoints";
        instance
            .send(post(path, &json!({})).by(&admin))
            .await
            .refused(PermissionRequired);
        let made = instance
            .send(post(path, &json!({})).by(&operator))
            .await
            .is(201);
        assert!(made["seq"].as_i64() > Some(3));
        assert!(text(&made, "note").contains("/audit\n"));
        let listed = instance.send(get(path).by(&admin)).await.is(200);
        assert_eq!(listed["data"][0], made);
        let page = instance
            .send(get("/v1/audit/checkpoints?limit=1").by(&admin))
            .await
            .is(200);
        assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    })
    .await;
}
