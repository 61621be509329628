//! Documents 002 and 003 and the keys of 004: API keys on pages and over REST.

use serde_json::json;

use super::instance::{Profile, text};

#[tokio::test]
async fn document_002_keys_are_added_edited_and_inactivated() {
    let profile = Profile::start("002").await;
    let offer = profile.offer().await;
    assert_eq!(offer["credentials"]["kinds"], json!(["api_key"]));
    let labels = ["api", "api_keys", "create_api_key", "save"].map(|name| &offer["labels"][name]);
    assert_eq!(labels, ["API", "API Keys", "Add API Key", "Save Changes"]);

    let body = json!({"name": "Import", "scopes": ["read:users", "write:users"], "active": true});
    let made = profile.post("/api/keys", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let (key, path) = (
        text(&made, "key"),
        format!("/api/keys/{}", text(&made, "id")),
    );
    assert_eq!(
        profile.call("POST api.example.com/users", key).await.status,
        200
    );
    assert!(!profile.get(&path).await.body.contains(key));

    // Editing the scope.
    let edited = profile
        .patch(&path, &json!({"scopes": ["read:reports"]}))
        .await;
    assert_eq!(edited.status, 200, "{edited:?}");
    let refused = profile.call("POST api.example.com/users", key).await;
    assert_eq!(
        (refused.status, &*refused.reason()),
        (403, "insufficient_scope")
    );
    assert_eq!(
        profile
            .call("GET api.example.com/reports/1", key)
            .await
            .status,
        200
    );

    // Inactivating.
    profile.patch(&path, &json!({"active": false})).await;
    let refused = profile.call("GET api.example.com/reports/1", key).await;
    assert_eq!((refused.status, &*refused.reason()), (401, "inactive"));
    let all = profile.get("/api/keys?status=all").await.json();
    assert_eq!(all[0]["status"], "inactive");
    profile.patch(&path, &json!({"active": true})).await;
    assert_eq!(
        profile
            .call("GET api.example.com/reports/1", key)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn document_003_keys_are_managed_over_rest() {
    let profile = Profile::start("003").await;
    let offer = profile.offer().await;
    assert_eq!(offer["credentials"]["prefixes"]["api_key"]["live"], "ck_");
    let body = json!({"name": "Reporting Script", "scopes": ["read:people", "read:interviews"]});
    let made = profile.post("/api/keys", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let key = text(&made, "key");
    let body = key.strip_prefix("ck_").expect("the prefix");
    assert!(body.bytes().all(|b| b.is_ascii_alphanumeric()), "{key}");
    assert!(key.ends_with(text(&made, "hint")) && text(&made, "hint").len() == 4);

    let listed = profile.get("/api/keys").await.json();
    for member in ["id", "name", "hint", "scopes", "created_at"] {
        assert_eq!(listed[0][member], made[member], "{member}");
    }
    assert!(listed[0].get("key").is_none());

    assert_eq!(
        profile
            .call("GET app.example.com/api/people", key)
            .await
            .status,
        200
    );
    let wider = profile.call("POST app.example.com/api/people", key).await;
    assert_eq!(wider.status, 403, "{wider:?}");
    let managing = crate::http::get(&profile.url("/api/keys"), key).await;
    assert_eq!(
        (managing.status, &*managing.reason()),
        (401, "session_required")
    );

    let path = format!("/api/keys/{}", text(&made, "id"));
    assert_eq!(profile.delete(&path).await.json(), json!({"ok": true}));
    let refused = profile.call("GET app.example.com/api/people", key).await;
    assert_eq!((refused.status, &*refused.reason()), (401, "revoked"));
    assert_eq!(profile.get("/api/keys").await.json(), json!([]));
}

#[tokio::test]
async fn document_004_keys_have_their_own_prefixes_and_environments() {
    let profile = Profile::start("004").await;
    let offer = profile.offer().await;
    let labels = ["create_api_key", "create_test_key"].map(|name| &offer["labels"][name]);
    assert_eq!(labels, ["Create API Key", "Create Test Key"]);
    assert_eq!(offer["tokens"]["signing_algorithm"], "RS256");
    let scopes = profile.get("/v1/scopes").await.json();
    let described = |name: &str| {
        let scopes = scopes["data"].as_array().unwrap();
        let scope = scopes.iter().find(|scope| scope["name"] == name);
        scope.map(|scope| text(scope, "description").to_owned())
    };
    assert_eq!(
        described("write:agents").as_deref(),
        Some("Create/update agents")
    );
    assert_eq!(described("webhooks").as_deref(), Some("Manage webhooks"));

    let make = async |environment: &str, scope: &str| {
        let body = json!({"name": "k", "scopes": [scope], "environment": environment});
        profile.post("/api/keys", &body).await
    };
    let live = make("live", "read:leads").await.json();
    let test = make("test", "read:leads").await.json();
    let (live, test) = (text(&live, "key"), text(&test, "key"));
    assert!(live.starts_with("pb_live_") && test.starts_with("pb_test_"));
    let (production, sandbox) = (
        "GET api.example.com/v1/leads",
        "GET api.sandbox.example.com/v1/leads",
    );
    assert_eq!(profile.call(production, live).await.status, 200);
    assert_eq!(profile.call(sandbox, test).await.status, 200);
    let refused = profile.call(production, test).await;
    assert_eq!(
        (refused.status, &*refused.reason()),
        (403, "environment_mismatch")
    );

    // The bodies of the document.
    let unknown = profile.call(production, "pb_live_xxxxxxxxxxxxx").await;
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown.json()["error"]["code"], "UNAUTHORIZED");
    let beyond = profile.call("GET api.example.com/v1/agents", live).await;
    assert_eq!(beyond.status, 403);
    assert_eq!(beyond.json()["error"]["code"], "FORBIDDEN");

    // A browser application sends its user's session token, with the scopes of the user's role.
    let session = profile.call(production, &profile.session).await;
    assert_eq!(session.status, 200, "{session:?}");

    let everything = make("live", "admin").await.json();
    let everything = text(&everything, "key");
    assert_eq!(
        profile
            .call("DELETE api.example.com/v1/webhooks", everything)
            .await
            .status,
        200
    );
    assert_eq!(profile.call(production, everything).await.status, 200);
    assert_eq!(make("test", "admin").await.status, 422, "live only");
}
