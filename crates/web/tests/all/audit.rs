//! `/v1/audit`: who changed what.

use claviger_model::Reason::PermissionRequired;
use serde_json::{Value, json};

use super::instance::{ADDRESS, Instance, for_each_app, text};
use super::requests::{get, patch};

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
