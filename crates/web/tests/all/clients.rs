//! `/v1/clients`: clients and their secrets.

use claviger_model::Reason::{
    Conflict, CredentialMissing, IdempotencyMismatch, KindNotAccepted, NotFound,
    PermissionRequired, PreconditionFailed, SessionRequired,
};
use claviger_model::{clients::SECRETS_MAX, secret};
use claviger_service::settings::{Settings, TokenSettings};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::instance::{Instance, OPEN_API, for_each_app, for_each_app_with, merged, text};
use super::requests::{Answer, delete, get, patch, post};

fn valid() -> Value {
    json!({"name": "Nightly import", "kind": "machine", "scopes": ["read:leads"]})
}

async fn created(instance: &Instance, more: Value) -> Answer {
    let admin = instance.session("admin").await;
    let body = merged(&valid(), &more);
    instance.send(post("/v1/clients", &body).by(&admin)).await
}

#[tokio::test]
async fn a_client_comes_with_a_secret_that_is_shown_once() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let answer = created(instance, json!({})).await;
        let made = answer.is(201);
        let (id, plain) = (text(&made, "id"), text(&made, "client_secret"));
        assert_eq!(made["client_id"], id);
        assert!(
            id.starts_with("cli_") && plain.starts_with("cs_live_"),
            "{made}"
        );
        secret::parse(plain).expect("a secret of ours");
        let secrets = made["secrets"].as_array().expect("secrets");
        assert_eq!(secrets.len(), 1);
        assert_eq!(text(&secrets[0], "hint"), &plain[plain.len() - 4..]);
        for member in ["expires_at", "revoked_at", "last_used_at"] {
            assert!(secrets[0][member].is_null(), "{member}: {made}");
        }
        assert_eq!(made["scopes"], json!(["read:leads"]));
        assert_eq!(
            (&made["environment"], &made["status"]),
            (&json!("live"), &json!("active"))
        );
        assert_eq!(answer.header("location"), format!("/v1/clients/{id}"));
        assert_eq!(answer.header("cache-control"), "no-store");
        let path = format!("/v1/clients/{id}");
        let shown = instance.send(get(&path).by(&admin)).await;
        assert!(!shown.text.contains(plain) && shown.is(200).get("client_secret").is_none());
        let listed = instance.send(get("/v1/clients").by(&admin)).await.is(200);
        assert_eq!(listed["data"], json!([shown.json()]));
        assert_eq!(listed["has_more"], false);
        // It is for the token endpoint; no API takes it as it is.
        instance.check(plain, json!({}), "kind_not_accepted").await;
        let test = created(instance, json!({"environment": "test", "scopes": "all"}))
            .await
            .is(201);
        assert!(
            text(&test, "client_secret").starts_with("cs_test_"),
            "{test}"
        );
        assert_eq!(test["scopes"], "all");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_acceptable_is_named() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        for (change, members) in [
            (
                json!({"name": null, "scopes": null}),
                &["name", "scopes"][..],
            ),
            (json!({"scopes": []}), &["scopes"]),
            (json!({"scopes": "some"}), &["scopes"]),
            (json!({"scopes": ["no:such"]}), &["scopes[0]"]),
            (json!({"scopes": ["keys:write"]}), &["scopes[0]"]),
            (
                json!({"scopes": ["admin"], "environment": "test"}),
                &["scopes[0]"],
            ),
            (json!({"kind": "robot"}), &["kind"]),
            (
                json!({"redirect_uris": ["https://x.test/cb"]}),
                &["redirect_uris"],
            ),
            (json!({"public": true}), &["public"]),
            (
                json!({"grant_types": ["authorization_code"]}),
                &["grant_types"],
            ),
            (json!({"audience": "https://no.such"}), &["audience"]),
            (
                json!({"token_lifetime_seconds": 0}),
                &["token_lifetime_seconds"],
            ),
            (json!({"tokens_per_day": 0}), &["tokens_per_day"]),
            (json!({"quota_mode": "never"}), &["quota_mode"]),
            (
                json!({"token_endpoint_auth_method": "none"}),
                &["token_endpoint_auth_method"],
            ),
            (json!({"colour": "red"}), &["colour"]),
        ] {
            created(instance, change).await.refused_members(members);
        }
        let listed = instance.send(get("/v1/clients").by(&admin)).await.is(200);
        assert_eq!(listed["data"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn only_who_may_change_settings_gets_at_them() {
    for_each_app(async |instance| {
        let made = created(instance, json!({})).await.is(201);
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let viewer = instance.session("viewer").await;
        let key = instance.key(json!({})).await;
        let (_, neighbour) = instance.neighbour().await;
        for call in [
            get("/v1/clients"),
            get(&path),
            delete(&path),
            post("/v1/clients", &valid()),
        ] {
            instance
                .send(call.by(&viewer))
                .await
                .refused(PermissionRequired);
        }
        instance.send(get(&path)).await.refused(CredentialMissing);
        instance
            .send(get(&path).by(text(&key, "key")))
            .await
            .refused(SessionRequired);
        let own_secret = text(&made, "client_secret");
        instance
            .send(get(&path).by(own_secret))
            .await
            .refused(SessionRequired);
        for call in [
            get(&path),
            patch(&path, &json!({"name": "X"})),
            delete(&path),
            post(&format!("{path}/secrets"), &json!({})),
        ] {
            instance.send(call.by(&neighbour)).await.refused(NotFound);
        }
        let operator = instance.session("operator").await;
        let within = format!("{path}?account_id={}", instance.account_id());
        instance.send(get(&within).by(&operator)).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn an_edit_is_a_merge_patch_with_a_version() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = created(instance, json!({"tokens_per_day": 10})).await;
        let path = format!("/v1/clients/{}", text(&made.json(), "id"));
        let etag = made.header("etag").to_owned();
        let change = json!({"name": "Renamed", "tokens_per_day": null, "scopes": "all"});
        let edit = patch(&path, &change).by(&admin).header("if-match", &etag);
        let edited = instance.send(edit).await.is(200);
        assert_eq!(
            (&edited["name"], &edited["scopes"]),
            (&json!("Renamed"), &json!("all"))
        );
        assert!(edited["tokens_per_day"].is_null());
        let stale = patch(&path, &json!({"name": "X"}))
            .by(&admin)
            .header("if-match", &etag);
        instance.send(stale).await.refused(PreconditionFailed);
        let event = instance.newest_event("client.changed").await;
        assert_eq!(event["after"]["scopes"], "all");
        assert!(event["after"].get("description").is_none(), "{event}");
    })
    .await;
}

#[tokio::test]
async fn secrets_come_and_go_one_by_one() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = created(instance, json!({})).await.is(201);
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let secrets = format!("{path}/secrets");
        let end = instance.now() + 60_000;
        let body = json!({"description": "For the new server", "expires_at": end});
        let added = instance
            .send(post(&secrets, &body).by(&admin))
            .await
            .is(201);
        let plain = text(&added, "client_secret");
        assert_eq!(
            (&added["expires_at"], &added["status"]),
            (&json!(end), &json!("active"))
        );
        let listed = instance.send(get(&secrets).by(&admin)).await;
        assert!(!listed.text.contains(plain), "{listed:?}");
        assert_eq!(
            listed.is(200)["data"][1]["description"],
            "For the new server"
        );
        instance.check(plain, json!({}), "kind_not_accepted").await;
        let one = format!("{secrets}/{}", text(&added, "id"));
        for _ in 0..2 {
            assert_eq!(
                instance.send(delete(&one).by(&admin)).await.is(200),
                json!({"ok": true})
            );
        }
        instance.check(plain, json!({}), "revoked").await;
        let first = text(&made, "client_secret");
        instance.check(first, json!({}), "kind_not_accepted").await;
        let shown = instance.send(get(&path).by(&admin)).await.is(200);
        assert_eq!(shown["secrets"][1]["status"], "revoked");
        for past in [instance.now() - 1, 1_700_000_000] {
            let body = json!({"expires_at": past});
            let refused = instance.send(post(&secrets, &body).by(&admin)).await;
            refused.refused_members(&["expires_at"]);
        }
        let unknown = format!("{secrets}/sec_00000000000000000000000000");
        instance
            .send(delete(&unknown).by(&admin))
            .await
            .refused(NotFound);
        for _ in 1..SECRETS_MAX {
            instance
                .send(post(&secrets, &json!({})).by(&admin))
                .await
                .is(201);
        }
        instance
            .send(post(&secrets, &json!({})).by(&admin))
            .await
            .refused(Conflict);
    })
    .await;
}

#[tokio::test]
async fn deleting_a_client_ends_all_its_secrets() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = created(instance, json!({})).await.is(201);
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let secrets = format!("{path}/secrets");
        let added = instance
            .send(post(&secrets, &json!({})).by(&admin))
            .await
            .is(201);
        for _ in 0..2 {
            assert_eq!(
                instance.send(delete(&path).by(&admin)).await.is(200),
                json!({"ok": true})
            );
        }
        for plain in [text(&made, "client_secret"), text(&added, "client_secret")] {
            instance.check(plain, json!({}), "revoked").await;
        }
        instance
            .send(post(&secrets, &json!({})).by(&admin))
            .await
            .refused(Conflict);
        let edit = patch(&path, &json!({"name": "X"})).by(&admin);
        instance.send(edit).await.refused(Conflict);
        let listed = instance.send(get("/v1/clients").by(&admin)).await.is(200);
        assert_eq!(listed["data"], json!([]));
        let all = instance
            .send(get("/v1/clients?status=all").by(&admin))
            .await
            .is(200);
        assert_eq!(all["data"][0]["status"], "deleted");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_creates_with_one_idempotency_key_make_one_client() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let create = |body: &Value| {
            instance.send(
                post("/v1/clients", body)
                    .by(&admin)
                    .header("idempotency-key", "k"),
            )
        };
        let body = valid();
        let made: Vec<Value> = join_all((0..64).map(|_| create(&body)))
            .await
            .iter()
            .map(|answer| answer.is(201))
            .collect();
        assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
        let other = merged(&body, &json!({"name": "Other"}));
        create(&other).await.refused(IdempotencyMismatch);
        let listed = instance.send(get("/v1/clients").by(&admin)).await.is(200);
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn an_account_can_tighten_and_only_an_operator_loosen() {
    let settings = Settings {
        tokens: TokenSettings {
            per_day: Some(10),
            ..TokenSettings::default()
        },
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        let operator = instance.session("operator").await;
        for (change, member) in [
            (json!({"tokens_per_day": 11}), "tokens_per_day"),
            (json!({"quota_mode": "observe"}), "quota_mode"),
            (
                json!({"token_lifetime_seconds": 86_400}),
                "token_lifetime_seconds",
            ),
        ] {
            created(instance, change.clone())
                .await
                .refused_members(&[member]);
            let within = json!({"account_id": instance.account_id()});
            let body = merged(&merged(&valid(), &change), &within);
            instance
                .send(post("/v1/clients", &body).by(&operator))
                .await
                .is(201);
        }
        let tighter = json!({"tokens_per_day": 5, "token_lifetime_seconds": 60});
        let made = created(instance, tighter).await.is(201);
        // What an operator loosened stays when the account changes something else.
        let loose = json!({"tokens_per_day": 50, "account_id": instance.account_id()});
        let loose = merged(&valid(), &loose);
        let loose = instance
            .send(post("/v1/clients", &loose).by(&operator))
            .await
            .is(201);
        let admin = instance.session("admin").await;
        let path = format!("/v1/clients/{}", text(&loose, "id"));
        let rename = json!({"name": "Renamed", "tokens_per_day": 50});
        instance
            .send(patch(&path, &rename).by(&admin))
            .await
            .is(200);
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let raise = patch(&path, &json!({"tokens_per_day": 11})).by(&admin);
        instance
            .send(raise)
            .await
            .refused_members(&["tokens_per_day"]);
    })
    .await;
}

#[tokio::test]
async fn a_long_life_at_one_api_is_none_at_the_others() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let apis = instance.send(get("/v1/apis").by(&operator)).await.is(200);
        let api = apis["data"].as_array().into_iter().flatten();
        let api = api.into_iter().find(|api| api["audience"] == OPEN_API);
        let path = format!("/v1/apis/{}", text(api.expect("the API"), "id"));
        let longer = patch(&path, &json!({"token_lifetime_seconds": 86_400}));
        instance.send(longer.by(&operator)).await.is(200);

        let long = json!({"audience": OPEN_API, "token_lifetime_seconds": 86_400});
        let made = created(instance, long).await.is(201);
        let path = format!("/v1/clients/{}", text(&made, "id"));
        let admin = instance.session("admin").await;
        let edit = |change: Value| instance.send(patch(&path, &change).by(&admin));
        let elsewhere = edit(json!({"audience": null})).await;
        elsewhere.refused_members(&["token_lifetime_seconds"]);
        edit(json!({"audience": null, "token_lifetime_seconds": null}))
            .await
            .is(200);
    })
    .await;
}

#[tokio::test]
async fn a_client_secret_opens_no_api() {
    for_each_app(async |instance| {
        let made = created(instance, json!({"scopes": "all"})).await.is(201);
        let call = get("/demo/v1/leads").by(text(&made, "client_secret"));
        instance.send(call).await.refused(KindNotAccepted);
    })
    .await;
}
