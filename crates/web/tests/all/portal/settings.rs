//! `/settings` and `/environments`.

use serde_json::json;

use crate::authorize::Browser;
use crate::instance::for_each_app;

#[tokio::test]
async fn an_owner_renames_the_account_and_others_see_who_can() {
    for_each_app(async |instance| {
        let mut owner = Browser::of(instance, "owner@acme.test").await;
        let page = owner.open("/settings").await;
        page.is_page(200);
        for told in [
            "ACTIVE",
            "Team and roles",
            "Environments",
            &instance.account_id(),
        ] {
            page.tells(told);
        }
        let refused = owner.submit(&page, &[("name", "  ")]).await;
        refused.is_page(422);
        refused.tells("href=\"#name\"");
        let saved = owner.submit(&page, &[("name", "Acme \u{1f511} Ltd")]).await;
        assert_eq!(saved.leads_on(), "/settings?saved=1");
        owner
            .open("/settings?saved=1")
            .await
            .tells("Acme \u{1f511} Ltd");
        let stale = owner.submit(&page, &[("name", "Acme 3")]).await;
        assert_eq!(stale.status, 412, "{stale:?}");

        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open("/settings").await;
        page.is_page(200);
        page.tells("An owner of the account");
        page.tells_not("name=\"version\"");
    })
    .await;
}

#[tokio::test]
async fn both_environments_are_seen_side_by_side() {
    for_each_app(async |instance| {
        instance.key(json!({"environment": "test"})).await;
        instance
            .add_member("viewer@acme.test", "viewer", &instance.account_id())
            .await;
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open("/environments").await;
        page.is_page(200);
        for told in [
            "ck_live_",
            "ck_test_",
            "Base URLs",
            "<a href=\"/keys?environment=test\">1</a>",
            "<a href=\"/keys\">0</a>",
        ] {
            page.tells(told);
        }
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        let page = viewer.open("/environments").await;
        page.is_page(200);
        page.tells("ck_test_");
        page.tells_not("href=\"/keys");
        let mut operator = Browser::of(instance, "operator@claviger.test").await;
        operator.open("/environments").await.is_page(403);
        operator.open("/account").await.is_page(200);
    })
    .await;
}
