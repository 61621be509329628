//! `/v1/decisions`: why a request was allowed or refused.

use claviger_model::Reason::PermissionRequired;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::requests::get;

async fn found(instance: &Instance, token: &str, query: &str) -> Vec<Value> {
    let page = instance
        .send(get(&format!("/v1/decisions?{query}")).by(token))
        .await
        .is(200);
    page["data"].as_array().expect("an array").clone()
}

#[tokio::test]
async fn decisions_are_found_again() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        let (id, key) = (text(&made, "id"), text(&made, "key"));
        let start = instance.now();
        let mut ids = Vec::new();
        for (path, ip) in [("/v1/leads", "192.0.2.1"), ("/v1/people", "192.0.2.2")] {
            let ask = json!({"method": "GET", "path": path, "ip": ip});
            let decision = instance.verify(key, ask).await;
            ids.push(text(&decision, "request_id").to_owned());
        }
        instance.pass(1_000).await;
        let all = found(instance, &admin, &format!("credential={id}")).await;
        let shown: Vec<&str> = all.iter().map(|one| text(one, "request_id")).collect();
        assert_eq!(shown, [ids[1].as_str(), ids[0].as_str()]);
        assert!(all[0]["at"].as_i64() >= Some(start));
        assert_eq!(all[0]["reason"], "insufficient_scope");
        for (query, expected) in [
            (format!("request_id={}", ids[0]), 1),
            (format!("request_id={}&allowed=false", ids[0]), 0),
            (format!("credential={id}&allowed=true"), 1),
            (format!("credential={id}&allowed=false"), 1),
            ("ip=192.0.2.2".to_owned(), 1),
            (format!("credential={id}&from={start}"), 2),
            (format!("credential={id}&to={start}"), 0),
            (format!("credential={id}&from={}", instance.now()), 0),
            ("request_id=req_00000000000000000000000000".to_owned(), 0),
        ] {
            assert_eq!(
                found(instance, &admin, &query).await.len(),
                expected,
                "{query}"
            );
        }
        let first = format!("/v1/decisions?credential={id}&limit=1");
        let first = instance.send(get(&first).by(&admin)).await.is(200);
        assert_eq!(first["has_more"], true);
        let rest = format!("credential={id}&cursor={}", text(&first, "next_cursor"));
        let rest = found(instance, &admin, &rest).await;
        assert_eq!((rest.len(), &rest[0]["request_id"]), (1, &json!(ids[0])));
    })
    .await;
}

#[tokio::test]
async fn an_account_sees_its_own_decisions() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let known = instance.verify(text(&made, "key"), json!({})).await;
        let unknown = instance.verify("ck_live_nonsense", json!({})).await;
        let (_, neighbour) = instance.neighbour().await;
        let (admin, operator) = (
            instance.session("admin").await,
            instance.session("operator").await,
        );
        for (token, decision, expected) in [
            (&admin, &known, 1),
            (&admin, &unknown, 0),
            (&neighbour, &known, 0),
            (&operator, &known, 1),
            (&operator, &unknown, 1),
        ] {
            let query = format!("request_id={}", text(decision, "request_id"));
            assert_eq!(
                found(instance, token, &query).await.len(),
                expected,
                "{decision}"
            );
        }
        let viewer = instance.session("viewer").await;
        instance
            .send(get("/v1/decisions").by(&viewer))
            .await
            .refused(PermissionRequired);
        for member in [
            "request_id",
            "allowed",
            "ip",
            "from",
            "to",
            "limit",
            "cursor",
        ] {
            let path = format!("/v1/decisions?{member}=x");
            instance
                .send(get(&path).by(&admin))
                .await
                .refused_members(&[member]);
        }
    })
    .await;
}
