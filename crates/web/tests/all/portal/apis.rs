//! `/operator/apis` and what is below it.

use serde_json::{Value, json};

use super::operator::operator;
use crate::authorize::Browser;
use crate::instance::{Instance, for_each_app};
use crate::requests::{call, get};

const PATH: &str = "/operator/apis";
const TYPED: [(&str, &str); 6] = [
    ("name", "Billing"),
    ("audience", "https://billing.acme.test"),
    ("accepts", "api_key"),
    ("accepts", "session"),
    ("signing_algorithm", "EdDSA"),
    ("unmatched", "refuse"),
];

/// A new API: its page.
async fn created(browser: &mut Browser<'_>) -> String {
    let made = browser.fill_in(&format!("{PATH}/new"), &TYPED).await;
    let own = made.leads_on().split('?').next();
    own.expect("a path").to_owned()
}

/// The API as automation sees it.
async fn api(instance: &Instance, page: &str) -> Value {
    let id = page.rsplit('/').next().expect("an id");
    let operator = instance.session("operator").await;
    let found = instance
        .send(get(&format!("/v1/apis/{id}")).by(&operator))
        .await;
    found.is(200)
}

#[tokio::test]
async fn an_api_is_created_and_edited() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let wrong = [
            ("name", "Billing"),
            ("audience", "x y"),
            ("live_url", "ftp://a"),
            ("token_lifetime_seconds", "soon"),
        ];
        let page = browser.fill_in(&format!("{PATH}/new"), &wrong).await;
        page.is_page(422);
        page.tells("must be a whole number of seconds");
        let page = browser.submit(&page, &wrong[..3]).await;
        page.is_page(422);
        for field in ["audience", "live_url"] {
            page.tells(&format!("<a href=\"#{field}\">"));
        }
        page.tells("value=\"ftp://a\"");
        let own = created(&mut browser).await;
        let made = api(instance, &own).await;
        assert_eq!(made["accepts"], json!(["api_key", "session"]));
        assert_eq!(made["signing_algorithm"], "EdDSA");
        browser
            .fill_in(&format!("{PATH}/new"), &TYPED)
            .await
            .is_page(409);
        let edit = format!("{own}/edit");
        let stale = browser.open(&edit).await;
        stale.tells("<option value=\"session\" selected>");
        let typed = [
            TYPED[0],
            TYPED[1],
            ("token_lifetime_seconds", "60"),
            ("live_url", "https://billing.acme.test/v1"),
        ];
        let saved = browser.submit(&stale, &typed).await;
        browser.open(saved.leads_on()).await.tells("60 s");
        assert_eq!(api(instance, &own).await["accepts"], json!([]));
        browser.submit(&stale, &TYPED).await.is_page(412);
        browser.open(PATH).await.tells("Billing");
    })
    .await;
}

#[tokio::test]
async fn scopes_and_routes_are_lines_and_mistakes_name_theirs() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let own = created(&mut browser).await;
        let text =
            "read:invoices | See invoices.\r\n\r\nadmin | Everything. | implies all, live\r\n";
        let scopes = format!("{own}/scopes");
        let wrong = format!("{text}read:invoices\r\na b | c");
        let refused = browser.fill_in(&scopes, &[("scopes", &wrong)]).await;
        refused.is_page(422);
        refused.tells("line 4: name stands twice; line 5: name ");
        refused.tells("read:invoices | See invoices.");
        let saved = browser.submit(&refused, &[("scopes", text)]).await;
        browser
            .open(saved.leads_on())
            .await
            .tells("implies all, live");
        let again = browser.open(&scopes).await;
        again.tells(
            "read:invoices | See invoices.\nadmin | Everything. | sensitive, implies all, live<",
        );

        let routes = format!("{own}/routes");
        let lines = "GET /invoices read:invoices\r\nGET\r\nGET /a/{b read:invoices";
        let refused = browser.fill_in(&routes, &[("routes", lines)]).await;
        refused.is_page(422);
        refused.tells("line 2: a method and a path are needed");
        let lines = "GET /invoices read:invoices\r\n* /invoices/{id} admin read:invoices";
        let saved = browser.submit(&refused, &[("routes", lines)]).await;
        browser.open(saved.leads_on()).await.tells("2 routes");
        let found = api(instance, &own).await;
        assert_eq!(
            found["routes"][1]["scopes"],
            json!(["admin", "read:invoices"])
        );
        assert_eq!(found["scopes"][1]["implies_all"], true);
        assert_eq!(found["scopes"][1]["environments"], json!(["live"]));
    })
    .await;
}

#[tokio::test]
async fn an_openapi_document_is_imported_and_what_changed_is_told() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let own = created(&mut browser).await;
        let routes = format!("{own}/routes");
        browser
            .fill_in(&routes, &[("routes", "GET /old")])
            .await
            .leads_on();
        let import = format!("{own}/import");
        let refused = browser
            .fill_in(&import, &[("document", "{\n\"openapi\": 3,}")])
            .await;
        refused.is_page(422);
        refused.tells("must be JSON; at line 2");
        browser.submit(&refused, &[]).await.is_page(422);
        let document = json!({
            "openapi": "3.1.0",
            "paths": {"/invoices": {"get": {"security": [{"oauth": ["read:invoices"]}]}}},
            "components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": {
                "clientCredentials": {"scopes": {"read:invoices": "See invoices."}}}}}},
        });
        let page = browser
            .submit(&refused, &[("document", &document.to_string())])
            .await;
        page.is_page(200);
        page.tells("GET /invoices read:invoices");
        page.tells("GET /old");
        page.tells("Routes that are gone");
        page.tells("read:invoices");
        assert_eq!(api(instance, &own).await["routes"][0]["path"], "/invoices");
        // A file, as browsers send it.
        let form = browser.open(&import).await;
        let (_, token) = form.hidden()[0].clone();
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n{token}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\n\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"api.json\"\r\n\
             Content-Type: application/json\r\n\r\n{document}\r\n--b--\r\n"
        );
        let sent = call(http::Method::POST, &import)
            .header("content-type", "multipart/form-data; boundary=b")
            .raw(body);
        browser.send(sent).await.tells("Routes before");
        let wrong = json!({"openapi": "3.1.0", "paths": {"x": {}}});
        let page = browser
            .fill_in(&import, &[("document", &wrong.to_string())])
            .await;
        page.is_page(422);
        page.tells("paths[");
    })
    .await;
}

#[tokio::test]
async fn many_routes_come_in_pages() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let own = created(&mut browser).await;
        let lines: Vec<String> = (0..70).map(|at| format!("GET /r{at:02}")).collect();
        let lines = lines.join("\r\n");
        browser
            .fill_in(&format!("{own}/routes"), &[("routes", &lines)])
            .await
            .leads_on();
        let first = browser.open(&own).await;
        first.tells("70 routes");
        first.tells("/r19");
        first.tells_not("/r20");
        let last = browser.open(&format!("{own}?routes=60")).await;
        last.tells("/r69");
        last.tells_not("rel=\"next\"");
    })
    .await;
}

#[tokio::test]
async fn deleting_says_what_it_breaks_and_keeps_the_default() {
    for_each_app(async |instance| {
        let mut browser = operator(instance).await;
        let own = created(&mut browser).await;
        let ask = browser.open(&format!("{own}/delete")).await;
        ask.tells("Every request for https://billing.acme.test is refused");
        let done = browser.submit(&ask, &[]).await;
        browser
            .open(done.leads_on())
            .await
            .tells("The API was deleted.");
        assert_eq!(browser.open(&own).await.status, 404);
        let operator = instance.session("operator").await;
        let all = instance.send(get("/v1/apis").by(&operator)).await.is(200);
        let default = all["data"][0]["id"].as_str().expect("an id").to_owned();
        let delete = format!("{PATH}/{default}/delete");
        let refused = browser.fill_in(&delete, &[]).await;
        refused.is_page(409);
        refused.tells("Delete the others first.");
    })
    .await;
}
