//! `/legacy-key`.

use claviger_service::settings::Settings;

use crate::authorize::Browser;
use crate::instance::{Instance, for_each_app, for_each_app_with};
use crate::requests::get;

/// Whether the demo takes a key where it takes only legacy ones.
async fn works(instance: &Instance, key: &str) -> bool {
    let verified = instance.verify(key, serde_json::json!({})).await;
    verified["reason"] != "invalid_credential" && verified["reason"] != "revoked"
}

#[tokio::test]
async fn the_key_is_generated_shown_once_and_reverted() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let empty = browser.open("/legacy-key").await;
        empty.is_page(200);
        for word in ["Generate", "Revert", "Deprecated since 1 January 2025"] {
            empty.tells(word);
        }
        let made = browser.submit(&empty, &[]).await;
        made.is_page(200);
        let key = made.shown_secrets().remove(0);
        assert!(key.starts_with("cl_"), "{key}");
        assert!(works(instance, &key).await);
        let again = browser.submit(&empty, &[]).await;
        again.tells("This was created before");
        again.tells_not(&key);

        let page = browser.open("/legacy-key").await;
        page.tells(&key[key.len() - 4..]);
        page.tells_not(&key);
        page.tells("ACTIVE");
        page.tells("Who still uses it");
        let reverted = browser.fill_in("/legacy-key/revert", &[]).await;
        let page = browser.open(reverted.leads_on()).await;
        page.tells("The key is revoked.");
        assert!(!works(instance, &key).await);
        let next = browser.submit(&page, &[]).await;
        assert_ne!(next.shown_secrets().remove(0), key);
    })
    .await;
}

#[tokio::test]
async fn a_second_one_is_refused_and_roles_say_who_can() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let first = browser.open("/legacy-key").await;
        let second = browser.open("/legacy-key").await;
        browser.submit(&first, &[]).await.is_page(200);
        browser.submit(&second, &[]).await.is_page(409);
        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        for path in ["/legacy-key", "/legacy-key/revert"] {
            let page = viewer.open(path).await;
            page.is_page(403);
            page.tells("admin@acme.test");
        }
        instance.neighbour().await;
        let mut other = Browser::of(instance, "admin@neighbour.test").await;
        other.open("/legacy-key").await.tells("There is no key");
        let nobody = instance
            .send(get("/legacy-key").header("accept", "text/html"))
            .await;
        assert_eq!(nobody.leads_on(), "/sign-in?next=%2Flegacy-key");
    })
    .await;
}

#[tokio::test]
async fn an_instance_without_them_says_so() {
    let settings = Settings {
        legacy_keys: false,
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser
            .open("/legacy-key")
            .await
            .tells("makes no legacy keys");
    })
    .await;
}
