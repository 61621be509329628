//! `/keys` and what is below it.

use serde_json::Value;

use crate::authorize::Browser;
use crate::instance::{Instance, for_each_app};
use crate::oauth::form;
use crate::requests::{Answer, get};

/// What is typed into the form of a new key.
const TYPED: [(&str, &str); 4] = [
    ("name", "Reporting <b>Script</b>"),
    ("scopes", "read:leads"),
    ("scopes", "read:people"),
    ("active", "yes"),
];

async fn keys(instance: &Instance) -> Vec<Value> {
    let admin = instance.session("admin").await;
    let listed = instance.send(get("/api/keys?status=all").by(&admin)).await;
    listed.is(200).as_array().expect("a list").clone()
}

/// Whether a key is taken by the demo.
async fn works(instance: &Instance, key: &str) -> u16 {
    instance.send(get("/demo/v1/leads").by(key)).await.status
}

async fn created(browser: &mut Browser<'_>) -> (Answer, String) {
    let page = browser.fill_in("/keys/new", &TYPED).await;
    page.is_page(200);
    let secrets = page.shown_secrets();
    assert_eq!(secrets.len(), 1, "{page:?}");
    (page, secrets[0].clone())
}

#[tokio::test]
async fn a_key_is_created_shown_once_and_listed() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let empty = browser.open("/keys").await;
        empty.is_page(200);
        empty.tells("No keys yet");
        let (page, key) = created(&mut browser).await;
        page.tells("API key created");
        page.tells("Reporting &#60;b&#62;Script");
        assert!(key.starts_with("ck_live_"), "{key}");
        let list = browser.open("/keys").await;
        list.tells("ACTIVE");
        list.tells(&key[key.len() - 4..]);
        list.tells_not(&key);
        assert_eq!(keys(instance).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_form_sent_twice_creates_once_and_shows_only_to_whom_it_was_not_shown() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/keys/new").await;
        let before = browser.cookies.clone();
        let first = browser.submit(&page, &TYPED).await;
        let key = first.shown_secrets();
        assert_eq!(key.len(), 1);

        // A reload: the browser has the cookie of the first answer.
        let reload = browser.submit(&page, &TYPED).await;
        reload.is_page(200);
        reload.tells("This was created before");
        reload.tells_not(&key[0]);

        // A double click: the second press left before the first answer came.
        let cookies = std::mem::replace(&mut browser.cookies, before);
        let double = browser.submit(&page, &TYPED).await;
        assert_eq!(double.shown_secrets(), key);
        browser.cookies = cookies;

        // Back, something else typed, sent again: nothing is created unasked.
        let other = [("name", "Other"), ("scopes", "read:leads")];
        let changed = browser.submit(&page, &other).await;
        changed.is_page(422);
        changed.tells("This form was sent before with other values");
        assert_eq!(keys(instance).await.len(), 1);
        let asked_for = browser.submit(&changed, &other).await;
        assert_eq!(asked_for.shown_secrets().len(), 1);
        assert_eq!(keys(instance).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_what_was_typed_stays() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let typed = [
            ("name", ""),
            ("description", "What for"),
            ("expires_at", "2020-01-01"),
            ("allowed_ips", "203.0.113.0/24\r\nnowhere"),
        ];
        let page = browser.fill_in("/keys/new", &typed).await;
        page.is_page(422);
        page.tells("<title>Error: ");
        for field in ["name", "scopes", "expires_at", "allowed_ips"] {
            page.tells(&format!("<a href=\"#{field}\">"));
            page.tells(&format!("id=\"{field}-problem\""));
        }
        page.tells("value=\"What for\"");
        page.tells("203.0.113.0/24\nnowhere");
        assert!(keys(instance).await.is_empty());
        let no_number = [&TYPED[..], &[("rate_limit", "x")]].concat();
        let page = browser.fill_in("/keys/new", &no_number).await;
        page.is_page(422);
        page.tells("Requests must be a whole number.");
    })
    .await;
}

#[tokio::test]
async fn a_link_fills_the_form_in() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let link =
            "/keys/new?name=Nightly&scopes=read:leads&environment=test&expires_at=2030-01-31";
        let page = browser.open(link).await;
        page.is_page(200);
        page.tells("value=\"Nightly\"");
        page.tells("<option value=\"read:leads\" selected>");
        page.tells("value=\"test\" checked");
        page.tells("value=\"2030-01-31\"");
    })
    .await;
}

#[tokio::test]
async fn whoever_has_to_sign_in_again_finds_what_was_typed() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/keys/new").await;
        browser.cookies.retain(|name, _| name != "claviger_session");
        let answer = browser.submit(&page, &TYPED).await;
        let to = answer.leads_on().to_owned();
        assert!(to.starts_with("/sign-in?next="), "{to}");
        let sign_in = browser.open(&to).await;
        let fields = [
            ("email", "admin@acme.test"),
            ("password", claviger_service::testing::PASSWORD),
        ];
        let back = browser.submit(&sign_in, &fields).await;
        let back = back.leads_on().to_owned();
        assert!(back.starts_with("/keys/new?"), "{back}");
        let page = browser.open(&back).await;
        page.is_page(200);
        page.tells("Nothing was done");
        page.tells("Reporting &#60;b&#62;Script");
        page.tells("<option value=\"read:people\" selected>");
        assert!(keys(instance).await.is_empty());
        let answer = browser.submit(&page, &TYPED).await;
        assert_eq!(answer.shown_secrets().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn scopes_and_activity_change_for_the_next_request() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let (_, key) = created(&mut browser).await;
        let id = keys(instance).await[0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let path = format!("/keys/{id}");
        let typed = |scopes: &'static str, active: &'static str| {
            [("name", "Renamed"), ("scopes", scopes), ("active", active)]
        };
        let saved = browser.fill_in(&path, &typed("read:people", "yes")).await;
        let page = browser.open(saved.leads_on()).await;
        page.tells("Saved.");
        page.tells("Renamed");
        assert_eq!(works(instance, &key).await, 403);
        browser.fill_in(&path, &typed("read:leads", "no")).await;
        browser.open("/keys").await.tells("INACTIVE");
        assert_eq!(works(instance, &key).await, 401);
        browser.fill_in(&path, &typed("read:leads", "yes")).await;
        assert_eq!(works(instance, &key).await, 200);

        // Somebody else has saved in the meantime.
        let stale = browser.open(&path).await;
        browser.fill_in(&path, &typed("read:people", "yes")).await;
        let refused = browser.submit(&stale, &typed("read:leads", "yes")).await;
        refused.is_page(412);
        refused.tells("Renamed");
    })
    .await;
}

#[tokio::test]
async fn a_key_is_revoked_with_a_receipt() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let (_, key) = created(&mut browser).await;
        let id = keys(instance).await[0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let path = format!("/keys/{id}/revoke");
        let confirm = browser.open(&path).await;
        confirm.is_page(200);
        assert_eq!(works(instance, &key).await, 200);
        let receipt = browser.submit(&confirm, &[("reason", "leaked")]).await;
        receipt.is_page(200);
        receipt.tells("is revoked");
        receipt.tells("Acknowledged by");
        assert_eq!(works(instance, &key).await, 401);
        let page = browser.open(&format!("/keys/{id}")).await;
        page.tells("REVOKED");
        page.tells_not("Save Changes");
        // A second time is no error.
        browser.submit(&confirm, &[]).await.is_page(200);
    })
    .await;
}

#[tokio::test]
async fn others_keys_are_not_there_and_roles_say_who_can() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        created(&mut admin).await;
        let id = keys(instance).await[0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        for path in ["/keys", "/keys/new", &format!("/keys/{id}")] {
            let page = viewer.open(path).await;
            page.is_page(403);
            page.tells("admin@acme.test");
        }
        instance.neighbour().await;
        let mut other = Browser::of(instance, "admin@neighbour.test").await;
        for path in [format!("/keys/{id}"), format!("/keys/{id}/revoke")] {
            other.open(&path).await.is_page(404);
        }
        let token = other.open("/keys/new").await.hidden().remove(0).1;
        let path = format!("/keys/{id}/revoke");
        other
            .send(form(&path, &[("form_token", &token)]))
            .await
            .is_page(404);
        let forged = admin.send(form(&path, &[("form_token", &token)])).await;
        assert!(forged.leads_on().starts_with(&path));
        let elsewhere = form(&path, &[]).header("sec-fetch-site", "cross-site");
        admin.send(elsewhere).await.is_page(403);
        assert_eq!(keys(instance).await[0]["status"], "active");
    })
    .await;
}
