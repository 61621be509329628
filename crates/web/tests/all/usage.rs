//! `/v1/usage`, and what became last of each credential.

use claviger_model::Reason::{PermissionRequired, Validation};
use claviger_model::time::DAY_MILLIS;
use claviger_service::usage;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::oauth::client;
use super::requests::{Answer, get};

const HOUR: i64 = 60 * 60_000;

async fn asked(instance: &Instance, token: &str, query: &str) -> Answer {
    instance
        .send(get(&format!("/v1/usage?{query}")).by(token))
        .await
}

async fn counted(instance: &Instance, token: &str, query: &str) -> Value {
    asked(instance, token, query).await.is(200)
}

/// Allowed, refused and tokens of the whole answer.
fn total(counted: &Value) -> (i64, i64, i64) {
    numbers(&counted["total"])
}

fn numbers(of: &Value) -> (i64, i64, i64) {
    let number = |name: &str| of[name].as_i64().expect("a number");
    (number("allowed"), number("refused"), number("tokens"))
}

/// The rows by the text of one of their members, and how often.
fn rows(counted: &Value, member: &str) -> Vec<(String, (i64, i64, i64))> {
    let rows = counted["data"].as_array().expect("a list").iter();
    rows.map(|row| (text(row, member).to_owned(), numbers(row)))
        .collect()
}

/// Asks for some things with a key: five are allowed, three are not.
async fn ask_for_this_and_that(instance: &Instance, key: &str) {
    let leads = json!({"method": "GET", "path": "/v1/leads"});
    for _ in 0..5 {
        assert_eq!(instance.verify(key, leads.clone()).await["allowed"], true);
    }
    for _ in 0..2 {
        let ask = json!({"method": "GET", "path": "/v1/people"});
        assert_eq!(instance.verify(key, ask).await["allowed"], false);
    }
    let ask = json!({"method": "GET", "path": "/v1/leads", "scopes": ["write:leads"]});
    instance.verify(key, ask).await;
}

#[tokio::test]
async fn every_decision_is_counted_by_all_that_it_is_asked_by() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        let (id, key) = (text(&made, "id"), text(&made, "key"));
        let secret = text(&made["secrets"][0], "id");
        ask_for_this_and_that(instance, key).await;
        let quota = client(instance, json!({"name": "Import"})).await;
        let token = quota.token(instance).await;
        instance
            .verify(&token, json!({"method": "GET", "path": "/v1/leads"}))
            .await;

        let all = counted(instance, &admin, "").await;
        assert_eq!(total(&all), (6, 3, 1), "{all}");
        let mut expected = vec![(id.to_owned(), (5, 3, 0)), (quota.id.clone(), (1, 0, 1))];
        assert_eq!(rows(&all, "credential_id"), expected);
        assert_eq!(all["data"][0]["kind"], "api_key");
        expected = vec![
            ("allowed".into(), (6, 0, 0)),
            ("insufficient_scope".into(), (0, 3, 0)),
            ("token_issued".into(), (0, 0, 1)),
        ];
        assert_eq!(
            rows(&counted(instance, &admin, "by=outcome").await, "outcome"),
            expected
        );
        let own = format!("by=secret&credential={id}");
        let expected = [(secret.to_owned(), (5, 3, 0))];
        assert_eq!(
            rows(&counted(instance, &admin, &own).await, "secret_id"),
            expected
        );
        let scopes = rows(&counted(instance, &admin, "by=scope").await, "scope");
        let expected = [
            ("read:leads".to_owned(), (6, 1, 0)),
            ("read:people".to_owned(), (0, 2, 0)),
            ("write:leads".to_owned(), (0, 1, 0)),
        ];
        assert_eq!(scopes, expected);
        let routes = rows(&counted(instance, &admin, "by=route").await, "route");
        assert_eq!(routes[0], ("GET /v1/leads".to_owned(), (6, 1, 0)));
        for by in [
            "api",
            "environment",
            "minute",
            "hour",
            "day",
            "route",
            "scope",
        ] {
            let counted = counted(instance, &admin, &format!("by={by}")).await;
            assert_eq!(total(&counted), (6, 3, 1), "{by}");
        }
        let api = counted(instance, &admin, "by=api").await;
        assert_eq!(numbers(&api["data"][0]), (6, 3, 0));
        for (filter, expected) in [
            ("environment=live", (6, 3, 1)),
            ("environment=test", (0, 0, 0)),
            ("credential=key_nobody", (0, 0, 0)),
        ] {
            assert_eq!(
                total(&counted(instance, &admin, filter).await),
                expected,
                "{filter}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn time_is_asked_for_to_the_minute_and_past_what_is_kept_by_it() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        let key = text(&made, "key");
        // From the start of a minute, so that the clock runs into no other one meanwhile.
        instance.pass(60_000 - instance.now() % 60_000).await;
        let start = instance.now() - instance.now() % 60_000;
        instance.verify(key, json!({})).await;
        instance.pass(60_000).await;
        instance.verify(key, json!({})).await;
        let between = |from: i64, to: i64| format!("from={from}&to={to}");
        for (query, expected) in [
            (between(start, start + 60_000), 1),
            (between(start + 60_000, start + 60_001), 1),
            (between(start - HOUR, start), 0),
            (between(start, start + 61_000), 2),
            (between(start - 100 * DAY_MILLIS, start + HOUR), 2),
        ] {
            let counted = counted(instance, &admin, &query).await;
            assert_eq!(total(&counted).0, expected, "{query}");
        }
        let minutes = counted(instance, &admin, &between(start, start + 61_000)).await;
        assert_eq!(minutes["from"], json!(start));
        let by_minute = format!("by=minute&{}", between(start, start + 61_000));
        let minutes = counted(instance, &admin, &by_minute).await;
        let at: Vec<i64> = minutes["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| row["at"].as_i64().expect("a time"))
            .collect();
        assert_eq!(at, [start, start + 60_000]);

        // Three days later, minutes are gone and hours are not; a year and more later, all is.
        for (days, step, expected) in [(3, "minute", 0), (0, "hour", 2), (60, "hour", 0)] {
            instance.pass(days * DAY_MILLIS).await;
            usage::forget_old(instance.app()).await.expect("it is open");
            let admin = instance.sign_in("admin@acme.test").await;
            let query = format!("by={step}&{}", between(start - HOUR, start + HOUR));
            let counted = counted(instance, &admin, &query).await;
            assert_eq!(total(&counted).0, expected, "{step} after {days} days");
        }
        let whole = between(start - DAY_MILLIS, start + DAY_MILLIS);
        let admin = instance.sign_in("admin@acme.test").await;
        assert_eq!(total(&counted(instance, &admin, &whole).await).0, 2);
        instance.pass(400 * DAY_MILLIS).await;
        usage::forget_old(instance.app()).await.expect("it is open");
        let admin = instance.sign_in("admin@acme.test").await;
        assert_eq!(total(&counted(instance, &admin, &whole).await).0, 0);
    })
    .await;
}

#[tokio::test]
async fn accounts_see_their_own_and_the_operator_what_is_nobody_s() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        instance.verify(text(&made, "key"), json!({})).await;
        instance.verify("ck_live_nonsense", json!({})).await;
        let (_, neighbour) = instance.neighbour().await;
        let (admin, operator) = (
            instance.session("admin").await,
            instance.session("operator").await,
        );
        let id = text(&made, "id");
        for (token, query, expected) in [
            (&admin, String::new(), (1, 0, 0)),
            (&neighbour, String::new(), (0, 0, 0)),
            (&neighbour, format!("credential={id}"), (0, 0, 0)),
            (&operator, format!("credential={id}"), (1, 0, 0)),
            (&operator, "by=outcome".to_owned(), (1, 1, 0)),
        ] {
            assert_eq!(
                total(&counted(instance, token, &query).await),
                expected,
                "{query}"
            );
        }
        let viewer = instance.session("viewer").await;
        asked(instance, &viewer, "")
            .await
            .refused(PermissionRequired);
    })
    .await;
}

#[tokio::test]
async fn wrong_questions_are_told_what_to_ask() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for (query, member) in [
            ("by=nonsense", "by"),
            ("from=yesterday", "from"),
            ("from=5&to=4", "from"),
            ("environment=both", "environment"),
            ("format=xml", "format"),
        ] {
            let answer = asked(instance, &admin, query).await;
            answer.refused(Validation);
            answer.refused_members(&[member]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_spreadsheet_is_given_csv() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        instance.verify(text(&made, "key"), json!({})).await;
        let line = format!("{},api_key,1,0,0\r\n", text(&made, "id"));
        let expected = format!("credential_id,kind,allowed,refused,tokens\r\n{line}");
        let by_query = asked(instance, &admin, "format=csv").await;
        let by_header = get("/v1/usage").by(&admin).header("accept", "text/csv");
        for answer in [by_query, instance.send(by_header).await] {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
            assert_eq!(answer.text, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn keys_and_their_secrets_tell_of_their_last_use_and_refusal() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance.key(json!({})).await;
        assert_eq!(
            (&made["last_used_at"], &made["used"]),
            (&Value::Null, &json!(0))
        );
        let key = text(&made, "key");
        for (path, ip) in [("/v1/leads", "192.0.2.1"), ("/v1/people", "192.0.2.2")] {
            let more = json!({"method": "GET", "path": path, "ip": ip, "user_agent": "curl/8"});
            instance.verify(key, more).await;
        }
        let path = format!("/api/keys/{}", text(&made, "id"));
        let shown = instance.send(get(&path).by(&admin)).await.is(200);
        let listed = instance.send(get("/api/keys").by(&admin)).await.is(200);
        for one in [&shown, &shown["secrets"][0], &listed[0]] {
            assert_eq!((&one["used"], &one["refused"]), (&json!(1), &json!(1)));
            assert_eq!(one["last_used_ip"], "192.0.2.1");
            assert_eq!(one["last_used_user_agent"], "curl/8");
            assert_eq!(one["last_refused_ip"], "192.0.2.2");
            assert_eq!(one["last_refused_reason"], "insufficient_scope");
            assert!(
                one["last_used_at"].as_i64() <= Some(instance.now()),
                "{one}"
            );
        }
        let legacy = instance.send(super::requests::post("/v1/legacy-key", &json!({})).by(&admin));
        let legacy = legacy.await.is(201);
        let more = json!({"api": "https://old.acme.test", "ip": "192.0.2.3"});
        instance.verify(text(&legacy, "key"), more).await;
        let shown = instance
            .send(get("/v1/legacy-key").by(&admin))
            .await
            .is(200);
        let known = [&shown["last_used_ip"], &shown["last_refused_ip"]];
        assert!(known.contains(&&json!("192.0.2.3")), "{shown}");
    })
    .await;
}

#[tokio::test]
async fn scopes_that_were_not_used_are_known_and_can_be_taken_away() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let scopes = json!(["read:leads", "read:people", "write:leads"]);
        let made = instance.key(json!({"scopes": scopes})).await;
        let path = format!("/api/keys/{}/scope-use", text(&made, "id"));
        let fresh = instance.send(get(&path).by(&admin)).await.is(200);
        assert_eq!(
            (&fresh["allowed"], &fresh["narrower"]),
            (&json!(0), &Value::Null)
        );
        for path in ["/v1/leads", "/v1/leads", "/v1/people"] {
            let ask = json!({"method": "GET", "path": path});
            instance.verify(text(&made, "key"), ask).await;
        }
        let used = instance.send(get(&path).by(&admin)).await.is(200);
        let expected = json!([
            {"scope": "read:leads", "requests": 2},
            {"scope": "read:people", "requests": 1},
        ]);
        assert_eq!(used["exercised"], expected);
        assert_eq!(used["unused"], json!(["write:leads"]));
        assert_eq!(used["narrower"], json!(["read:leads", "read:people"]));
        instance
            .edit_key(&made, json!({"scopes": used["narrower"]}))
            .await;
        let after = instance.send(get(&path).by(&admin)).await.is(200);
        assert_eq!(
            (&after["unused"], &after["narrower"]),
            (&json!([]), &Value::Null)
        );

        let everything = client(instance, json!({"name": "All", "scopes": "all"})).await;
        let token = everything.token(instance).await;
        instance
            .verify(&token, json!({"method": "GET", "path": "/v1/leads"}))
            .await;
        let path = format!("/v1/clients/{}/scope-use", everything.id);
        let used = instance.send(get(&path).by(&admin)).await.is(200);
        assert_eq!(used["narrower"], json!(["read:leads"]));
        let (_, neighbour) = instance.neighbour().await;
        assert_eq!(instance.send(get(&path).by(&neighbour)).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn what_was_tried_in_the_sandbox_can_be_forgotten() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for environment in ["live", "test"] {
            let made = instance.key(json!({"environment": environment})).await;
            let ask = json!({"environment": environment});
            instance.verify(text(&made, "key"), ask).await;
        }
        let account = instance.account_id().parse().expect("an id");
        usage::forget_test(instance.app(), account)
            .await
            .expect("it is open");
        let left = counted(instance, &admin, "by=environment").await;
        assert_eq!(rows(&left, "environment"), [("live".to_owned(), (1, 0, 0))]);
        // And what comes afterwards is counted again.
        let made = instance.key(json!({"environment": "test"})).await;
        instance
            .verify(text(&made, "key"), json!({"environment": "test"}))
            .await;
        assert_eq!(
            total(&counted(instance, &admin, "environment=test").await),
            (1, 0, 0)
        );
    })
    .await;
}
