//! `/webhooks` and what is below it.

use serde_json::json;

use crate::authorize::Browser;
use crate::instance::{for_each_app, for_each_app_with};
use crate::requests::Answer;
use crate::webhooks::receiver::{Answer as Told, Receiver};
use crate::webhooks::{near, tell};

/// The id in the first link to a webhook.
fn webhook_id(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("/webhooks/whk_").expect("a link");
    let id: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("whk_{id}")
}

#[tokio::test]
async fn a_webhook_is_created_its_secret_shown_once_tried_and_sent_to_again() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser.open("/webhooks").await.tells("No webhooks yet");
        let typed = [("url", receiver.url.as_str()), ("events", "key.created")];
        let created = browser.fill_in("/webhooks/new", &typed).await;
        created.is_page(200);
        let shown = created.shown_secrets();
        assert!(shown[0].starts_with("whsec_"), "{shown:?}");
        let list = browser.open("/webhooks").await;
        list.is_page(200);
        list.tells("ACTIVE");
        list.tells_not(&shown[0]);
        let path = format!("/webhooks/{}", webhook_id(&list));
        receiver.answers(&[Told::Status(500)]);
        browser.fill_in(&path, &[]).await;
        tell(instance).await;
        let page = browser.open(&path).await;
        page.is_page(200);
        for told in [
            "webhook.test",
            "WAITING",
            "FAILING",
            "500",
            "Nothing has reached it",
        ] {
            page.tells(told);
        }
        let (_, rest) = page.text.split_once("/deliveries/").expect("a link");
        let delivery = format!("{path}/deliveries/{}", &rest[..30]);
        browser.open(&delivery).await.tells("This is a test.");
        browser.fill_in(&delivery, &[]).await;
        tell(instance).await;
        assert!(
            receiver
                .received()
                .iter()
                .all(|one| one.is_signed_with(&shown[0]))
        );
        let page = browser.open(&path).await;
        page.tells("DELIVERED");
        page.tells_not("Nothing has reached it");
        let replaced = browser.fill_in(&format!("{path}/secret"), &[]).await;
        assert_ne!(replaced.shown_secrets(), shown);
        let typed = [
            ("url", receiver.url.as_str()),
            ("events", "*"),
            ("active", "no"),
        ];
        browser.fill_in(&format!("{path}/edit"), &typed).await;
        let page = browser.open(&path).await;
        page.tells("INACTIVE");
        page.tells("everything, events of later too");
        browser.fill_in(&format!("{path}/delete"), &[]).await;
        browser.open("/webhooks").await.tells("No webhooks yet");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_the_field() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let typed = [("url", "https://10.0.0.1/x")];
        let page = browser.fill_in("/webhooks/new", &typed).await;
        page.is_page(422);
        page.tells("URL must be public");
        page.tells("Events must name an event");
        page.tells("https://10.0.0.1/x");
    })
    .await;
}

#[tokio::test]
async fn those_of_the_instance_are_the_operators() {
    for_each_app_with(&near(), async |instance| {
        let receiver = Receiver::start().await;
        let mut operator = Browser::of(instance, "operator@claviger.test").await;
        let page = operator.open("/operator/webhooks").await;
        page.tells("what happens in every account");
        let typed = [("url", receiver.url.as_str()), ("events", "*")];
        operator
            .fill_in("/operator/webhooks/new", &typed)
            .await
            .is_page(200);
        let list = operator.open("/operator/webhooks").await;
        let path = format!("/webhooks/{}", webhook_id(&list));
        operator.open(&path).await.tells("of every account");
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        assert_eq!(admin.open(&path).await.status, 404);
        assert_eq!(admin.open("/operator/webhooks").await.status, 403);
        instance.key(json!({"name": "told of"})).await;
        tell(instance).await;
        operator.open(&path).await.tells("key.created");
    })
    .await;
}
