//! `/v1/signing-keys` and `/.well-known/jwks.json`.

use claviger_model::Reason::{NotFound, PermissionRequired};
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::requests::{delete, get, post};

const JWKS: &str = "/.well-known/jwks.json";
const MINUTE: i64 = 60_000;

async fn rotate(instance: &Instance, body: Value) -> Value {
    let operator = instance.session("operator").await;
    let call = post("/v1/signing-keys/rotations", &body).by(&operator);
    instance.send(call).await.is(201)
}

/// The statuses of the keys of the instance's own algorithm.
async fn statuses(instance: &Instance) -> Vec<String> {
    let operator = instance.session("operator").await;
    let call = get("/v1/signing-keys").by(&operator);
    let listed = instance.send(call).await.is(200);
    let keys = listed["data"].as_array().expect("a list").iter();
    keys.filter(|key| key["algorithm"] == "ES256")
        .map(|key| text(key, "status").to_owned())
        .collect()
}

#[tokio::test]
async fn the_set_of_keys_has_public_members_alone() {
    for_each_app(async |instance| {
        // A key of every algorithm is made when they are first asked for.
        let shown = instance.send(get(JWKS)).await.is(200);
        let keys = shown["keys"].as_array().expect("keys");
        let members = [
            ("ES256", "EC", ["crv", "x", "y"].as_slice()),
            ("EdDSA", "OKP", &["crv", "x"]),
            ("RS256", "RSA", &["e", "n"]),
        ];
        assert_eq!(keys.len(), members.len());
        for (key, (algorithm, kind, own)) in keys.iter().zip(members) {
            assert_eq!(
                (text(key, "alg"), text(key, "kty"), text(key, "use")),
                (algorithm, kind, "sig")
            );
            assert!(text(key, "kid").starts_with("sgn_"));
            let mut expected = [own, &["alg", "kid", "kty", "use"]].concat();
            expected.sort_unstable();
            let mut found: Vec<&str> = key
                .as_object()
                .expect("a key")
                .keys()
                .map(String::as_str)
                .collect();
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn the_set_of_keys_is_sent_again_only_when_it_changed() {
    for_each_app(async |instance| {
        let first = instance.send(get(JWKS)).await;
        assert_eq!(first.status, 200);
        assert_eq!(first.header("cache-control"), "public, max-age=300");
        assert_eq!(first.header("content-type"), "application/json");
        assert_eq!(first.header("access-control-allow-origin"), "*");
        let tag = first.header("etag");
        let known = async |tag: &str| instance.send(get(JWKS).header("if-none-match", tag)).await;
        let unchanged = known(tag).await;
        assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
        assert_eq!(unchanged.header("etag"), tag);
        assert_eq!(unchanged.header("cache-control"), "public, max-age=300");
        assert_eq!(unchanged.header("access-control-allow-origin"), "*");
        let asked = get(JWKS).header("accept", "application/jwk-set+json, application/json");
        let asked = instance.send(asked).await;
        assert_eq!(asked.header("content-type"), "application/jwk-set+json");

        let made = rotate(instance, json!({})).await;
        assert_eq!(made["algorithm"], "ES256");
        let changed = known(tag).await;
        assert_eq!(changed.status, 200);
        let keys = changed.json();
        assert_eq!(keys["keys"][1]["kid"], made["id"], "published at once");
    })
    .await;
}

#[tokio::test]
async fn an_operator_rotates_and_withdraws() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        instance.send(get(JWKS)).await.is(200);
        let before = instance.now();
        let made = rotate(instance, json!({"algorithm": "ES256"})).await;
        assert_eq!(made["status"], "published");
        assert_eq!(made["published_until"], Value::Null);
        let signs_from = made["signs_from"].as_i64().expect("a time");
        assert!(
            signs_from >= before + 5 * MINUTE,
            "after a kept JWKS is old"
        );
        assert_eq!(statuses(instance).await, ["signing", "published"]);
        instance.pass(5 * MINUTE).await;
        assert_eq!(statuses(instance).await, ["retired", "signing"]);

        let path = format!("/v1/signing-keys/{}", text(&made, "id"));
        for _ in 0..2 {
            let gone = instance.send(delete(&path).by(&operator)).await.is(200);
            assert_eq!(gone, json!({"ok": true}));
        }
        let statuses = statuses(instance).await;
        assert_eq!(statuses, ["retired", "withdrawn", "signing"]);
        let shown = instance.send(get(JWKS)).await.is(200);
        let keys = shown["keys"].as_array().expect("keys");
        assert!(keys.iter().all(|key| key["kid"] != made["id"]));
        let unknown = delete("/v1/signing-keys/sgn_00000000000000000000000000").by(&operator);
        instance.send(unknown).await.refused(NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_rotation_is_one() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let once = || {
            post("/v1/signing-keys/rotations", &json!({}))
                .by(&operator)
                .header("idempotency-key", "one")
        };
        let first = instance.send(once()).await.is(201);
        assert_eq!(instance.send(once()).await.is(201), first);
        assert_eq!(statuses(instance).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn signing_keys_are_for_operators_and_known_algorithms() {
    for_each_app(async |instance| {
        let owner = instance.session("owner").await;
        let operator = instance.session("operator").await;
        let rotation = |body| post("/v1/signing-keys/rotations", &body);
        for call in [
            get("/v1/signing-keys"),
            rotation(json!({})),
            delete("/v1/signing-keys/sgn_00000000000000000000000000"),
        ] {
            instance
                .send(call.by(&owner))
                .await
                .refused(PermissionRequired);
        }
        for word in ["none", "HS256", "es256", ""] {
            let call = rotation(json!({"algorithm": word})).by(&operator);
            instance.send(call).await.refused_members(&["algorithm"]);
        }
        assert_eq!(statuses(instance).await, Vec::<String>::new());
    })
    .await;
}
