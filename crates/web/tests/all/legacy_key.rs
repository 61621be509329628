//! `/v1/legacy-key`, and what a legacy key reaches.

use claviger_model::Reason::{
    AccountInactive, Conflict, EnvironmentMismatch, KindNotAccepted, NotFound, PermissionRequired,
    Revoked, Validation,
};
use claviger_model::time::DAY_MILLIS;
use claviger_service::settings::Settings;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::instance::{API, Instance, OLD_API, for_each_app, for_each_app_with, text};
use super::requests::{Answer, Call, call, delete, get, patch, post};

const PATH: &str = "/v1/legacy-key";
/// 2025-01-01, as the settings say unless they are told otherwise.
const SINCE: &str = "@1735689600";
/// The audience of an API with scopes that takes legacy keys and API keys.
const BOTH: &str = "https://both.acme.test";
const LIVE_HOST: &str = "live.both.test";

fn generate(session: &str) -> Call {
    post(PATH, &json!({})).by(session)
}

/// Generates the key of Acme.
async fn generated(instance: &Instance) -> Value {
    let admin = instance.session("admin").await;
    instance.send(generate(&admin)).await.is(201)
}

async fn revert(instance: &Instance) {
    let admin = instance.session("admin").await;
    let answer = instance.send(delete(PATH).by(&admin)).await;
    assert_eq!(answer.is(200), json!({"ok": true}));
    deprecated(&answer);
}

#[track_caller]
fn deprecated(answer: &Answer) {
    assert_eq!(answer.header("deprecation"), SINCE, "{answer:?}");
}

/// Makes the API that takes legacy keys too.
async fn with_both(instance: &Instance) {
    let operator = instance.session("operator").await;
    let scope = |name: &str| json!({"name": name, "description": "May.", "sensitive": false});
    let route = |method: &str, path: &str, needed: &[&str]| {
        let scopes = json!(needed);
        json!({"method": method, "path": path, "scopes": scopes})
    };
    let body = json!({
        "name": "Both", "audience": BOTH, "accepts": ["legacy_key", "api_key"],
        "scopes": [scope("see:things"), scope("make:things")],
        "routes": [
            route("GET", "/things", &["see:things"]),
            route("POST", "/things", &["make:things"]),
            route("*", "/open", &[]),
        ],
        "live_url": format!("https://{LIVE_HOST}"), "sandbox_url": "https://sandbox.both.test",
    });
    let made = instance.send(post("/v1/apis", &body).by(&operator)).await;
    made.is(201);
}

/// What a request to an API comes to.
fn at(api: &str, method: &str, path: &str) -> Value {
    json!({"api": api, "method": method, "path": path})
}

#[tokio::test]
async fn a_legacy_key_is_shown_once_and_there_is_one_at_a_time() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let none = instance.send(get(PATH).by(&admin)).await;
        let message = none.refused(NotFound)["message"].clone();
        assert!(message.to_string().contains("no legacy key"), "{message}");
        deprecated(&none);

        let answer = instance.send(generate(&admin)).await;
        let made = answer.is(201);
        deprecated(&answer);
        assert_eq!(answer.header("cache-control"), "no-store");
        let key = text(&made, "key");
        assert!(key.starts_with("cl_") && key.ends_with(text(&made, "hint")));
        assert!(text(&made, "id").starts_with("leg_"));
        assert_eq!(text(&made, "account_id"), instance.account_id());
        assert_eq!(made["deprecated"], true);
        assert!(text(&made, "created_by").starts_with("usr_"));
        assert!(
            made["created_at"]
                .as_i64()
                .is_some_and(|at| at <= instance.now())
        );

        let mut expected = made.clone();
        expected.as_object_mut().expect("an object").remove("key");
        let answer = instance.send(get(PATH).by(&admin)).await;
        assert_eq!(answer.is(200), expected);
        deprecated(&answer);

        let second = instance.send(generate(&admin)).await;
        let error = second.refused(Conflict);
        assert_eq!(
            error["message"],
            "This account has a legacy key. Revert it first."
        );
        deprecated(&second);

        revert(instance).await;
        revert(instance).await;
        instance.send(get(PATH).by(&admin)).await.refused(NotFound);
        let again = generated(instance).await;
        assert_ne!((&again["id"], &again["key"]), (&made["id"], &made["key"]));
        for (action, before, after) in [
            (
                "legacy_key.created",
                Value::Null,
                json!({"hint": again["hint"], "state": "active"}),
            ),
            (
                "legacy_key.revoked",
                json!({"state": "active"}),
                json!({"state": "revoked"}),
            ),
        ] {
            let event = instance.newest_event(action).await;
            assert_eq!(
                (&event["before"], &event["after"]),
                (&before, &after),
                "{event}"
            );
            assert!(!event.to_string().contains(key));
        }
        let odd = post(PATH, &json!({"scopes": []})).by(&admin);
        instance.send(odd).await.refused(Validation);
    })
    .await;
}

#[tokio::test]
async fn it_reaches_every_endpoint_that_takes_it_for_live_data_for_ever() {
    for_each_app(async |instance| {
        with_both(instance).await;
        let made = generated(instance).await;
        let key = text(&made, "key");
        let reaches_all = async || {
            for question in [
                at(BOTH, "GET", "/things"),
                at(BOTH, "POST", "/things"),
                at(BOTH, "DELETE", "/open"),
                json!({"api": BOTH, "scopes": ["see:things", "make:things"]}),
                at(OLD_API, "GET", "/v1/people"),
                json!({"api": OLD_API}),
            ] {
                let decision = instance.verify(key, question).await;
                assert_eq!(decision["reason"], "allowed", "{decision}");
                assert_eq!(decision["expires_at"], Value::Null);
                let credential = &decision["credential"];
                assert_eq!(credential["kind"], "legacy_key");
                assert_eq!(credential["id"], made["id"]);
                assert_eq!(credential["deprecated"], true);
            }
        };
        reaches_all().await;
        instance
            .check(key, at(BOTH, "GET", "/other"), "route_unknown")
            .await;
        let test = json!({"api": BOTH, "environment": "test"});
        instance.check(key, test, "environment_mismatch").await;
        instance
            .check(key, at(API, "GET", "/v1/leads"), "kind_not_accepted")
            .await;
        let refused = instance.verify(key, json!({"api": API})).await;
        assert_eq!(refused["credential"]["deprecated"], true);

        instance.pass(20 * 365 * DAY_MILLIS).await;
        reaches_all().await;
    })
    .await;
}

#[tokio::test]
async fn each_answer_to_it_says_that_it_is_deprecated() {
    for_each_app(async |instance| {
        with_both(instance).await;
        let made = generated(instance).await;
        let key = text(&made, "key");
        let api_key = instance.key(json!({})).await;
        let forwarded = |host: &str, path: &str| {
            get("/verify/http")
                .header("x-forwarded-host", host)
                .header("x-forwarded-method", "GET")
                .header("x-forwarded-uri", path)
        };
        let old = || get("/demo/old/v1/people");

        let shown = instance.send(old().by(key)).await;
        assert_eq!(shown.is(200), json!({"data": []}));
        deprecated(&shown);
        let passed = instance
            .send_inside(forwarded(LIVE_HOST, "/things").by(key))
            .await;
        assert_eq!(passed.status, 200);
        deprecated(&passed);
        for (call, reason) in [
            (get("/demo/v1/leads"), KindNotAccepted),
            (get("/sandbox/old/v1/people"), EnvironmentMismatch),
        ] {
            let answer = instance.send(call.by(key)).await;
            answer.refused(reason);
            deprecated(&answer);
        }
        let sandbox = forwarded("sandbox.both.test", "/things").by(key);
        let answer = instance.send_inside(sandbox).await;
        answer.refused(EnvironmentMismatch);
        deprecated(&answer);

        // Nobody else is told.
        let key_of_today = text(&api_key, "key");
        let mut others = vec![
            instance.send(get("/demo/v1/leads").by(key_of_today)).await,
            instance.send(old().by(key_of_today)).await,
            instance.send(old()).await,
            instance.send(old().by(&format!("{key}x"))).await,
        ];
        let inside = forwarded("live.acme.test", "/v1/leads").by(key_of_today);
        others.push(instance.send_inside(inside).await);
        for answer in others {
            assert!(!answer.headers.contains_key("deprecation"), "{answer:?}");
        }

        revert(instance).await;
        let gone = instance.send(old().by(key)).await;
        gone.refused(Revoked);
        deprecated(&gone);
        let gone = instance
            .send_inside(forwarded(LIVE_HOST, "/things").by(key))
            .await;
        gone.refused(Revoked);
        deprecated(&gone);
        let next = generated(instance).await;
        instance.send(old().by(text(&next, "key"))).await.is(200);
        instance.send(old().by(key)).await.refused(Revoked);
    })
    .await;
}

#[tokio::test]
async fn only_those_who_may_manage_credentials_see_it() {
    for_each_app(async |instance| {
        let made = generated(instance).await;
        let viewer = instance.session("viewer").await;
        let operator = instance.session("operator").await;
        for session in [&viewer, &operator] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let answer = instance.send(call(method, PATH).by(session)).await;
                answer.refused(PermissionRequired);
            }
        }
        let role = json!({"name": "keeper", "permissions": ["settings"]});
        let admin = instance.session("admin").await;
        instance
            .send(post("/v1/roles", &role).by(&admin))
            .await
            .is(201);
        let keeper = instance.session("keeper").await;
        let seen = instance.send(get(PATH).by(&keeper)).await.is(200);
        assert_eq!(seen["id"], made["id"]);

        let path = format!("/v1/accounts/{}", instance.account_id());
        let suspended = patch(&path, &json!({"status": "suspended"})).by(&operator);
        instance.send(suspended).await.is(200);
        let used = get("/demo/old/v1/people").by(text(&made, "key"));
        instance.send(used).await.refused(AccountInactive);
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = instance.send(call(method, PATH).by(&admin)).await;
            answer.refused(AccountInactive);
        }
        let active = patch(&path, &json!({"status": "active"})).by(&operator);
        instance.send(active).await.is(200);
        let used = get("/demo/old/v1/people").by(text(&made, "key"));
        instance.send(used).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn accounts_do_not_touch_each_other() {
    for_each_app(async |instance| {
        let (other_id, other) = instance.neighbour().await;
        let own = generated(instance).await;
        instance.send(get(PATH).by(&other)).await.refused(NotFound);
        instance.send(delete(PATH).by(&other)).await.is(200);
        let theirs = instance.send(generate(&other)).await.is(201);
        assert_eq!(text(&theirs, "account_id"), other_id);
        revert(instance).await;
        let question = json!({"api": OLD_API});
        instance
            .check(text(&own, "key"), question.clone(), "revoked")
            .await;
        let decision = instance.verify(text(&theirs, "key"), question).await;
        assert_eq!(
            (&decision["allowed"], text(&decision, "account_id")),
            (&json!(true), other_id.as_str())
        );
        let seen = instance.send(get(PATH).by(&other)).await.is(200);
        assert_eq!(seen["id"], theirs["id"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_generates() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let sent = (0..64).map(|_| instance.send(generate(&admin)));
        let answers = join_all(sent).await;
        let (made, refused): (Vec<&Answer>, Vec<&Answer>) =
            answers.iter().partition(|answer| answer.status == 201);
        assert_eq!((made.len(), refused.len()), (1, 63));
        for answer in refused {
            answer.refused(Conflict);
        }
        let made = made[0].json();
        let seen = instance.send(get(PATH).by(&admin)).await.is(200);
        assert_eq!(seen["id"], made["id"]);
        let question = json!({"api": OLD_API});
        instance
            .check(text(&made, "key"), question.clone(), "allowed")
            .await;

        let sent = (0..16).map(|_| instance.send(delete(PATH).by(&admin)));
        for answer in join_all(sent).await {
            answer.is(200);
        }
        instance
            .check(text(&made, "key"), question, "revoked")
            .await;
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_generates_once() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let again = || generate(&admin).header("idempotency-key", "one");
        let made = instance.send(again()).await.is(201);
        assert_eq!(instance.send(again()).await.is(201), made);
        revert(instance).await;
        let replayed = instance.send(again()).await.is(201);
        assert_eq!(replayed["id"], made["id"]);
        assert!(replayed["revoked_at"].is_i64());
        instance.send(get(PATH).by(&admin)).await.refused(NotFound);
    })
    .await;
}

#[tokio::test]
async fn an_instance_may_make_none() {
    let settings = Settings {
        legacy_keys: false,
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        let admin = instance.session("admin").await;
        let refused = instance.send(generate(&admin)).await;
        let error = refused.refused(PermissionRequired);
        assert_eq!(
            error["message"],
            "This instance makes no legacy keys. Create an API key or a client."
        );
        deprecated(&refused);
        let none = instance.send(get(PATH).by(&admin)).await.refused(NotFound);
        assert!(none["message"].to_string().contains("makes none"));
        revert(instance).await;
    })
    .await;
}
