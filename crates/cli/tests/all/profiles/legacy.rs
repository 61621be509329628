//! Document 001's legacy API key: one for an account, itself the bearer.

use serde_json::json;

use super::instance::{Profile, text};

#[tokio::test]
async fn document_001_the_legacy_key_reaches_both_versions_until_it_is_reverted() {
    let profile = Profile::start("001").await;
    let offer = profile.offer().await;
    let labels = ["generate", "revert"].map(|name| &offer["labels"][name]);
    assert_eq!(labels, ["Generate", "Revert"]);
    let mut keys = Vec::new();
    for _ in 0..2 {
        let made = profile.post("/v1/legacy-key", &json!({})).await;
        assert_eq!(made.status, 201, "{made:?}");
        let key = text(&made.json(), "key").to_owned();
        assert!(key.starts_with("cl_"));
        for path in ["v1/jobs", "v1/customers/7", "v2/invoices"] {
            let answer = profile
                .call(&format!("GET api.example.com/{path}"), &key)
                .await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            assert_eq!(answer.header("deprecation"), Some("@1735689600"));
        }
        let events = profile.call("GET events.example.com/today", &key).await;
        assert_eq!(
            (events.status, &*events.reason()),
            (403, "kind_not_accepted")
        );
        let second = profile.post("/v1/legacy-key", &json!({})).await;
        assert_eq!(second.status, 409, "{second:?}");
        let reverted = profile.delete("/v1/legacy-key").await;
        assert_eq!(reverted.json(), json!({"ok": true}));
        assert_eq!(
            profile
                .call("GET api.example.com/v1/jobs", &key)
                .await
                .status,
            401
        );
        keys.push(key);
    }
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn document_001_the_legacy_key_needs_an_active_account() {
    let profile = Profile::start("001").await;
    let legacy = profile.post("/v1/legacy-key", &json!({})).await.json();
    profile.suspend().await;
    let refused = profile
        .call("GET api.example.com/v1/jobs", text(&legacy, "key"))
        .await;
    assert_eq!(
        (refused.status, &*refused.reason()),
        (401, "account_inactive")
    );
}

#[tokio::test]
async fn where_there_are_no_legacy_keys_none_is_generated() {
    let profile = Profile::start("000").await;
    let refused = profile.post("/v1/legacy-key", &json!({})).await;
    assert_eq!(refused.status, 403, "{refused:?}");
}
