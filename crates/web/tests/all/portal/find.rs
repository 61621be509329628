//! `/find`: whose key is this?

use serde_json::json;

use crate::authorize::Browser;
use crate::instance::for_each_app;
use crate::instance::text;
use crate::requests::delete;

#[tokio::test]
async fn a_whole_key_is_found_and_never_in_an_address() {
    for_each_app(async |instance| {
        let made = instance.key(json!({"name": "Nightly"})).await;
        let (id, key) = (text(&made, "id"), text(&made, "key").to_owned());
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let found = browser
            .fill_in("/find", &[("q", &format!("  {key} "))])
            .await;
        found.is_page(200);
        found.tells("Nightly");
        found.tells(&format!("/keys/{id}/revoke"));
        found.tells_not(&key);

        // A revoked one is found too: somebody wants to know what leaked.
        let admin = instance.session("admin").await;
        instance
            .send(delete(&format!("/api/keys/{id}")).by(&admin))
            .await
            .is(200);
        browser
            .fill_in("/find", &[("q", &key)])
            .await
            .tells("Nightly");

        // Another account learns nothing, a typo is told, and neither is shown again.
        instance.neighbour().await;
        let mut other = Browser::of(instance, "admin@neighbour.test").await;
        let page = other.fill_in("/find", &[("q", &key)]).await;
        page.tells("None of this account");
        page.tells_not("Nightly");
        let last = if key.ends_with('a') { "b" } else { "a" };
        let mistyped = format!("{}{last}", &key[..key.len() - 1]);
        let page = browser.fill_in("/find", &[("q", &mistyped)]).await;
        page.tells("This is mistyped");
        page.tells_not(&mistyped);
        page.tells_not(&key);

        // Neither where somebody has to sign in again.
        let page = browser.open("/find").await;
        browser.cookies.clear();
        let answer = browser.submit(&page, &[("q", &key)]).await;
        assert!(!answer.leads_on().contains(&key));
    })
    .await;
}

#[tokio::test]
async fn names_hints_and_ids_lead_to_keys_and_clients() {
    for_each_app(async |instance| {
        let made = instance.key(json!({"name": "100%_Nightly sync"})).await;
        let hint = text(&made, "hint");
        let other = instance.key(json!({"name": "Weekly"})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        for sought in ["nightly", "%_", "0%_n", hint] {
            let page = browser.fill_in("/find", &[("q", sought)]).await;
            page.is_page(200);
            page.tells("100%_Nightly sync");
            page.tells_not("Weekly");
        }
        let page = browser.fill_in("/find", &[("q", "no such name")]).await;
        page.tells("Nothing is called so");
        let id = text(&other, "id");
        let answer = browser.fill_in("/find", &[("q", id)]).await;
        assert_eq!(answer.leads_on(), format!("/keys/{id}"));
    })
    .await;
}
