//! `/v1/webhooks`, and what is really sent.

mod delivering;
mod managing;
pub(crate) mod receiver;

use claviger_service::settings::{Settings, WebhookSettings};
use claviger_service::webhooks::{Sender, fan_out};
use receiver::Receiver;
use serde_json::{Value, json};

use super::instance::{Instance, text};
use super::requests::{get, post};

/// Settings under which webhooks may lead to this machine.
pub(crate) fn near() -> Settings {
    Settings {
        webhooks: WebhookSettings {
            networks: vec!["127.0.0.0/8".parse().expect("a network")],
            ..WebhookSettings::default()
        },
        ..Settings::default()
    }
}

/// A webhook of Acme.
pub(crate) async fn webhook(instance: &Instance, receiver: &Receiver, events: &[&str]) -> Value {
    let body = json!({"url": receiver.url, "events": events});
    let owner = instance.session("owner").await;
    instance
        .send(post("/v1/webhooks", &body).by(&owner))
        .await
        .is(201)
}

/// Tells all that waits and is due, and waits until that is done.
pub(crate) async fn tell(instance: &Instance) {
    fan_out(instance.app()).await.expect("told");
    let mut sender = Sender::new(instance.app().clone());
    while sender.start_due().await.expect("begun") > 0 {
        sender.settle().await;
    }
}

/// The deliveries of a webhook, the newest first.
pub(crate) async fn deliveries(instance: &Instance, webhook: &Value) -> Vec<Value> {
    let path = format!("/v1/webhooks/{}/deliveries", text(webhook, "id"));
    let owner = instance.session("owner").await;
    let page = instance.send(get(&path).by(&owner)).await.is(200);
    page["data"].as_array().expect("a list").clone()
}
