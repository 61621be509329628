//! `/audit`: the list, the search, the export, and the chain.

use serde_json::{Value, json};

use crate::authorize::Browser;
use crate::instance::{for_each_app, text};

#[tokio::test]
async fn a_change_is_shown_with_what_was_before_and_after() {
    for_each_app(async |instance| {
        let key = instance.key(json!({"name": "Old <b>name"})).await;
        instance.edit_key(&key, json!({"name": "New name"})).await;
        let id = text(&key, "id");
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let list = browser
            .open(&format!("/audit?target={id}&action=key.changed"))
            .await;
        list.is_page(200);
        for told in [
            "key.changed",
            "admin@acme.test",
            "<del class=\"wrap\">Old &#60;b&#62;name</del>",
            "<ins class=\"wrap\">New name</ins>",
            "/audit/export?action=key.changed&#38;target=",
        ] {
            list.tells(told);
        }
        list.tells_not("<ins class=\"wrap\">read:leads</ins>");
        let whole = browser.open("/audit").await;
        whole.is_page(200);
        whole.tells("Its hash");
        whole.tells_not("Check the chain now");
        let none = browser
            .open("/audit?actor=usr_00000000000000000000000000")
            .await;
        none.tells("Nothing of the kind happened");
    })
    .await;
}

#[tokio::test]
async fn people_and_things_are_found_and_no_credential_gets_into_an_address() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let (id, key) = (text(&made, "id"), text(&made, "key"));
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/audit").await;
        for (typed, expected) in [
            (id, format!("/audit?target={id}")),
            (key, format!("/audit?target={id}")),
            ("system", "/audit?actor=system".to_owned()),
            ("", "/audit".to_owned()),
        ] {
            let found = browser.submit(&page, &[("q", typed)]).await;
            assert_eq!(found.leads_on(), expected, "{typed}");
        }
        let found = browser.submit(&page, &[("q", "Admin@acme.test")]).await;
        let by = found.leads_on().to_owned();
        assert!(by.starts_with("/audit?actor=usr_"), "{by}");
        browser.open(&by).await.tells("key.created");
        let only = [("action", "key.created"), ("to", "2020-01-01T00:00")];
        let found = browser.submit(&page, &only).await;
        assert_eq!(
            found.leads_on(),
            "/audit?action=key.created&to=2020-01-01T00%3A00"
        );
        let wrong = if key.ends_with('x') { 'y' } else { 'x' };
        let mistyped = format!("{}{wrong}", &key[..key.len() - 1]);
        for typed in [&mistyped, "operator@claviger.test", "nothing", "a b_c"] {
            let again = browser.submit(&page, &[("q", typed)]).await;
            again.is_page(422);
            again.tells_not(&mistyped);
        }
        let again = browser.submit(&page, &[("from", "x")]).await;
        again.is_page(422);
        // Of what an address has, only what can be no credential is taken.
        let odd = browser.open(&format!("/audit?target={key}&action=x")).await;
        odd.is_page(200);
        odd.tells("key.created");
        odd.tells_not(key);
    })
    .await;
}

#[tokio::test]
async fn an_export_has_all_events_of_the_account_and_no_other() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        instance.neighbour().await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let export = browser.open("/audit/export").await;
        assert_eq!(export.status, 200);
        assert_eq!(export.header("content-type"), "application/jsonl");
        assert!(
            export
                .header("content-disposition")
                .starts_with("attachment; filename=\"audit-")
        );
        let lines: Vec<Value> = export
            .text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an entry"))
            .collect();
        let (signed, events): (Vec<Value>, Vec<Value>) = lines
            .into_iter()
            .partition(|line| line.get("checkpoint").is_some());
        assert!(events.len() > 3 && !signed.is_empty());
        let account = instance.account_id();
        assert!(
            events
                .iter()
                .all(|event| event["account_id"] == account.as_str())
        );
        let id = text(&made, "id");
        let one = browser.open(&format!("/audit/export?target={id}")).await;
        assert_eq!(one.text.lines().count(), 2, "a checkpoint and an event");
        one.tells("key.created");
        one.tells_not(text(&made, "key"));
        let none = browser
            .open("/audit/export?actor=system&action=key.revoked")
            .await;
        assert_eq!((none.status, none.text.as_str()), (200, ""));
    })
    .await;
}

#[tokio::test]
async fn an_operator_follows_the_whole_chain_and_nobody_else_does() {
    for_each_app(async |instance| {
        let mut operator = Browser::of(instance, "operator@claviger.test").await;
        let page = operator.open("/audit").await;
        page.is_page(200);
        let checked = operator.submit(&page, &[("check", "1")]).await;
        checked.is_page(200);
        checked.tells("The chain is intact");
        let signed = operator.submit(&page, &[("sign", "1")]).await;
        signed.is_page(200);
        signed.tells("A checkpoint is signed");
        signed.tells("SHA256:");
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open("/audit").await;
        page.tells_not("Sign a checkpoint now");
        for asked in ["check", "sign"] {
            admin.submit(&page, &[(asked, "1")]).await.is_page(403);
        }
    })
    .await;
}

#[tokio::test]
async fn the_proof_of_an_event_is_a_file_for_those_who_may_see_it() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let id = text(&made, "id");
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open(&format!("/audit?target={id}")).await;
        let (_, rest) = page.text.split_once("href=\"/audit/evt_").expect("a link");
        let path = format!("/audit/evt_{}", rest.split('"').next().unwrap_or_default());
        let proof = browser.open(&path).await;
        assert_eq!(
            (proof.status, proof.header("content-type")),
            (200, "application/json")
        );
        let document: Value = serde_json::from_str(&proof.text).expect("a document");
        assert_eq!(document["target"], json!(id));
        assert!(document["proof"]["path"].is_array() && document["checkpoint"].is_string());
        instance.session("viewer").await;
        let mut other = Browser::of(instance, "viewer@acme.test").await;
        other.open(&path).await.is_page(403);
        let none = "/audit/evt_00000000000000000000000000/proof";
        browser.open(none).await.is_page(404);
    })
    .await;
}
