//! `/clients` and what is below it.

use claviger_service::clients::rotations;
use serde_json::Value;

use crate::authorize::Browser;
use crate::instance::{Instance, for_each_app};
use crate::oauth::{TestClient, form};
use crate::requests::{Answer, get};

const TYPED: [(&str, &str); 3] = [
    ("name", "Nightly <b>import</b>"),
    ("scopes", "read:leads"),
    ("scopes", "read:people"),
];

async fn clients(instance: &Instance) -> Vec<Value> {
    let admin = instance.session("admin").await;
    let listed = instance
        .send(get("/v1/clients?status=all").by(&admin))
        .await;
    listed.is(200)["data"].as_array().expect("a list").clone()
}

async fn works(instance: &Instance, client: &TestClient) -> bool {
    instance.send(client.form(&[])).await.status == 200
}

/// What a page shows once: the client's id, and a secret of it.
#[track_caller]
fn shown(page: &Answer) -> TestClient {
    page.is_page(200);
    let secrets = page.shown_secrets();
    assert_eq!(secrets.len(), 2, "{page:?}");
    TestClient {
        id: secrets[0].clone(),
        secret: secrets[1].clone(),
        secret_id: String::new(),
    }
}

async fn created(browser: &mut Browser<'_>) -> TestClient {
    shown(&browser.fill_in("/clients/new", &TYPED).await)
}

#[tokio::test]
async fn credentials_are_created_shown_once_and_listed_with_their_id() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let empty = browser.open("/clients").await;
        empty.tells("None yet");
        empty.tells("Create API credentials");
        let form = browser.open("/clients/new").await;
        let page = browser.submit(&form, &TYPED).await;
        let client = shown(&page);
        page.tells("Copy Client ID");
        page.tells("Copy Client Secret");
        page.tells("grant_type=client_credentials");
        assert!(works(instance, &client).await);
        let list = browser.open("/clients").await;
        list.tells("Nightly &#60;b&#62;import");
        list.tells(&client.id);
        list.tells_not(&client.secret);
        let own = browser.open(&format!("/clients/{}", client.id)).await;
        own.tells("Copy Client ID");
        own.tells(&client.secret[client.secret.len() - 4..]);
        own.tells_not(&client.secret);
        // A reload neither creates nor shows.
        let reload = browser.submit(&form, &TYPED).await;
        reload.tells("This was created before");
        reload.tells_not(&client.secret);
        assert_eq!(clients(instance).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_everything_is_a_choice() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let typed = [
            ("name", ""),
            ("description", "What for"),
            ("tokens_per_day", "many"),
        ];
        let page = browser.fill_in("/clients/new", &typed).await;
        page.is_page(422);
        page.tells("Tokens a day must be a whole number.");
        page.tells("value=\"What for\"");
        let page = browser.fill_in("/clients/new", &[("name", "")]).await;
        page.is_page(422);
        for field in ["name", "scopes"] {
            page.tells(&format!("id=\"{field}-problem\""));
        }
        let longer = [&TYPED[..], &[("token_lifetime_seconds", "999999")]].concat();
        let page = browser.fill_in("/clients/new", &longer).await;
        page.is_page(422);
        page.tells("id=\"token_lifetime_seconds-problem\"");
        assert!(clients(instance).await.is_empty());
        let all = [("name", "All"), ("scopes", "all"), ("environment", "test")];
        let client = shown(&browser.fill_in("/clients/new", &all).await);
        assert!(client.secret.starts_with("cs_test_"));
        assert_eq!(clients(instance).await[0]["scopes"], "all");
        browser.open("/clients").await.tells("None yet");
        browser
            .open("/clients?environment=test")
            .await
            .tells(&client.id);
    })
    .await;
}

#[tokio::test]
async fn secrets_are_added_and_revoked_one_by_one() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let first = created(&mut browser).await;
        let path = format!("/clients/{}", first.id);
        let new = format!("{path}/secrets/new");
        let bad = [("description", "New"), ("expires_at", "2020-01-01")];
        let page = browser.fill_in(&new, &bad).await;
        page.is_page(422);
        page.tells("id=\"expires_at-problem\"");
        let typed = [("description", "New server"), ("expires_at", "2090-01-01")];
        let second = shown(&browser.fill_in(&new, &typed).await);
        assert!(works(instance, &first).await && works(instance, &second).await);
        let page = browser.open(&path).await;
        page.tells("New server");
        page.tells("Last used");
        let secrets = clients(instance).await[0]["secrets"].clone();
        let old = secrets[0]["id"].as_str().expect("an id");
        let revoke = format!("{path}/secrets/{old}/revoke");
        let confirm = browser.open(&revoke).await;
        confirm.tells("It was used once, last");
        assert!(works(instance, &first).await);
        let done = browser.submit(&confirm, &[]).await;
        let page = browser.open(done.leads_on()).await;
        page.tells("No node takes the secret");
        page.tells("REVOKED");
        assert!(!works(instance, &first).await && works(instance, &second).await);
        // Pressed twice, it is no error.
        browser.submit(&confirm, &[]).await.leads_on();
        let nothing = format!("{path}/secrets/sec_00000000000000000000000000/revoke");
        browser.open(&nothing).await.is_page(404);
    })
    .await;
}

#[tokio::test]
async fn a_rotation_shows_both_in_traffic_and_can_be_stopped_kept_and_cancelled() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let old = created(&mut browser).await;
        let path = format!("/clients/{}", old.id);
        let rotate = format!("{path}/rotate");
        let form = browser.open(&rotate).await;
        form.tells("value=\"after_first_use\" checked");
        let after = [("old_ends", "after_first_use"), ("grace_seconds", "3600")];
        let new = shown(&browser.submit(&form, &after).await);
        assert!(works(instance, &old).await && works(instance, &new).await);
        rotations::watch(instance.app()).await.expect("looks");
        let page = browser.open(&path).await;
        page.tells("A rotation is under way");
        page.tells("RETIRING");
        page.tells("was first used");
        page.tells("Silent since");

        let kept = browser
            .fill_in(&format!("{rotate}/longer"), &[("at", "2090-01-01")])
            .await;
        let page = browser.open(kept.leads_on()).await;
        page.tells("kept longer");
        page.tells("2 January 2090");
        let cancelled = browser.fill_in(&format!("{rotate}/cancel"), &[]).await;
        let page = browser.open(cancelled.leads_on()).await;
        page.tells("The rotation is cancelled");
        page.tells_not("A rotation is under way");
        assert!(works(instance, &old).await && !works(instance, &new).await);

        let new = shown(&browser.fill_in(&rotate, &after).await);
        let stop = browser.open(&format!("{rotate}/stop")).await;
        stop.tells("It is not safe yet");
        browser.submit(&stop, &[]).await.leads_on();
        assert!(!works(instance, &old).await && works(instance, &new).await);
        // Nothing is under way any more, and a button pressed twice only leads back.
        browser.submit(&stop, &[]).await.leads_on();
        for bad in [
            &[("old_ends", "at")][..],
            &[("old_ends", "")],
            &[("old_ends", "after_first_use"), ("grace_seconds", "x")],
        ] {
            let page = browser.fill_in(&rotate, bad).await;
            page.is_page(422);
            page.tells("-problem\"");
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_is_edited_its_tokens_ended_and_deleted() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let client = created(&mut browser).await;
        let path = format!("/clients/{}", client.id);
        let edit = browser.open(&format!("{path}/edit")).await;
        edit.tells("<option value=\"read:people\" selected>");
        let typed = [
            ("name", "Renamed"),
            ("scopes", "read:people"),
            ("tokens_per_day", "10"),
        ];
        let saved = browser.submit(&edit, &typed).await;
        let page = browser.open(saved.leads_on()).await;
        page.tells("Saved.");
        page.tells("Renamed");
        page.tells("0 of 10");
        let stale = browser
            .submit(&edit, &[("name", "X"), ("scopes", "all")])
            .await;
        stale.is_page(412);

        let token = client.token(instance).await;
        browser.open("/clients").await.tells("1 of 10");
        let ended = browser.fill_in(&format!("{path}/end-tokens"), &[]).await;
        browser
            .open(ended.leads_on())
            .await
            .tells("All tokens are ended");
        instance
            .check(&token, serde_json::json!({}), "revoked")
            .await;
        let confirm = browser.open(&format!("{path}/delete")).await;
        confirm.tells("It is in use");
        let deleted = browser.submit(&confirm, &[]).await;
        let page = browser.open(deleted.leads_on()).await;
        page.tells("REVOKED");
        page.tells_not("Rotate");
        assert!(!works(instance, &client).await);
        browser.submit(&confirm, &[]).await.leads_on();
    })
    .await;
}

#[tokio::test]
async fn limits_outlive_the_session_in_which_they_were_typed() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let client = created(&mut browser).await;
        let page = browser.open(&format!("/clients/{}/edit", client.id)).await;
        browser.cookies.retain(|name, _| name != "claviger_session");
        let typed = [
            &TYPED[..],
            &[("tokens_per_day", "10"), ("token_lifetime_seconds", "600")],
        ];
        let answer = browser.submit(&page, &typed.concat()).await;
        let sign_in = browser.open(answer.leads_on()).await;
        let fields = [
            ("email", "admin@acme.test"),
            ("password", claviger_service::testing::PASSWORD),
        ];
        let back = browser.submit(&sign_in, &fields).await;
        let page = browser.open(back.leads_on()).await;
        page.tells("name=\"tokens_per_day\" type=\"number\" value=\"10\"");
        page.tells("name=\"token_lifetime_seconds\" type=\"number\" value=\"600\"");
    })
    .await;
}

#[tokio::test]
async fn others_clients_are_not_there_and_roles_say_who_can() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let client = created(&mut admin).await;
        let secret = clients(instance).await[0]["secrets"][0]["id"].clone();
        let secret = secret.as_str().expect("an id");
        let path = format!("/clients/{}", client.id);
        let pages = [
            path.clone(),
            format!("{path}/edit"),
            format!("{path}/delete"),
            format!("{path}/end-tokens"),
            format!("{path}/secrets/new"),
            format!("{path}/secrets/{secret}/revoke"),
            format!("{path}/rotate"),
            format!("{path}/rotate/stop"),
            format!("{path}/rotate/longer"),
            format!("{path}/rotate/cancel"),
        ];
        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        instance.neighbour().await;
        let mut other = Browser::of(instance, "admin@neighbour.test").await;
        let token = other.open("/clients/new").await.hidden().remove(0).1;
        for page in &pages {
            let refused = viewer.open(page).await;
            refused.is_page(403);
            refused.tells("admin@acme.test");
            other.open(page).await.is_page(404);
            if *page != path {
                let sent = form(page, &[("form_token", &token)]);
                other.send(sent).await.is_page(404);
            }
        }
        for page in ["/clients", "/clients/new"] {
            viewer.open(page).await.is_page(403);
        }
        assert!(works(instance, &client).await);
    })
    .await;
}
