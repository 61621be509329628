//! `/usage`: requests, refusals and tokens, and their tables.

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
