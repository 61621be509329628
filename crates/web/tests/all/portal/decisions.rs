//! `/decisions`: the list, the search, and one of them.

use serde_json::json;

use crate::authorize::{Browser, app, path, request, with};
use crate::instance::{for_each_app, text};

#[tokio::test]
async fn a_refusal_is_explained_and_leads_to_its_remedy() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let empty = browser.open("/decisions").await;
        empty.is_page(200);
        empty.tells("No requests yet");
        let made = instance.key(json!({"name": "Nightly <i>Export</i>"})).await;
        let (id, key) = (text(&made, "id"), text(&made, "key"));
        let ask = json!({"method": "GET", "path": "/v1/people", "ip": "192.0.2.2"});
        let decision = instance.verify(key, ask).await;
        let request_id = text(&decision, "request_id");

        let list = browser.open("/decisions").await;
        list.is_page(200);
        list.tells("REFUSED");
        list.tells("insufficient_scope");
        list.tells("Nightly &#60;i&#62;Export");
        list.tells_not(key);
        let page = browser.open(&format!("/decisions/{request_id}")).await;
        page.is_page(200);
        page.tells("This key lacks read:people.");
        page.tells("Does it hold the scopes?");
        page.tells("This decided.");
        page.tells("Add read:people");
        page.tells(&format!(
            "/keys/{id}?scopes=read%3Aleads&#38;scopes=read%3Apeople"
        ));
        page.tells("Not asked: what is refused takes nothing from the limit.");
    })
    .await;
}

#[tokio::test]
async fn whatever_one_has_in_hand_is_found_and_no_credential_gets_into_an_address() {
    for_each_app(async |instance| {
        let made = instance.key(json!({"name": "Nightly Export"})).await;
        let (id, key) = (text(&made, "id"), text(&made, "key"));
        let ask = json!({"method": "GET", "path": "/v1/leads", "ip": "192.0.2.2"});
        let decision = instance.verify(key, ask).await;
        let request_id = text(&decision, "request_id");
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/decisions").await;
        let by_id = format!("/decisions?credential={id}");
        for (typed, expected) in [
            (request_id, format!("/decisions/{request_id}")),
            ("192.0.2.2", "/decisions?address=192.0.2.2".to_owned()),
            (id, by_id.clone()),
            (key, by_id.clone()),
            ("nightly", by_id.clone()),
            ("", "/decisions".to_owned()),
        ] {
            let found = browser.submit(&page, &[("q", typed)]).await;
            assert_eq!(found.leads_on(), expected, "{typed}");
        }
        let fields = [
            ("q", id),
            ("outcome", "refused"),
            ("from", "2026-11-22T11:40"),
            ("to", ""),
        ];
        let found = browser.submit(&page, &fields).await;
        let narrow = format!("{by_id}&outcome=refused&from=2026-11-22T11%3A40");
        assert_eq!(found.leads_on(), narrow);
        browser.open(&by_id).await.tells("ALLOWED");
        let none = browser.open(&format!("{by_id}&outcome=refused")).await;
        none.tells("Nothing of the kind was kept");

        let wrong = if key.ends_with('x') { 'y' } else { 'x' };
        let mistyped = format!("{}{wrong}", &key[..key.len() - 1]);
        for (typed, told) in [
            (mistyped.as_str(), "is none of this account"),
            ("no such thing", "Nothing of late is called so"),
        ] {
            let again = browser.submit(&page, &[("q", typed)]).await;
            again.is_page(422);
            again.tells(told);
            again.tells_not(&mistyped);
        }
        let again = browser
            .submit(&page, &[("q", id), ("from", "yesterday")])
            .await;
        again.is_page(422);
        again.tells("Times are like");

        // A form that is out of date comes back, and without the credential.
        browser.cookies.remove("claviger_session");
        let sign_in = browser
            .submit(&page, &[("q", key), ("outcome", "refused")])
            .await;
        let to = sign_in.leads_on();
        assert!(to.contains("outcome") && !to.contains(&key[..12]), "{to}");
    })
    .await;
}

#[tokio::test]
async fn what_is_another_accounts_or_was_never_kept_is_not_there() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let ask = json!({"method": "GET", "path": "/v1/leads"});
        let decision = instance.verify(text(&made, "key"), ask).await;
        let path = format!("/decisions/{}", text(&decision, "request_id"));
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser.open(&path).await.is_page(200);
        let unknown = browser
            .open("/decisions/req_00000000000000000000000000")
            .await;
        unknown.is_page(404);
        unknown.tells("Nothing is kept of");
        browser.open("/decisions/x").await.is_page(404);

        instance.neighbour().await;
        let mut other = Browser::of(instance, "admin@neighbour.test").await;
        other.open(&path).await.is_page(404);
        let list = other.open("/decisions").await;
        list.is_page(200);
        list.tells("No requests yet");
        let of = format!("/decisions?credential={}", text(&made, "id"));
        other.open(&of).await.tells("Nothing of the kind");
        // Who is not signed in signs in first.
        let mut nobody = Browser::new(instance);
        assert!(
            nobody
                .open(&path)
                .await
                .leads_on()
                .starts_with("/sign-in?next=")
        );
        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        for path in ["/decisions", "/audit", "/usage", "/audit/export", &path] {
            let page = viewer.open(path).await;
            page.is_page(403);
            page.tells("Ask ");
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_authorization_is_told_to_the_apps_owner() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let wrong = with(request(&id), "redirect_uri", Some("https://app.test/cb/"));
        let page = browser.open(&path(&wrong)).await;
        let request_id = page.header("request-id").to_owned();
        let told = browser.open(&format!("/decisions/{request_id}")).await;
        told.is_page(200);
        told.tells("An authorization that failed");
        told.tells("is not registered");
        told.tells(&format!("/apps/{id}"));
    })
    .await;
}
