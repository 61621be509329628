//! What an operator sets of a client or a key, its account may only tighten.

use claviger_service::settings::{Settings, TokenSettings};
use claviger_service::testing::PASSWORD;
use serde_json::{Value, json};

use super::authorize::Browser;
use super::instance::{API, Instance, OPEN_API, for_each_app, for_each_app_with, merged, text};
use super::requests::{Answer, get, patch, post};

const OPERATOR: &str = "operator@claviger.test";

/// The session of the operator, in the account.
async fn operator_inside(instance: &Instance) -> String {
    let account_id = instance.account_id();
    let body = json!({"email": OPERATOR, "password": PASSWORD, "account_id": account_id});
    let entered = instance.send(post("/v1/sessions", &body)).await.is(201);
    text(&entered, "session_token").to_owned()
}

async fn client(instance: &Instance, by: &str, more: Value) -> Value {
    let body = json!({"name": "Nightly import", "kind": "machine", "scopes": ["read:leads"]});
    let body = merged(&body, &more);
    instance
        .send(post("/v1/clients", &body).by(by))
        .await
        .is(201)
}

async fn change(instance: &Instance, by: &str, client: &Value, body: Value) -> Answer {
    let path = format!("/v1/clients/{}", text(client, "id"));
    instance.send(patch(&path, &body).by(by)).await
}

#[tokio::test]
async fn a_tighter_quota_of_an_operator_is_not_loosened_by_the_account() {
    let of_all = |per_day, quota_mode: &str| Settings {
        tokens: TokenSettings {
            per_day,
            quota_mode: claviger_model::clients::QuotaMode::parse(quota_mode).expect("a mode"),
            ..TokenSettings::default()
        },
        ..Settings::default()
    };
    for settings in [of_all(None, "enforce"), of_all(Some(10), "observe")] {
        for_each_app_with(&settings, async |instance| {
            let (operator, admin) = (
                operator_inside(instance).await,
                instance.session("admin").await,
            );
            let made = client(instance, &admin, json!({})).await;
            assert!(made["ceilings"]["tokens_per_day"].is_null(), "{made}");
            let said = json!({"tokens_per_day": 5, "quota_mode": "enforce"});
            change(instance, &operator, &made, said).await.is(200);
            for loosening in [json!(6), json!(null)] {
                change(
                    instance,
                    &admin,
                    &made,
                    json!({"tokens_per_day": loosening}),
                )
                .await
                .refused_members(&["tokens_per_day"]);
            }
            let counted = json!({"quota_mode": "observe"});
            let refused = change(instance, &admin, &made, counted).await;
            refused.refused_members(&["quota_mode"]);
            let both = json!({"tokens_per_day": 3, "name": "Renamed"});
            let tightened = change(instance, &admin, &made, both).await.is(200);
            assert_eq!(tightened["tokens_per_day"], 3);
            assert_eq!(tightened["ceilings"]["tokens_per_day"], 5, "{tightened}");
            assert_eq!(tightened["ceilings"]["quota_mode"], "enforce");
            // Back up to it, not beyond.
            for (asked, status) in [(6, 422), (5, 200)] {
                let asked = json!({"tokens_per_day": asked});
                assert_eq!(change(instance, &admin, &made, asked).await.status, status);
            }
            let event = instance.newest_event("client.changed").await;
            assert_eq!(event["after"]["tokens_per_day"], 5, "{event}");
            let freed = json!({"tokens_per_day": null, "quota_mode": null});
            let freed = change(instance, &operator, &made, freed).await.is(200);
            assert!(freed["ceilings"]["tokens_per_day"].is_null());
            let own = json!({"tokens_per_day": 7});
            change(instance, &admin, &made, own).await.is(200);
            let none = json!({"tokens_per_day": null});
            change(instance, &admin, &made, none).await.is(200);
        })
        .await;
    }
}

#[tokio::test]
async fn a_larger_quota_of_an_operator_can_be_lowered_and_raised_again() {
    let settings = Settings {
        tokens: TokenSettings {
            per_day: Some(10),
            ..TokenSettings::default()
        },
        ..Settings::default()
    };
    for_each_app_with(&settings, async |instance| {
        let operator = operator_inside(instance).await;
        let admin = instance.session("admin").await;
        let said = json!({"tokens_per_day": 50, "quota_mode": "observe"});
        let made = client(instance, &operator, said).await;
        for body in [
            json!({"tokens_per_day": 20, "quota_mode": "enforce"}),
            json!({"tokens_per_day": 50, "quota_mode": "observe"}),
            json!({"tokens_per_day": null, "quota_mode": null}),
        ] {
            change(instance, &admin, &made, body).await.is(200);
        }
        let more = json!({"tokens_per_day": 51});
        let refused = change(instance, &admin, &made, more).await;
        refused.refused_members(&["tokens_per_day"]);
    })
    .await;
}

#[tokio::test]
async fn a_shorter_life_of_an_operator_is_not_made_longer_by_the_account() {
    for_each_app(async |instance| {
        let operator = operator_inside(instance).await;
        let admin = instance.session("admin").await;
        let member = "token_lifetime_seconds";
        let made = client(instance, &operator, json!({member: 300, "audience": API})).await;
        for loosening in [json!(301), json!(null)] {
            change(instance, &admin, &made, json!({member: loosening}))
                .await
                .refused_members(&[member]);
        }
        let moved = json!({"audience": OPEN_API, member: null});
        let refused = change(instance, &admin, &made, moved).await;
        refused.refused_members(&[member]);
        let moved = json!({"audience": OPEN_API, member: 60});
        let moved = change(instance, &admin, &made, moved).await.is(200);
        assert_eq!(moved["ceilings"][member], 300, "{moved}");
        change(instance, &admin, &made, json!({member: 300}))
            .await
            .is(200);
        // A longer one is for the API that it was given for, and does not come along.
        let longer = json!({member: 7_200, "audience": API});
        change(instance, &operator, &made, longer).await.is(200);
        let moved = json!({"audience": OPEN_API, member: 60});
        let moved = change(instance, &admin, &made, moved).await.is(200);
        assert!(moved["ceilings"][member].is_null(), "{moved}");
        for audience in [OPEN_API, API] {
            let longer = json!({"audience": audience, member: 7_200});
            let refused = change(instance, &admin, &made, longer).await;
            refused.refused_members(&[member]);
        }
    })
    .await;
}

#[tokio::test]
async fn the_rate_limit_that_an_operator_sets_of_a_key_stays() {
    for_each_app(async |instance| {
        let operator = operator_inside(instance).await;
        let admin = instance.session("admin").await;
        let made = instance
            .key(json!({"rate_limit": {"limit": 9, "window_seconds": 9}}))
            .await;
        let path = format!("/api/keys/{}", text(&made, "id"));
        let set = async |by: &str, rate: Value| {
            let body = json!({"rate_limit": rate});
            instance.send(patch(&path, &body).by(by)).await
        };
        let rate = |limit: u32, seconds: u32| json!({"limit": limit, "window_seconds": seconds});
        set(&admin, rate(99, 9)).await.is(200);
        let said = set(&operator, rate(60, 60)).await.is(200);
        assert_eq!(said["rate_limit_ceiling"], rate(60, 60), "{said}");
        for loosening in [json!(null), rate(61, 60), rate(60, 59), rate(2, 1)] {
            set(&admin, loosening)
                .await
                .refused_members(&["rate_limit"]);
        }
        for tightening in [rate(30, 60), rate(60, 60)] {
            let shown = set(&admin, tightening).await.is(200);
            assert_eq!(shown["rate_limit_ceiling"], rate(60, 60), "{shown}");
        }
        set(&operator, json!(null)).await.is(200);
        set(&admin, rate(99, 9)).await.is(200);
        let shown = instance.send(get(&path).by(&admin)).await.is(200);
        assert!(shown["rate_limit_ceiling"].is_null(), "{shown}");
    })
    .await;
}

#[tokio::test]
async fn pages_say_the_ceiling_and_what_an_operator_leaves_alone_is_none() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = client(instance, &admin, json!({"tokens_per_day": 7})).await;
        let path = format!("/clients/{}", text(&made, "id"));
        let edit = format!("{path}/edit");
        let mut inside = Browser::of(instance, OPERATOR).await;
        let own = instance.account_id();
        let switch = format!("/account/switch?account_id={own}");
        inside.fill_in(&switch, &[("account_id", &own)]).await;
        let fields = |quota| {
            [
                ("name", "Import"),
                ("scopes", "read:leads"),
                ("tokens_per_day", quota),
            ]
        };
        inside.fill_in(&edit, &fields("7")).await;
        inside.open(&path).await.tells_not("an operator allows");
        inside.fill_in(&edit, &fields("5")).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser
            .open(&path)
            .await
            .tells("an operator allows up to 5 a day");
        browser
            .open(&edit)
            .await
            .tells("at most 5: an operator set that.");
        for loosening in ["6", ""] {
            let page = browser.fill_in(&edit, &fields(loosening)).await;
            page.is_page(422);
            page.tells("must be given and at most 5, which an operator set");
        }
        assert_eq!(browser.fill_in(&edit, &fields("4")).await.status, 303);
    })
    .await;
}
