//! `/v1/instance`: what the instance offers, told to everybody.

use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::QuotaMode;
use claviger_service::settings::{Settings, TokenSettings};
use serde_json::json;

use super::instance::{for_each_app, for_each_app_with};
use super::requests::get;

#[tokio::test]
async fn everybody_sees_what_the_instance_offers() {
    for_each_app(async |instance| {
        let found = instance.send(get("/v1/instance")).await.is(200);
        assert_eq!(found["name"], "Claviger");
        assert_eq!(found["public_url"], "http://127.0.0.1:8080");
        assert_eq!(found["labels"]["create_api_key"], "Add API Key");
        // What it matches is looked at where leaks are.
        let pattern = found["credentials"]["pattern"].clone();
        assert!(pattern.is_string(), "{found}");
        let credentials = json!({
            "pattern": pattern,
            "kinds": ["api_key", "legacy_key", "access_token", "session"],
            "prefixes": {
                "api_key": {"live": "ck_live_", "test": "ck_test_"},
                "client_secret": {"live": "cs_live_", "test": "cs_test_"},
                "legacy_key": "cl_",
            },
        });
        assert_eq!(found["credentials"], credentials);
        let tokens = json!({
            "lifetime_seconds": 3600, "per_day": null, "quota_mode": "enforce",
            "signing_algorithm": "ES256",
        });
        assert_eq!(found["tokens"], tokens);
    })
    .await;
}

#[tokio::test]
async fn the_offer_follows_the_settings() {
    let mut settings = Settings {
        legacy_keys: false,
        tokens: TokenSettings {
            signing_algorithm: SigningAlgorithm::Rs256,
            lifetime_seconds: 86_400,
            per_day: Some(10),
            quota_mode: QuotaMode::Observe,
            ..TokenSettings::default()
        },
        ..Settings::default()
    };
    settings.prefixes.key_live = "pb_live_".to_owned();
    settings.portal.name = "Example".to_owned();
    settings.portal.labels.create_api_key = "Create an API key".to_owned();
    for_each_app_with(&settings, async |instance| {
        let found = instance.send(get("/v1/instance")).await.is(200);
        assert_eq!(found["name"], "Example");
        assert_eq!(found["labels"]["create_api_key"], "Create an API key");
        let credentials = &found["credentials"];
        assert_eq!(
            credentials["kinds"],
            json!(["api_key", "access_token", "session"])
        );
        assert_eq!(credentials["prefixes"]["api_key"]["live"], "pb_live_");
        let tokens = json!({
            "lifetime_seconds": 86400, "per_day": 10, "quota_mode": "observe",
            "signing_algorithm": "RS256",
        });
        assert_eq!(found["tokens"], tokens);
    })
    .await;
}
