//! `/connected-apps`: what apps may do, and its end in two clicks.

use serde_json::json;

use super::{Browser, CALLBACK, app, path, request};
use crate::instance::for_each_app;
use crate::oauth::form;
use crate::requests::Answer;

/// The first link of a page that ends like this.
fn link(page: &Answer, end: &str) -> Option<String> {
    let links = page.text.split("href=\"").skip(1);
    let links = links.filter_map(|rest| rest.split('"').next());
    links.map(str::to_owned).find(|link| link.ends_with(end))
}

#[tokio::test]
async fn an_app_is_listed_and_disconnected_in_two_clicks() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let empty = browser.open("/connected-apps").await;
        empty.is_page(200);
        assert!(empty.text.contains("No app is connected"), "{}", empty.text);
        browser.allow(&request(&id)).await;
        let list = browser.open("/connected-apps").await;
        list.is_page(200);
        for told in [
            "Calendar",
            "Acme",
            "May read leads.",
            "write:leads",
            "since",
        ] {
            assert!(list.text.contains(told), "{told}: {}", list.text);
        }
        let first = link(&list, "/disconnect").expect("a link");
        let confirm = browser.open(&first).await;
        confirm.is_page(200);
        assert!(
            confirm.text.contains("Disconnect Calendar?"),
            "{}",
            confirm.text
        );

        // Nobody else does it, and no other site.
        let mut other = Browser::of(instance, "owner@acme.test").await;
        let others = other.open("/connected-apps").await;
        assert!(!others.text.contains("Calendar"));
        other.open(&first).await.is_page(404);
        let token = others.hidden().remove(0).1;
        other
            .send(form(&first, &[("form_token", &token)]))
            .await
            .is_page(404);
        browser
            .send(form(&first, &[("form_token", &token)]))
            .await
            .is_page(403);
        browser.send(form(&first, &[])).await.is_page(403);
        browser
            .open(&path(&request(&id)))
            .await
            .redirected(CALLBACK);

        let gone = browser.submit(&confirm, &[]).await;
        assert_eq!(gone.leads_on(), "/connected-apps");
        let list = browser.open("/connected-apps").await;
        assert!(!list.text.contains("Calendar"), "{}", list.text);
        // The app has to ask again.
        browser.open(&path(&request(&id))).await.is_page(200);
        assert_eq!(
            instance.newest_event("grant.ended").await["after"]["ended_by"],
            "disconnected"
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_not_signed_in_does_so_first() {
    for_each_app(async |instance| {
        let mut browser = Browser::new(instance);
        let answer = browser.open("/connected-apps").await;
        assert_eq!(answer.leads_on(), "/sign-in?next=%2Fconnected-apps");
        let odd = "/connected-apps/grt_00000000000000000000000000/disconnect";
        let posted = browser.send(form(odd, &[])).await;
        assert_eq!(posted.leads_on(), "/sign-in");
        browser
            .cookies
            .insert("claviger_session".to_owned(), "ses_x".to_owned());
        browser.open("/connected-apps").await.leads_on();
    })
    .await;
}
