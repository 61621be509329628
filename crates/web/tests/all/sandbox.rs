//! `/v1/sandbox/reset`, its page, and the quota in the answers about clients.

use claviger_model::Reason::PermissionRequired;
use serde_json::{Value, json};

use super::authorize::Browser;
use super::instance::{Instance, for_each_app, text};
use super::oauth::{TestClient, client};
use super::requests::{get, post};

const RESET: &str = "/v1/sandbox/reset";

/// Whether a token is one that still works.
async fn works(instance: &Instance, client: &TestClient, token: &str) -> bool {
    client.introspect(instance, token).await["active"] == json!(true)
}

/// The requests of a key that are kept.
async fn decisions(instance: &Instance, token: &str, key: &Value) -> usize {
    let path = format!("/v1/decisions?credential={}", text(key, "id"));
    let page = instance.send(get(&path).by(token)).await.is(200);
    page["data"].as_array().expect("a list").len()
}

#[tokio::test]
async fn a_reset_ends_test_tokens_forgets_test_requests_and_keeps_credentials() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let test = client(instance, json!({"environment": "test"})).await;
        let live = client(instance, json!({})).await;
        let (test_token, live_token) = (test.token(instance).await, live.token(instance).await);
        let test_key = instance.key(json!({"environment": "test"})).await;
        let live_key = instance.key(json!({})).await;
        for (key, environment) in [(&test_key, "test"), (&live_key, "live")] {
            instance
                .verify(text(key, "key"), json!({"environment": environment}))
                .await;
        }
        instance.pass(1_500).await;
        let kept = decisions(instance, &admin, &live_key).await;

        let viewer = instance.session("viewer").await;
        instance
            .send(post(RESET, &json!({})).by(&viewer))
            .await
            .refused(PermissionRequired);
        assert!(works(instance, &test, &test_token).await);
        let done = instance
            .send(post(RESET, &json!({})).by(&admin))
            .await
            .is(200);
        assert_eq!((&done["ok"], &done["clients"]), (&json!(true), &json!(1)));
        assert_eq!(done["account_id"], json!(instance.account_id()));
        assert!(done["next_reset_at"].as_i64() > done["reset_at"].as_i64());
        assert!(!works(instance, &test, &test_token).await);
        assert!(works(instance, &live, &live_token).await);
        assert_eq!(decisions(instance, &admin, &test_key).await, 0);
        assert_eq!(decisions(instance, &admin, &live_key).await, kept);

        let fresh = test.token(instance).await;
        assert!(works(instance, &test, &fresh).await);
        let decided = instance
            .verify(text(&test_key, "key"), json!({"environment": "test"}))
            .await;
        assert_eq!(decided["allowed"], json!(true));
        let event = instance.newest_event("sandbox.reset").await;
        assert_eq!(event["after"]["clients"], json!(1));
        // Not another account's.
        let (_, neighbour) = instance.neighbour().await;
        let done = instance
            .send(post(RESET, &json!({})).by(&neighbour))
            .await
            .is(200);
        assert_eq!(done["clients"], json!(0));
        assert!(works(instance, &test, &fresh).await);
    })
    .await;
}

#[tokio::test]
async fn the_page_says_what_goes_and_what_stays_before_and_after() {
    for_each_app(async |instance| {
        let mut admin = Browser::of(instance, "admin@acme.test").await;
        let page = admin.open("/environments").await;
        for told in [
            "Next reset",
            "none yet",
            "A reset clears",
            "It keeps",
            "secrets",
        ] {
            page.tells(told);
        }
        let asked = admin.open("/environments/reset").await;
        asked.is_page(200);
        asked.tells("Reset the sandbox?");
        let done = admin.submit(&asked, &[]).await;
        assert_eq!(done.leads_on(), "/environments?done=reset");
        let page = admin.open("/environments?done=reset").await;
        page.tells("The sandbox is reset");
        page.tells_not("none yet");
        page.tells("admin@acme.test");

        instance.session("viewer").await;
        let mut viewer = Browser::of(instance, "viewer@acme.test").await;
        viewer.open("/environments/reset").await.is_page(403);
        viewer
            .open("/environments")
            .await
            .tells_not("/environments/reset");
    })
    .await;
}

#[tokio::test]
async fn a_client_says_how_many_tokens_of_the_day_are_left() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let limited = client(instance, json!({"tokens_per_day": 2, "name": "Limited"})).await;
        let free = client(instance, json!({})).await;
        let quota = async |id: &str| {
            let path = format!("/v1/clients/{id}");
            let shown = instance.send(get(&path).by(&admin)).await.is(200);
            shown["quota"].clone()
        };
        assert_eq!(quota(&free.id).await, Value::Null);
        for used in 0..=2 {
            let told = quota(&limited.id).await;
            assert_eq!(
                (
                    &told["limit"],
                    &told["used"],
                    &told["remaining"],
                    &told["mode"]
                ),
                (&json!(2), &json!(used), &json!(2 - used), &json!("enforce"))
            );
            let resets_at = told["resets_at"].as_i64().expect("a time");
            assert!(resets_at > instance.now() && resets_at % 86_400_000 == 0);
            if used < 2 {
                limited.token(instance).await;
            }
        }
        let listed = instance.send(get("/v1/clients").by(&admin)).await.is(200);
        let listed = listed["data"].as_array().expect("a list").clone();
        let one = listed.iter().find(|one| one["id"] == json!(limited.id));
        assert_eq!(one.expect("it")["quota"]["remaining"], json!(0));
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let overview = browser.open("/").await;
        overview.tells("Got all their tokens of today");
        overview.tells("2 of 2");
        overview.tells("Limited");
    })
    .await;
}
