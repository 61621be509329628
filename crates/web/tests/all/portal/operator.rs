//! `/operator`: how the instance is, its rules, who runs it.

use claviger_service::testing::PASSWORD;
use serde_json::json;

use crate::authorize::Browser;
use crate::instance::{Instance, for_each_app};
use crate::requests::{get, post};

pub(super) const OPERATOR: &str = "operator@claviger.test";

/// A browser in which an operator is signed in, to no account.
pub(super) async fn operator(instance: &Instance) -> Browser<'_> {
    Browser::of(instance, OPERATOR).await
}

#[tokio::test]
async fn the_board_tells_how_the_instance_is() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let page = browser.open("/operator").await;
        page.is_page(200);
        for text in [
            "All is well.",
            "Credentials and accounts",
            "Decisions and uses",
            "this one",
            "1, none of them suspended.",
        ] {
            page.tells(text);
        }
        let policies = browser.open("/operator/policies").await;
        policies.is_page(200);
        for text in [
            "tokens.lifetime_seconds",
            "3600 s",
            "oauth.dpop",
            "ck_live_",
        ] {
            policies.tells(text);
        }
    })
    .await;
}

#[tokio::test]
async fn only_operators_come_in_and_others_are_told_who_can() {
    for_each_app(async |instance| {
        let id = instance.account_id();
        let mut browser = Browser::of(instance, "owner@acme.test").await;
        for path in [
            "/operator",
            "/operator/policies",
            "/operator/operators",
            "/operator/operators/new",
            "/operator/signing-keys",
            "/operator/signing-keys/rotate",
            "/operator/accounts",
            "/operator/accounts/new",
            &format!("/operator/accounts/{id}"),
            &format!("/operator/accounts/{id}/suspend"),
            &format!("/operator/accounts/{id}/end-tokens"),
            &format!("/operator/accounts/{id}/members/new"),
            "/operator/apis",
            "/operator/apis/new",
        ] {
            let page = browser.open(path).await;
            page.is_page(403);
            page.tells("These pages are for the operators of Claviger.");
        }
        // A form that is another session's cannot be sent either.
        let own = browser.open("/keys/new").await;
        let token = own.hidden()[0].clone();
        let sent = crate::oauth::form("/operator/accounts/new", &[(&token.0, &token.1)]);
        browser.send(sent).await.is_page(403);
        browser.open("/keys").await.tells_not("/operator");

        let mut nobody = Browser::new(instance);
        let answer = nobody.open("/operator").await;
        assert!(answer.leads_on().starts_with("/sign-in?next="));
    })
    .await;
}

#[tokio::test]
async fn an_operator_makes_another_one() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let path = "/operator/operators/new";
        let typed = [("email", "second@claviger.test"), ("password", "short")];
        let page = browser.fill_in(path, &typed).await;
        page.is_page(422);
        page.tells("value=\"second@claviger.test\"");
        page.tells("<a href=\"#password\">");
        page.tells_not("value=\"short\"");
        let typed = [("email", "second@claviger.test"), ("password", PASSWORD)];
        let added = browser.submit(&page, &typed).await;
        let list = browser.open(added.leads_on()).await;
        list.tells("The operator was added.");
        list.tells("second@claviger.test");
        let again = [("email", "second@claviger.test")];
        browser.fill_in(path, &again).await.is_page(409);
        operator(instance)
            .await
            .open("/operator")
            .await
            .is_page(200);
        let signed_in = instance.sign_in("second@claviger.test").await;
        let accounts = get("/v1/accounts").by(&signed_in);
        instance.send(accounts).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn signing_keys_are_rotated_and_withdrawn() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let path = "/operator/signing-keys";
        let wrong = [("algorithm", "HS256")];
        browser
            .fill_in(&format!("{path}/rotate"), &wrong)
            .await
            .is_page(422);
        let typed = [("algorithm", "EdDSA")];
        let done = browser.fill_in(&format!("{path}/rotate"), &typed).await;
        let list = browser.open(done.leads_on()).await;
        list.tells("The next key was made.");
        list.tells("EdDSA");
        let operator = instance.session("operator").await;
        let keys = instance.send(get("/v1/signing-keys").by(&operator)).await;
        let keys = keys.is(200);
        let mut key = keys["data"].as_array().expect("keys").iter();
        let key = key.rfind(|key| key["algorithm"] == "EdDSA").expect("a key");
        let id = key["id"].as_str().expect("an id");
        let ask = browser.open(&format!("{path}/{id}/withdraw")).await;
        ask.is_page(200);
        ask.tells("is refused with 401, on every node");
        let done = browser.submit(&ask, &[]).await;
        browser.open(done.leads_on()).await.tells("WITHDRAWN");
        let unknown = format!("{path}/sgn_00000000000000000000000000/withdraw");
        assert_eq!(browser.open(&unknown).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn the_board_counts_suspended_accounts() {
    for_each_app(async |instance| {
        let session = instance.session("operator").await;
        let made = post("/v1/accounts", &json!({"name": "Globex"})).by(&session);
        instance.send(made).await.is(201);
        let path = format!("/v1/accounts/{}", instance.account_id());
        let suspend = crate::requests::patch(&path, &json!({"status": "suspended"}));
        instance.send(suspend.by(&session)).await.is(200);
        let mut browser = operator(instance).await;
        let page = browser.open("/operator").await;
        page.tells("2, 1 of them suspended.");
    })
    .await;
}
