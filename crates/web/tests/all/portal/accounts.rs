//! `/operator/accounts` and what is below it.

use claviger_service::testing::PASSWORD;
use serde_json::json;

use super::operator::operator;
use crate::instance::for_each_app;
use crate::requests::{get, post};

const PATH: &str = "/operator/accounts";

#[tokio::test]
async fn an_account_is_made_found_and_renamed() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let new = format!("{PATH}/new");
        let refused = browser.fill_in(&new, &[("name", " ")]).await;
        refused.is_page(422);
        refused.tells("Name must not be empty.");
        let page = browser.open(&new).await;
        let typed = [("name", "Globex <i>100%</i>")];
        let made = browser.submit(&page, &typed).await;
        let own = made.leads_on().to_owned();
        // The same form twice makes one account.
        assert_eq!(browser.submit(&page, &typed).await.leads_on(), own);
        let page = browser.open(&own).await;
        page.tells("Globex &#60;i&#62;100%");
        page.tells("Nobody is a member yet");
        let found = browser.open(&format!("{PATH}?name=globex")).await;
        found.tells(&own);
        found.tells_not("Acme");
        browser.open(PATH).await.tells("Acme");
        let none = browser
            .open(&format!("{PATH}?name=%22%3E%3Cscript%3E"))
            .await;
        none.tells("No account is called that");
        none.tells("value=\"&#34;&#62;&#60;script&#62;\"");
        let typed = [("name", "Initech")];
        let renamed = browser.fill_in(&format!("{own}/rename"), &typed).await;
        let page = browser.open(renamed.leads_on()).await;
        page.tells("The account was renamed.");
        page.tells("<bdi>Initech</bdi>");
        let unknown = format!("{PATH}/acct_00000000000000000000000000");
        assert_eq!(browser.open(&unknown).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn many_accounts_come_in_pages() {
    for_each_app(async |instance| {
        let session = instance.session("operator").await;
        for number in 0..21 {
            let body = json!({"name": format!("Customer {number:02}")});
            instance
                .send(post("/v1/accounts", &body).by(&session))
                .await
                .is(201);
        }
        let mut browser = operator(instance).await;
        let first = browser.open(&format!("{PATH}?name=customer")).await;
        first.tells("Customer 19");
        first.tells_not("Customer 20");
        let next = first.text.split("rel=\"next\"").next().expect("a link");
        let next = next.rsplit("href=\"").next().expect("a link");
        let next = next
            .split('"')
            .next()
            .expect("a link")
            .replace("&#38;", "&");
        let second = browser.open(&next).await;
        second.tells("Customer 20");
        second.tells_not("Customer 19");
        second.tells("First page");
    })
    .await;
}

#[tokio::test]
async fn what_is_suspended_works_again_after_activation() {
    for_each_app(async |instance| {
        let key = instance.key(json!({})).await;
        let key = key["key"].as_str().expect("a key").to_owned();
        let works = async || instance.send(get("/demo/v1/leads").by(&key)).await.status;
        assert_eq!(works().await, 200);
        let own = format!("{PATH}/{}", instance.account_id());
        let mut browser = operator(instance).await;
        browser.open(&own).await.tells("1, of which 1 work");
        let ask = browser.open(&format!("{own}/suspend")).await;
        ask.tells("Suspend Acme?");
        ask.tells("refused with 401");
        assert_eq!(works().await, 200);
        let done = browser.submit(&ask, &[]).await;
        let page = browser.open(done.leads_on()).await;
        page.tells("SUSPENDED");
        page.tells("admin@acme.test");
        assert_eq!(works().await, 401);
        browser.open(PATH).await.tells("SUSPENDED");
        let done = browser.fill_in(&format!("{own}/activate"), &[]).await;
        browser.open(done.leads_on()).await.tells("ACTIVE");
        assert_eq!(works().await, 200);
    })
    .await;
}

#[tokio::test]
async fn all_tokens_of_an_account_end() {
    for_each_app(async |instance| {
        let own = format!("{PATH}/{}", instance.account_id());
        let mut browser = operator(instance).await;
        let ask = browser.open(&format!("{own}/end-tokens")).await;
        ask.tells("API keys and client secrets stay as they are.");
        let done = browser.submit(&ask, &[]).await;
        browser.open(done.leads_on()).await.tells("All tokens");
        let event = instance.newest_event("token.all_ended").await;
        assert!(event["target"].as_str().is_some(), "{event}");
    })
    .await;
}

#[tokio::test]
async fn members_are_added_with_a_password_or_a_link() {
    for_each_app(async |instance| {
        let own = format!("{PATH}/{}", instance.account_id());
        let new = format!("{own}/members/new");
        let mut browser = operator(instance).await;
        let typed = [
            ("email", "new@acme.test"),
            ("role", "developer"),
            ("password", "x"),
        ];
        let refused = browser.fill_in(&new, &typed).await;
        refused.is_page(422);
        refused.tells("value=\"new@acme.test\"");
        refused.tells("<option value=\"developer\" selected>");
        refused.tells("<a href=\"#password\">");
        let typed = [typed[0], typed[1], ("password", PASSWORD)];
        let added = browser.submit(&refused, &typed).await;
        let page = browser.open(added.leads_on()).await;
        page.tells("new@acme.test");
        instance.sign_in("new@acme.test").await;

        // The address is known now: without a password there is a link.
        let (id, _) = instance.neighbour().await;
        let new = format!("{PATH}/{id}/members/new");
        let conflict = browser.fill_in(&new, &typed).await;
        conflict.is_page(409);
        conflict.tells("Leave the password out to invite them.");
        let link = browser.submit(&conflict, &typed[..2]).await;
        link.is_page(200);
        let link = link.shown_secrets();
        assert!(link[0].contains("/invitation?token=ci_"), "{link:?}");
    })
    .await;
}
