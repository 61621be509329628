//! `/account` and what is below it: one's own name, password and sessions, other accounts.

use claviger_service::testing::PASSWORD;
use serde_json::json;

use crate::authorize::Browser;
use crate::instance::{for_each_app, text};
use crate::oauth::form;
use crate::requests::{Answer, get};

fn token_of(page: &Answer) -> String {
    let hidden = page.hidden();
    let found = hidden.iter().find(|(name, _)| name == "form_token");
    found.expect("a token").1.clone()
}

#[tokio::test]
async fn ones_name_is_changed_and_seen() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open("/account").await;
        page.is_page(200);
        for told in [
            "Account Settings",
            "admin@acme.test",
            "API Keys",
            "THIS ONE",
            "203.0.113.7",
        ] {
            page.tells(told);
        }
        let name = "Ana <i>Lima</i> \u{5d0}";
        let saved = admin.submit(&page, &[("name", name)]).await;
        assert_eq!(saved.leads_on(), "/account?done=name");
        let page = admin.open("/account?done=name").await;
        page.tells("Your name was saved.");
        page.tells("Ana &#60;i&#62;Lima");
        let mut owner = Browser::of(instance, "owner@acme.test").await;
        owner.open("/team").await.tells("Ana &#60;i&#62;Lima");
        let long = "x".repeat(201);
        let refused = admin.submit(&page, &[("name", &long)]).await;
        refused.is_page(422);
        refused.tells("id=\"name-problem\"");
        refused.tells(&long);
    })
    .await;
}

#[tokio::test]
async fn another_password_ends_all_other_sessions_and_this_ones_token() {
    for_each_app(async |instance| {
        let other = instance.sign_in("admin@acme.test").await;
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let before = admin.cookies["claviger_session"].clone();
        let new = "correct horse battery 9";
        for (old, new, field, told) in [
            ("wrong", new, "old_password", "is not your password"),
            (PASSWORD, "short", "new_password", "12"),
            (PASSWORD, "password1234", "new_password", ""),
        ] {
            let typed = [("old_password", old), ("new_password", new)];
            let page = admin.fill_in("/account/password", &typed).await;
            page.is_page(422);
            page.tells(&format!("id=\"{field}-problem\""));
            page.tells(told);
            page.tells_not(&format!("value=\"{old}\""));
            page.tells_not(&format!("value=\"{new}\""));
        }
        let typed = [("old_password", PASSWORD), ("new_password", new)];
        let changed = admin.fill_in("/account/password", &typed).await;
        assert_eq!(changed.leads_on(), "/account?done=password");
        admin.open("/account?done=password").await.is_page(200);
        assert_ne!(admin.cookies["claviger_session"], before);
        for gone in [other, before] {
            assert_eq!(instance.send(get("/v1/whoami").by(&gone)).await.status, 401);
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_with_a_password_fills_in_nothing_of_it_after_signing_in_again() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open("/account/password").await;
        admin.cookies.remove("claviger_session");
        let typed = [
            ("old_password", PASSWORD),
            ("new_password", "a new one of mine"),
        ];
        let answer = admin.submit(&page, &typed).await;
        let to = answer.leads_on();
        assert!(
            to.starts_with("/sign-in?next=") && !to.contains("mine"),
            "{to}"
        );
    })
    .await;
}

#[tokio::test]
async fn sessions_are_ended_from_the_page() {
    for_each_app(async |instance| {
        let second = instance.sign_in("admin@acme.test").await;
        let third = instance.sign_in("admin@acme.test").await;
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let listed = instance.send(get("/v1/sessions").by(&second)).await.is(200);
        let id = text(&listed["data"][0], "id").to_owned();
        let path = format!("/account/sessions/{id}/end");
        admin.open("/account").await.tells(&path);
        let ended = admin.fill_in(&path, &[]).await;
        assert_eq!(ended.leads_on(), "/account?done=session");
        assert_eq!(
            instance.send(get("/v1/whoami").by(&second)).await.status,
            401
        );
        instance.send(get("/v1/whoami").by(&third)).await.is(200);
        let ended = admin.fill_in("/account/sessions/end", &[]).await;
        assert_eq!(ended.leads_on(), "/account?done=sessions");
        assert_eq!(
            instance.send(get("/v1/whoami").by(&third)).await.status,
            401
        );

        let mut owner = Browser::of(instance, "owner@acme.test").await;
        let own = owner.open("/account").await;
        let listed = instance.sign_in("admin@acme.test").await;
        let listed = instance.send(get("/v1/sessions").by(&listed)).await.is(200);
        let foreign = text(&listed["data"][0], "id").to_owned();
        let path = format!("/account/sessions/{foreign}/end");
        owner.open(&path).await.is_page(404);
        let token = token_of(&own);
        owner
            .send(form(&path, &[("form_token", &token)]))
            .await
            .is_page(404);
    })
    .await;
}

#[tokio::test]
async fn one_goes_on_in_another_account_without_a_password() {
    for_each_app(async |instance| {
        let (neighbour, session) = instance.neighbour().await;
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        admin.open("/account").await.tells_not("Switch account");
        let body = json!({"email": "admin@acme.test", "role": "viewer"});
        let invited = instance
            .send(crate::requests::post("/v1/members", &body).by(&session))
            .await;
        let link = format!("/invitation?token={}", text(&invited.is(201), "token"));
        let offer = admin.open(&link).await;
        offer.tells("Join <bdi");
        offer.tells_not("type=\"password\"");
        let before = admin.cookies["claviger_session"].clone();
        assert_eq!(admin.submit(&offer, &[]).await.leads_on(), "/");
        assert_eq!(
            instance.send(get("/v1/whoami").by(&before)).await.status,
            401
        );
        let page = admin.open("/account").await;
        page.tells("Neighbour");
        page.tells("href=\"/account/switch\"");

        let choice = admin.open("/account/switch").await;
        choice.is_page(200);
        choice.tells("HERE NOW");
        let (token, acme) = (token_of(&choice), instance.account_id());
        let to = |account: &str| {
            form(
                "/account/switch",
                &[("form_token", &token), ("account_id", account)],
            )
        };
        admin
            .send(to("acct_00000000000000000000000000"))
            .await
            .is_page(403);
        admin.send(to("none")).await.is_page(403);
        assert_eq!(admin.send(to(&acme)).await.leads_on(), "/");
        let now = admin.cookies["claviger_session"].clone();
        let me = instance.send(get("/v1/whoami").by(&now)).await.is(200);
        assert_eq!(me["account"]["id"], acme.as_str());

        let mut operator = Browser::of(instance, "operator@claviger.test").await;
        let path = format!("/account/switch?account_id={neighbour}");
        let page = operator.open(&path).await;
        page.tells("entering is written to the account's audit log");
        let token = token_of(&page);
        let enter = form(
            "/account/switch",
            &[("form_token", &token), ("account_id", &neighbour)],
        );
        assert_eq!(operator.send(enter).await.leads_on(), "/");
        assert_eq!(
            instance.newest_event("operator.entered").await["target"],
            neighbour.as_str()
        );
        operator.open("/settings").await.tells("Neighbour");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_for_somebody_else_is_not_taken() {
    for_each_app(async |instance| {
        let (_, session) = instance.neighbour().await;
        let body = json!({"email": "owner@acme.test", "role": "viewer"});
        let invited = instance
            .send(crate::requests::post("/v1/members", &body).by(&session))
            .await;
        let link = format!("/invitation?token={}", text(&invited.is(201), "token"));
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open(&link).await;
        page.tells("Somebody else is signed in here");
        // Not either by a form that was open before.
        let mut nobody = Browser::new(instance);
        let open = nobody.open(&link).await;
        open.tells("Your password");
        nobody.cookies.extend(admin.cookies.clone());
        let form_cookie = open.headers.get_all("set-cookie").iter().next().is_some();
        assert!(form_cookie);
        let wrong = Browser::new(instance)
            .submit(&open, &[("password", PASSWORD)])
            .await;
        wrong.is_page(403);
        wrong.tells("This form is out of date");

        let mut owner = Browser::new(instance);
        let open = owner.open(&link).await;
        let wrong = owner
            .submit(&open, &[("password", "not the password")])
            .await;
        wrong.is_page(422);
        wrong.tells("Wrong password.");
        let joined = owner.submit(&open, &[("password", PASSWORD)]).await;
        assert_eq!(joined.leads_on(), "/");
        Browser::new(instance)
            .open("/invitation")
            .await
            .is_page(404);
    })
    .await;
}
