//! `/` and `/credentials`: where one arrives.

use serde_json::json;

use crate::authorize::Browser;
use crate::instance::for_each_app;
use crate::instance::text;
use crate::requests::get;

#[tokio::test]
async fn somebody_new_is_led_to_a_first_request_and_sees_it_arrive() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/").await;
        page.is_page(200);
        page.tells("Your first request");
        page.tells("/keys/new?environment=test");
        page.tells("curl ");
        let made = instance
            .key(json!({"name": "First", "environment": "test"}))
            .await;
        browser.open("/").await.tells("DONE");
        let call = get("/sandbox/v1/leads").by(text(&made, "key"));
        instance.send(call).await.is(200);
        let page = browser.open("/").await;
        page.tells_not("Your first request");
        page.tells("Recent decisions");
        page.tells("ALLOWED");
    })
    .await;
}

#[tokio::test]
async fn each_role_finds_what_it_may_do() {
    for_each_app(async |instance| {
        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        let page = viewer.open("/").await;
        page.is_page(200);
        page.tells("Connected apps");
        for hidden in ["/keys", "/audit", "/team", "/operator"] {
            page.tells_not(&format!("href=\"{hidden}\""));
        }
        let mut operator = Browser::of(instance, "operator@claviger.test").await;
        assert_eq!(operator.open("/").await.leads_on(), "/operator");
        let mut nobody = Browser::new(instance);
        assert_eq!(nobody.open("/").await.leads_on(), "/sign-in?next=%2F");
    })
    .await;
}

#[tokio::test]
async fn what_the_instance_offers_stands_under_api() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/credentials").await;
        page.is_page(200);
        for told in ["Add API Key", "Create API credentials", "Legacy API key"] {
            page.tells(told);
        }
        viewer_is_told_whom_to_ask(instance).await;
    })
    .await;
}

async fn viewer_is_told_whom_to_ask(instance: &crate::instance::Instance) {
    instance.session("viewer").await;
    let mut viewer = Browser::of(instance, "viewer@acme.test").await;
    let page = viewer.open("/credentials").await;
    page.is_page(403);
    page.tells("Ask ");
    page.tells("admin@acme.test");
    // With the navigation of whoever is refused, and nothing of what that person may not see.
    page.tells("aria-label=\"Main\"");
    page.tells("href=\"/environments\"");
    page.tells_not("href=\"/audit\"");
}

#[tokio::test]
async fn what_fails_stands_within_the_portal_for_whoever_is_signed_in() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        for missing in ["/keys/key_01jnwz3c8k0000000000000000", "/nowhere"] {
            let page = browser
                .send(get(missing).header("accept", "text/html"))
                .await;
            page.is_page(404);
            page.tells("Not found");
            page.tells("aria-label=\"Main\"");
            page.tells("Request <code");
        }
        let mut nobody = Browser::new(instance);
        let page = nobody
            .send(get("/nowhere").header("accept", "text/html"))
            .await;
        page.is_page(404);
        page.tells_not("aria-label=\"Main\"");
    })
    .await;
}

#[tokio::test]
async fn keys_that_nobody_uses_are_counted_and_listed() {
    for_each_app(async |instance| {
        instance.key(json!({"name": "Never"})).await;
        let lately = instance.key(json!({"name": "Lately"})).await;
        let long_ago = instance.key(json!({"name": "Long ago"})).await;
        instance
            .check(text(&long_ago, "key"), json!({}), "allowed")
            .await;
        instance.pass(91 * 86_400_000).await;
        let admin = instance.sign_in("admin@acme.test").await;
        instance
            .check(text(&lately, "key"), json!({}), "allowed")
            .await;
        let listed = instance
            .send(get("/api/keys?status=unused").by(&admin))
            .await
            .is(200);
        let names: Vec<&str> = listed
            .as_array()
            .expect("keys")
            .iter()
            .map(|key| text(key, "name"))
            .collect();
        assert_eq!(names, ["Long ago", "Never"]);
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/").await;
        page.tells("href=\"/keys?status=unused\"><span class=\"number\">2</span>");
        let page = browser.open("/keys?status=unused").await;
        page.tells("Unused 2");
        page.tells("Long ago");
        page.tells_not(">Lately<");
    })
    .await;
}
