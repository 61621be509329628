//! `audience` and `resource`: one list of what a client may name.

use claviger_service::settings::Settings;
use serde_json::{Value, json};

use super::{TestClient, claims, client};
use crate::instance::{
    API, Instance, OLD_API, OPEN_API, for_each_app, for_each_app_with, text, with_management,
};
use crate::requests::{get, patch};

#[tokio::test]
async fn an_audience_is_an_apis_name_or_one_of_its_base_urls() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for name in [
            API,
            "https://live.acme.test",
            "https://LIVE.acme.test/",
            "https://sandbox.acme.test/api",
        ] {
            for parameter in ["audience", "resource"] {
                assert_eq!(
                    audience(instance, &client, &[(parameter, name)]).await,
                    json!(API)
                );
            }
        }
        // Both name the same thing.
        let both = [
            ("audience", API),
            ("resource", API),
            ("resource", "https://live.acme.test"),
        ];
        assert_eq!(audience(instance, &client, &both).await, json!(API));
        assert_eq!(
            audience(instance, &client, &[("audience", "")]).await,
            json!(API)
        );
    })
    .await;
}

#[tokio::test]
async fn a_target_that_is_unknown_or_not_the_clients_is_invalid_target() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        for name in [
            "https://nowhere.acme.test",
            OLD_API,
            OPEN_API,
            "https://api.acme.test/",
            "HTTPS://API.ACME.TEST",
            "https://live.acme.test/v1",
            "api.acme.test",
            "\" or 1=1 --",
        ] {
            let answer = instance.send(client.form(&[("audience", name)])).await;
            let told = answer.oauth_error(400, "invalid_target");
            assert!(told.contains(API), "{told}");
        }
        for name in ["/v1", "api", "https://api.acme.test#x", "#", "https:"] {
            let answer = instance.send(client.form(&[("resource", name)])).await;
            answer.oauth_error(400, "invalid_target");
        }
        let one_of_two = [("resource", API), ("resource", "https://nowhere.acme.test")];
        let answer = instance.send(client.form(&one_of_two)).await;
        answer.oauth_error(400, "invalid_target");
        // Management is off: the issuer is nobody's audience.
        let answer = instance
            .send(client.form(&[("audience", instance.issuer())]))
            .await;
        answer.oauth_error(400, "invalid_target");
    })
    .await;
}

#[tokio::test]
async fn without_a_target_a_token_is_for_every_api_on_which_the_client_holds_scopes() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        assert_eq!(audience(instance, &client, &[]).await, json!(API));
        offer_leads(instance, OLD_API).await;
        assert_eq!(
            audience(instance, &client, &[]).await,
            json!([API, OLD_API])
        );
        let token = client.token(instance).await;
        instance.check(&token, json!({"api": API}), "allowed").await;
        instance
            .check(&token, json!({"api": OLD_API}), "kind_not_accepted")
            .await;
        instance
            .check(&token, json!({"api": OPEN_API}), "kind_not_accepted")
            .await;

        let all = super::client(instance, json!({"scopes": "all"})).await;
        let every = json!([API, OLD_API, OPEN_API]);
        assert_eq!(audience(instance, &all, &[]).await, every);
    })
    .await;
}

#[tokio::test]
async fn a_client_of_one_api_gets_tokens_for_that_one_alone() {
    for_each_app(async |instance| {
        offer_leads(instance, OLD_API).await;
        let client = client(instance, json!({"audience": API})).await;
        assert_eq!(audience(instance, &client, &[]).await, json!(API));
        let answer = instance.send(client.form(&[("audience", OLD_API)])).await;
        answer.oauth_error(400, "invalid_target");
    })
    .await;
}

#[tokio::test]
async fn a_token_for_one_api_is_nothing_at_another() {
    for_each_app(async |instance| {
        offer_leads(instance, OPEN_API).await;
        let client = client(instance, json!({})).await;
        let answer = client.token_with(instance, &[("audience", OPEN_API)]).await;
        let token = text(&answer, "access_token");
        instance
            .check(token, json!({"api": API}), "invalid_credential")
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_issuer_is_a_target_of_its_own_where_management_is_on() {
    let settings = Settings {
        public_url: "https://auth.acme.test".to_owned(),
        ..with_management()
    };
    for_each_app_with(&settings, async |instance| {
        let issuer = instance.issuer();
        let client = client(instance, json!({"scopes": ["keys:read", "read:leads"]})).await;
        let answer = client.token_with(instance, &[("audience", issuer)]).await;
        assert_eq!(answer["scope"], "keys:read");
        let token = text(&answer, "access_token");
        assert_eq!(claims(token)["aud"], issuer);
        assert_eq!(
            client.introspect(instance, token).await["scope"],
            "keys:read"
        );
        instance.send(get("/v1/keys").by(token)).await.is(200);
        let slash = format!("{issuer}/");
        assert_eq!(
            audience(instance, &client, &[("resource", &slash)]).await,
            json!(issuer)
        );
        // Beside an API it is refused; without a target it is left out.
        let both = [("resource", issuer), ("resource", API)];
        let answer = instance.send(client.form(&both)).await;
        answer.oauth_error(400, "invalid_target");
        assert_eq!(audience(instance, &client, &[]).await, json!(API));
        for beyond in ["keys:write", "read:leads"] {
            let asked = [("audience", issuer), ("scope", beyond)];
            let answer = instance.send(client.form(&asked)).await;
            answer.oauth_error(400, "invalid_scope");
        }

        let plain = super::client(instance, json!({})).await;
        let answer = instance.send(plain.form(&[("audience", issuer)])).await;
        answer.oauth_error(400, "invalid_target");
        let robot = super::client(instance, json!({"scopes": ["keys:read"]})).await;
        assert_eq!(audience(instance, &robot, &[]).await, json!(issuer));
        let all = super::client(instance, json!({"scopes": "all"})).await;
        let answer = all.token_with(instance, &[("audience", issuer)]).await;
        assert_eq!(
            answer["scope"],
            "keys:read keys:write clients:read clients:write"
        );
    })
    .await;
}

async fn audience(instance: &Instance, client: &TestClient, asked: &[(&str, &str)]) -> Value {
    let answer = client.token_with(instance, asked).await;
    claims(text(&answer, "access_token"))["aud"].clone()
}

/// Lets an API offer `read:leads`.
async fn offer_leads(instance: &Instance, audience: &str) {
    let operator = instance.session("operator").await;
    let apis = instance.send(get("/v1/apis").by(&operator)).await.is(200);
    let apis = apis["data"].as_array().expect("APIs");
    let api = apis
        .iter()
        .find(|api| api["audience"] == audience)
        .expect("one");
    let scope = json!({"name": "read:leads", "description": "May read.", "sensitive": false});
    let mut change = json!({"scopes": [scope]});
    if audience == OPEN_API {
        change["accepts"] = json!(["api_key", "access_token"]);
    }
    let path = format!("/v1/apis/{}", text(api, "id"));
    instance
        .send(patch(&path, &change).by(&operator))
        .await
        .is(200);
}
