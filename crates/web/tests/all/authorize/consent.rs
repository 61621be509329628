//! What a user is asked, what is remembered, and what a user can give.

use claviger_service::testing::PASSWORD;
use futures_util::future::join_all;
use serde_json::json;

use super::requests::all_on;
use super::{Browser, CALLBACK, app, path, request, with};
use crate::instance::{Instance, for_each_app, for_each_app_with};
use crate::oauth::form;
use crate::requests::{delete, get, patch, post};

async fn count(instance: &Instance, action: &str) -> usize {
    let operator = instance.session("operator").await;
    let path = format!("/v1/audit?action={action}&limit=1000");
    let events = instance.send(get(&path).by(&operator)).await.is(200);
    events["data"].as_array().expect("events").len()
}

/// Makes a member of Acme a member of another account too; the account's id.
async fn second_account(instance: &Instance, email: &str, role: &str) -> String {
    let operator = instance.session("operator").await;
    let body = json!({"name": "Second Account"});
    let made = instance
        .send(post("/v1/accounts", &body).by(&operator))
        .await;
    let id = made.is(201)["id"].as_str().expect("an id").to_owned();
    instance.add_member("admin@second.test", "admin", &id).await;
    let admin = instance.sign_in("admin@second.test").await;
    let body = json!({"email": email, "role": role});
    let invited = instance.send(post("/v1/members", &body).by(&admin)).await;
    let body = json!({"token": invited.is(201)["token"], "password": PASSWORD});
    let accepted = post("/v1/invitations/accept", &body);
    instance.send(accepted).await.is(201);
    id
}

#[tokio::test]
async fn consent_is_remembered_extended_and_asked_for_again() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser.allow(&request(&id)).await;
        assert_eq!(count(instance, "grant.created").await, 1);
        // Less than was agreed to.
        let less = with(request(&id), "scope", Some("read:leads"));
        assert!(
            browser
                .open(&path(&less))
                .await
                .redirected(CALLBACK)
                .contains_key("code")
        );
        // More.
        let more = with(request(&id), "scope", Some("read:leads read:people"));
        let page = browser.open(&path(&more)).await;
        page.is_page(200);
        let new = page.text.find("May read people.").expect("what is new");
        let known = page.text.find("May read leads.").expect("what is known");
        assert!(new < known && page.text.contains("You have allowed before"));
        browser
            .submit(&page, &[("decision", "allow")])
            .await
            .redirected(CALLBACK);
        assert_eq!(count(instance, "grant.extended").await, 1);
        browser.open(&path(&more)).await.redirected(CALLBACK);
        // Asked again because the app wants it so.
        let again = with(more, "prompt", Some("consent"));
        browser.open(&path(&again)).await.is_page(200);
        // Another user has agreed to nothing.
        let mut other = Browser::of(instance, "owner@acme.test").await;
        other.open(&path(&request(&id))).await.is_page(200);
        assert_eq!(count(instance, "grant.created").await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_app_without_secret_on_the_users_device_always_asks() {
    for_each_app(async |instance| {
        let loopback = "http://127.0.0.1:5000/cb";
        let uris = json!([CALLBACK, "http://127.0.0.1/cb"]);
        let public = json!({"public": true, "redirect_uris": uris});
        let public = app(instance, public).await;
        let confidential = app(instance, json!({"redirect_uris": uris})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser.allow(&request(&public)).await;
        browser.allow(&request(&confidential)).await;
        // On the web it is remembered.
        browser
            .open(&path(&request(&public)))
            .await
            .redirected(CALLBACK);
        let on_device = |id: &str| with(request(id), "redirect_uri", Some(loopback));
        let page = browser.open(&path(&on_device(&public))).await;
        page.is_page(200);
        assert!(
            page.text
                .contains("a program on this device (127.0.0.1:5000)")
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("form-action 'self' http://127.0.0.1:5000 https:"),
            "{policy}"
        );
        browser
            .open(&path(&on_device(&confidential)))
            .await
            .redirected(loopback);
        let silent = with(on_device(&public), "prompt", Some("none"));
        let answer = browser.open(&path(&silent)).await.redirected(loopback);
        assert_eq!(answer["error"], "consent_required");
    })
    .await;
}

#[tokio::test]
async fn a_user_gives_what_the_role_holds_and_no_more() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        let page = viewer.open(&path(&request(&id))).await;
        page.is_page(200);
        assert!(page.text.contains("Not given") && page.text.contains("May write leads."));
        let hidden = page.hidden();
        assert!(
            hidden.contains(&("scopes".to_owned(), "read:leads".to_owned())),
            "{hidden:?}"
        );
        // What the page does not show cannot be added to the form.
        let action = page.form_action();
        let fields: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(name, value)| match name.as_str() {
                "scopes" => ("scopes", "read:leads write:leads read:people"),
                name => (name, value.as_str()),
            })
            .chain([("decision", "allow")])
            .collect();
        let back = viewer.send(form(&action, &fields)).await;
        assert!(back.redirected(CALLBACK).contains_key("code"));
        let event = instance.newest_event("grant.created").await;
        assert_eq!(event["after"]["scopes"], json!(["read:leads"]), "{event}");

        // Nothing of it: only Cancel, and whom to ask.
        let nothing = with(request(&id), "scope", Some("write:leads"));
        let page = viewer.open(&path(&nothing)).await;
        page.is_page(200);
        assert!(!page.text.contains("value=\"allow\""), "{}", page.text);
        assert!(page.text.contains("An owner or admin of the account can"));
        let forced = viewer.submit(&page, &[("decision", "allow")]).await;
        assert!(
            forced.leads_on().starts_with("/oauth/authorize?"),
            "{forced:?}"
        );
        viewer
            .submit(&page, &[("decision", "deny")])
            .await
            .sent_back("access_denied");
        let silent = with(request(&id), "prompt", Some("none"));
        viewer
            .open(&path(&silent))
            .await
            .sent_back("consent_required");
    })
    .await;
}

#[tokio::test]
async fn what_was_shown_is_what_is_given() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let user = instance
            .add_member("ana@acme.test", "viewer", &instance.account_id())
            .await;
        let mut ana = Browser::of(instance, "ana@acme.test").await;
        let page = ana.open(&path(&request(&id))).await;
        let owner = instance.session("owner").await;
        let edit = patch(&format!("/v1/members/{user}"), &json!({"role": "admin"})).by(&owner);
        instance.send(edit).await.is(200);
        ana.submit(&page, &[("decision", "allow")])
            .await
            .redirected(CALLBACK);
        let event = instance.newest_event("grant.created").await;
        assert_eq!(event["after"]["scopes"], json!(["read:leads"]), "{event}");
    })
    .await;
}

#[tokio::test]
async fn a_user_of_two_accounts_chooses_one() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let second = second_account(instance, "admin@acme.test", "viewer").await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let silent = with(request(&id), "prompt", Some("none"));
        browser
            .open(&path(&silent))
            .await
            .sent_back("account_selection_required");
        let choice = browser.open(&path(&request(&id))).await;
        choice.is_page(200);
        assert!(choice.text.contains("Acme") && choice.text.contains("Second Account"));
        let links: Vec<String> = choice
            .text
            .split("href=\"")
            .filter_map(|rest| Some(rest.split('"').next()?.replace("&#38;", "&")))
            .filter(|link| link.contains("account=acct_"))
            .collect();
        assert_eq!(links.len(), 2, "{}", choice.text);
        let link = links
            .iter()
            .find(|link| link.contains(&second))
            .expect("a link");
        let page = browser.open(link).await;
        page.is_page(200);
        assert!(page.text.contains("Second Account") && page.text.contains("Change"));
        // There the user is but a viewer.
        assert!(page.text.contains("Not given"), "{}", page.text);
        browser
            .submit(&page, &[("decision", "allow")])
            .await
            .redirected(CALLBACK);
        let event = instance.newest_event("grant.created").await;
        assert_eq!(event["account_id"], json!(second), "{event}");

        // From now on that is where the app acts.
        let less = with(request(&id), "scope", Some("read:leads"));
        browser.open(&path(&less)).await.redirected(CALLBACK);
        let elsewhere = with(less.clone(), "prompt", Some("select_account"));
        browser.open(&path(&elsewhere)).await.is_page(200);
        let own = with(less, "account", Some(&instance.account_id()));
        let page = browser.open(&path(&own)).await;
        page.is_page(200);
        let denied = browser.submit(&choice, &[("decision", "deny")]).await;
        denied.sent_back("access_denied");

        // Somebody takes the membership away while the page is open.
        let more = with(request(&id), "account", Some(&second));
        let more = with(more, "prompt", Some("consent"));
        let page = browser.open(&path(&more)).await;
        page.is_page(200);
        let operator = instance.session("operator").await;
        let me = instance
            .send(get("/v1/whoami").by(&instance.session("admin").await))
            .await;
        let me = me.is(200)["user"]["id"].as_str().expect("an id").to_owned();
        let gone = delete(&format!("/v1/members/{me}?account_id={second}")).by(&operator);
        instance.send(gone).await.is(200);
        let answer = browser.submit(&page, &[("decision", "allow")]).await;
        assert!(
            answer.leads_on().starts_with("/oauth/authorize?"),
            "{answer:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_suspended_while_the_page_is_open_gives_nothing() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let user = instance
            .add_member("ana@acme.test", "admin", &instance.account_id())
            .await;
        let mut ana = Browser::of(instance, "ana@acme.test").await;
        let page = ana.open(&path(&request(&id))).await;
        page.is_page(200);
        let operator = instance.session("operator").await;
        let suspend = patch(
            &format!("/v1/users/{user}"),
            &json!({"status": "suspended"}),
        );
        instance.send(suspend.by(&operator)).await.is(200);
        let answer = ana.submit(&page, &[("decision", "allow")]).await;
        let answer = ana.open(answer.leads_on()).await;
        assert!(answer.leads_on().starts_with("/sign-in"), "{answer:?}");
        assert_eq!(count(instance, "grant.created").await, 0);

        // The same of the account.
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open(&path(&request(&id))).await;
        let account = format!("/v1/accounts/{}", instance.account_id());
        let suspend = patch(&account, &json!({"status": "suspended"})).by(&operator);
        instance.send(suspend).await.is(200);
        let answer = admin.submit(&page, &[("decision", "allow")]).await;
        admin.open(answer.leads_on()).await.is_page(400);
        assert_eq!(count(instance, "grant.created").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_agree_at_once_to_one_grant() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open(&path(&request(&id))).await;
        let (action, hidden) = (page.form_action(), page.hidden());
        let mut fields: Vec<(&str, &str)> = hidden
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        fields.push(("decision", "allow"));
        let cookie = format!("claviger_session={}", browser.cookies["claviger_session"]);
        let posts =
            (0..64).map(|_| instance.send(form(&action, &fields).header("cookie", &cookie)));
        let answers = join_all(posts).await;
        let codes: std::collections::BTreeSet<String> = answers
            .iter()
            .map(|answer| answer.redirected(CALLBACK)["code"].clone())
            .collect();
        assert_eq!(codes.len(), 64);
        assert_eq!(count(instance, "grant.created").await, 1);
        assert_eq!(count(instance, "grant.extended").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_test_app_and_its_links_are_shown_as_such() {
    for_each_app_with(&all_on(), async |instance| {
        let more = json!({"name": "<b>Cal & Co</b>", "environment": "test",
            "client_uri": "https://app.test", "policy_uri": "https://app.test/privacy"});
        let id = app(instance, more).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open(&path(&request(&id))).await;
        page.is_page(200);
        assert!(page.text.contains("Test data only"));
        assert!(!page.text.contains("<b>Cal"), "{}", page.text);
        for link in ["https://app.test\"", "https://app.test/privacy\""] {
            assert!(page.text.contains(link), "{link}");
        }
        // A thumbprint that is none.
        let bound = with(request(&id), "dpop_jkt", Some("x"));
        browser
            .open(&path(&bound))
            .await
            .sent_back("invalid_request");
    })
    .await;
}
