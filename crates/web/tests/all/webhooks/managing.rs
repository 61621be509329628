//! Making, changing and ending webhooks.

use claviger_model::Reason::{Conflict, NotFound, PermissionRequired, PreconditionFailed};
use claviger_service::settings::Settings;
use serde_json::json;

use super::receiver::Receiver;
use super::{near, webhook};
use crate::instance::{Instance, for_each_app, for_each_app_with, text};
use crate::requests::{delete, get, patch, post};

async fn refused_url(instance: &Instance, url: &str) {
    let owner = instance.session("owner").await;
    let body = json!({"url": url, "events": ["*"]});
    let answer = instance.send(post("/v1/webhooks", &body).by(&owner)).await;
    answer.refused_members(&["url"]);
    let told = answer.json()["error"]["fields"]["url"].to_string();
    assert!(
        told.contains("must be public") || told.contains("must start with https"),
        "{url}: {told}"
    );
}

#[tokio::test]
async fn addresses_inside_are_refused_however_they_are_written() {
    for_each_app(async |instance| {
        for url in [
            "https://127.0.0.1/x",
            "https://10.1.2.3/x",
            "https://192.168.1.1/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://[64:ff9b::7f00:1]/x",
            "https://[fd00::1]/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://0177.0.0.1/x",
            "https://localhost/x",
            "http://example.com/x",
            "http://127.0.0.1:9/x",
        ] {
            refused_url(instance, url).await;
        }
        let owner = instance.session("owner").await;
        for url in ["", "ftp://example.com/x", "https://user@example.com/", "/x"] {
            let body = json!({"url": url, "events": ["*"]});
            let answer = instance.send(post("/v1/webhooks", &body).by(&owner)).await;
            answer.refused_members(&["url"]);
        }
        let page = instance.send(get("/v1/webhooks").by(&owner)).await.is(200);
        assert_eq!(page["data"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_webhook_is_made_changed_and_deleted() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let owner = instance.session("owner").await;
        let made = webhook(instance, &receiver, &["key.created", "key.created"]).await;
        assert!(text(&made, "id").starts_with("whk_"));
        assert!(text(&made, "secret").starts_with("whsec_"));
        assert_eq!(made["events"], json!(["key.created"]));
        let path = format!("/v1/webhooks/{}", text(&made, "id"));
        let shown = instance.send(get(&path).by(&owner)).await;
        assert_eq!(shown.header("etag"), "\"1\"");
        assert_eq!(shown.is(200).get("secret"), None);

        let change = json!({"events": ["*", "key.created"], "active": false});
        let stale = patch(&path, &change).by(&owner).header("if-match", "\"7\"");
        instance.send(stale).await.refused(PreconditionFailed);
        let changed = instance
            .send(patch(&path, &change).by(&owner))
            .await
            .is(200);
        assert_eq!(changed["events"], json!(["*"]));
        assert_eq!(changed["active"], json!(false));
        assert_eq!(changed["off_reason"], "switched_off");
        let test = post(&format!("{path}/test"), &json!({})).by(&owner);
        instance.send(test).await.refused(Conflict);

        let unknown = json!({"events": ["key.made"]});
        let answer = instance.send(patch(&path, &unknown).by(&owner)).await;
        answer.refused_members(&["events"]);
        assert!(answer.text.contains("key.rotation_due"), "{answer:?}");

        instance.send(delete(&path).by(&owner)).await.is(200);
        instance.send(get(&path).by(&owner)).await.refused(NotFound);
        let audit = instance.send(get("/v1/audit").by(&owner)).await.is(200);
        let actions: Vec<&str> = audit["data"]
            .as_array()
            .expect("events")
            .iter()
            .map(|event| text(event, "action"))
            .collect();
        let expected = ["webhook.deleted", "webhook.changed", "webhook.created"];
        assert_eq!(actions[..3], expected);
    })
    .await;
}

#[tokio::test]
async fn webhooks_are_an_accounts_own_and_those_of_the_instance_the_operators() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let made = webhook(instance, &receiver, &["*"]).await;
        let path = format!("/v1/webhooks/{}", text(&made, "id"));
        let (_, neighbour) = instance.neighbour().await;
        instance
            .send(get(&path).by(&neighbour))
            .await
            .refused(NotFound);
        instance
            .send(delete(&path).by(&neighbour))
            .await
            .refused(NotFound);
        let viewer = instance.session("viewer").await;
        instance
            .send(get(&path).by(&viewer))
            .await
            .refused(PermissionRequired);
        let body = json!({"url": receiver.url, "events": ["*"], "instance": true});
        let create = || post("/v1/webhooks", &body);
        let owner = instance.session("owner").await;
        instance
            .send(create().by(&owner))
            .await
            .refused(PermissionRequired);
        let operator = instance.session("operator").await;
        let all = instance.send(create().by(&operator)).await.is(201);
        assert_eq!(all["account_id"], json!(null));
        let path = format!("/v1/webhooks/{}", text(&all, "id"));
        instance.send(get(&path).by(&owner)).await.refused(NotFound);
        instance.send(get(&path).by(&operator)).await.is(200);
        let list = get("/v1/webhooks?instance=true").by(&operator);
        let list = instance.send(list).await.is(200);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn what_is_repeated_is_made_once_and_there_are_not_too_many() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let owner = instance.session("owner").await;
        let body = json!({"url": receiver.url, "events": ["*"]});
        let create = || {
            let call = post("/v1/webhooks", &body).by(&owner);
            call.header("idempotency-key", "one")
        };
        let first = instance.send(create()).await.is(201);
        let second = instance.send(create()).await.is(201);
        assert_eq!(first["id"], second["id"]);
        assert_eq!(first["secret"], second["secret"]);
        for _ in 1..20 {
            webhook(instance, &receiver, &["*"]).await;
        }
        let more = post("/v1/webhooks", &body).by(&owner);
        instance.send(more).await.refused(Conflict);
    })
    .await;
}

#[tokio::test]
async fn only_the_configuration_opens_a_network() {
    let settings = Settings::default();
    assert!(settings.webhooks.networks.is_empty());
}
