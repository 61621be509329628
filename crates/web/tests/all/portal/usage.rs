//! `/usage`: requests, refusals and tokens, and their tables.

use claviger_model::time::DAY_MILLIS;
use serde_json::json;

use crate::authorize::Browser;
use crate::instance::{for_each_app, text};
use crate::oauth::client;

#[tokio::test]
async fn what_was_asked_for_is_counted_and_nothing_is_made_up() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let empty = browser.open("/usage").await;
        empty.is_page(200);
        empty.tells("No request came in this time");
        let key = instance.key(json!({"name": "=cmd()"})).await;
        let ask = json!({"method": "GET", "path": "/v1/people"});
        for _ in 0..3 {
            instance.verify(text(&key, "key"), ask.clone()).await;
        }
        let allowed = json!({"method": "GET", "path": "/v1/leads"});
        instance.verify(text(&key, "key"), allowed).await;
        let importer = client(instance, json!({"name": "Import"})).await;
        importer.token(instance).await;
        for span in ["1h", "24h", "30d", "x"] {
            let page = browser.open(&format!("/usage?span={span}")).await;
            page.is_page(200);
            page.tells("<span class=\"number\">3</span><span>Refused</span>");
            page.tells("<span class=\"number\">1</span><span>Allowed</span>");
            page.tells("<span class=\"number\">1</span><span>Tokens issued</span>");
            page.tells("insufficient_scope");
            page.tells("read:people");
            page.tells("=cmd()");
            page.tells("GET /v1/leads");
            page.tells("Requests: 4 in all");
            page.tells("Refusals: 3 in all");
        }
        let id = text(&key, "id");
        let only = browser.open(&format!("/usage?credential={id}")).await;
        only.tells("<span class=\"number\">0</span><span>Tokens issued</span>");
        only.tells("all credentials");
        let test = browser.open("/usage?environment=test").await;
        test.tells("No request came in this time");
        let csv = browser.open("/usage.csv?span=1h&by=credential").await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        csv.tells(&format!("{id},api_key,1,3,0\r\n"));
        csv.tells(&format!("{},access_token,0,0,1\r\n", importer.id));
    })
    .await;
}

/// What a request asks for beside its route's scopes is told apart, so that one key has as many
/// series as it asks for things.
#[tokio::test]
async fn a_ranking_of_very_many_is_a_minute_old_at_most_and_says_so() {
    for_each_app(async |instance| {
        // Noon: while this runs no hour ends, at which another time is ranked.
        let today = instance.now() % DAY_MILLIS;
        instance.pass(DAY_MILLIS - today + DAY_MILLIS / 2).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let key = instance.key(json!({})).await;
        let ask = async |number: i32| {
            let scopes = [format!("read:part{number}")];
            let ask = json!({"method": "GET", "path": "/v1/leads", "scopes": scopes});
            instance.verify(text(&key, "key"), ask).await;
        };
        for number in 0..1_000 {
            ask(number).await;
        }
        // So many are ranked anew for each page. With the route's there are 1,001.
        for number in 1_000..1_002 {
            let page = browser.open("/usage").await;
            page.tells(&format!("{} more in the CSV<", number - 9));
            page.tells_not("counted once a minute");
            ask(number).await;
        }
        let page = browser.open("/usage").await;
        page.tells("992 more in the CSV · as of 12:00:");
        // What is not ranked is counted for each page.
        page.tells("Requests: 1,002 in all");
        instance.pass(30_000).await;
        let page = browser.open("/usage").await;
        page.tells("992 more in the CSV · as of 12:00:");
        instance.pass(30_000).await;
        let page = browser.open("/usage").await;
        page.tells("993 more in the CSV<");
        page.tells_not("counted once a minute");
    })
    .await;
}
