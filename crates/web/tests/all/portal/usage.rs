//! `/usage`: refusals and tokens, and their files.

use serde_json::json;

use crate::authorize::Browser;
use crate::instance::{for_each_app, text};
use crate::oauth::client;

#[tokio::test]
async fn what_was_refused_is_counted_and_nothing_is_made_up() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let empty = browser.open("/usage").await;
        empty.is_page(200);
        empty.tells("Nothing was refused in this time");
        empty.tells("No client with a daily quota");
        let key = instance.key(json!({"name": "=cmd()"})).await;
        let ask = json!({"method": "GET", "path": "/v1/people"});
        for _ in 0..3 {
            instance.verify(text(&key, "key"), ask.clone()).await;
        }
        let allowed = json!({"method": "GET", "path": "/v1/leads"});
        instance.verify(text(&key, "key"), allowed).await;
        for span in ["1h", "24h", "30d", "x"] {
            let page = browser.open(&format!("/usage?span={span}")).await;
            page.is_page(200);
            page.tells("<span class=\"count\">3</span>");
            page.tells("insufficient_scope");
            page.tells("read:people");
            page.tells("=cmd()");
            page.tells("Refusals: 3 in all");
        }
        let test = browser.open("/usage?environment=test").await;
        test.tells("Nothing was refused in this time");
        let csv = browser.open("/usage/refusals.csv?span=1h").await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let total: i64 = csv
            .text
            .lines()
            .skip(1)
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                assert_eq!(cells[1], "insufficient_scope");
                cells[2].parse::<i64>().expect("a number")
            })
            .sum();
        assert_eq!(total, 3);
    })
    .await;
}

#[tokio::test]
async fn tokens_are_counted_for_clients_with_a_quota() {
    for_each_app(async |instance| {
        let counted = client(instance, json!({"name": "=Import", "tokens_per_day": 5})).await;
        for _ in 0..2 {
            counted.token(instance).await;
        }
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open("/usage").await;
        page.is_page(200);
        page.tells("=Import");
        page.tells("<td>2</td>");
        let csv = browser.open("/usage/tokens.csv").await;
        csv.tells(&format!("{},'=Import,2\r\n", counted.id));
    })
    .await;
}
