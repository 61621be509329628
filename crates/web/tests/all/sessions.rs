//! `/v1/sessions` and `/v1/whoami`: signing in and out, and who one is.

use claviger_model::Reason::{
    AccountInactive, CredentialMissing, Expired, InvalidCredential, Malformed, NotFound,
    PermissionRequired, Revoked, SessionRequired, TooLarge,
};
use claviger_service::testing::PASSWORD;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::requests::{Answer, delete, get, patch, post};

const DAY: i64 = 24 * 3_600 * 1_000;

async fn sign_in(instance: &Instance, body: Value) -> Answer {
    instance.send(post("/v1/sessions", &body)).await
}

#[tokio::test]
async fn signing_in_gives_a_session_for_24_hours() {
    for_each_app(async |instance| {
        let answer = instance.try_sign_in(" Admin@ACME.test ").await;
        let body = answer.is(201);
        let token = text(&body, "session_token");
        assert!(token.starts_with("ses_"));
        let life = body["expires_at"].as_i64().expect("a time") - instance.now();
        assert!((DAY - 60_000..=DAY).contains(&life), "{life}");
        assert_eq!(body["account_id"], instance.account_id());
        assert_eq!(answer.header("cache-control"), "no-store");

        let me = instance.send(get("/v1/whoami").by(token)).await.is(200);
        assert_eq!(me["user"]["email"], "admin@acme.test");
        assert_eq!(me["account"]["name"], "Acme");
        assert_eq!(me["role"], "admin");
        assert_eq!(me["permissions"], json!(["settings", "team", "evidence"]));
        assert_eq!(me["operator"], false);

        instance.pass(DAY).await;
        instance
            .send(get("/v1/whoami").by(token))
            .await
            .refused(Expired);
    })
    .await;
}

#[tokio::test]
async fn who_is_wrong_learns_nothing() {
    for_each_app(async |instance| {
        let mut messages = Vec::new();
        for (email, password) in [
            ("admin@acme.test", "not the password".to_owned()),
            ("nobody@acme.test", PASSWORD.to_owned()),
            ("no address", PASSWORD.to_owned()),
            ("admin@acme.test", String::new()),
            ("admin@acme.test", "x".repeat(60_000)),
        ] {
            let answer = sign_in(instance, json!({"email": email, "password": password})).await;
            messages.push(answer.refused(InvalidCredential)["message"].clone());
        }
        messages.dedup();
        assert_eq!(messages, ["Wrong email or password."]);
        // A right password is let in all the same.
        instance.try_sign_in("admin@acme.test").await.is(201);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_read_is_refused() {
    for_each_app(async |instance| {
        for (body, member) in [
            (json!({"password": PASSWORD}), "email"),
            (json!({"email": "a@b.test"}), "password"),
            (json!({"email": 1, "password": PASSWORD}), "email"),
            (
                json!({"email": "a@b.test", "password": PASSWORD, "otp": "1"}),
                "otp",
            ),
            (
                json!({"email": "a@b.test", "password": PASSWORD, "account_id": "x"}),
                "account_id",
            ),
        ] {
            sign_in(instance, body).await.refused_members(&[member]);
        }
        let large = json!({"email": "admin@acme.test", "password": "x".repeat(1 << 20)});
        sign_in(instance, large).await.refused(TooLarge);
        let broken = post("/v1/sessions", &Value::Null).raw("{");
        instance.send(broken).await.refused(Malformed);
        let missing = instance.send(patch("/v1/sessions", &json!({}))).await;
        missing.refused(claviger_model::Reason::MethodNotAllowed);
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    for_each_app(async |instance| {
        let token = instance.sign_in("admin@acme.test").await;
        let other = instance.sign_in("admin@acme.test").await;
        instance.check(&token, json!({}), "allowed").await;
        let ended = instance
            .send(delete("/v1/sessions/current").by(&token))
            .await;
        assert_eq!(ended.is(200), json!({"ok": true}));
        for call in [
            get("/v1/whoami"),
            delete("/v1/sessions/current"),
            get("/api/keys"),
        ] {
            instance.send(call.by(&token)).await.refused(Revoked);
        }
        instance.check(&token, json!({}), "revoked").await;
        instance.send(get("/v1/whoami").by(&other)).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn an_operator_enters_accounts_and_others_do_not() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let me = instance.send(get("/v1/whoami").by(&operator)).await.is(200);
        assert_eq!(
            (&me["account"], &me["operator"]),
            (&Value::Null, &json!(true))
        );

        let (neighbour, _) = instance.neighbour().await;
        let enter = |email: &str, account_id: &str| {
            let body = json!({"email": email, "password": PASSWORD, "account_id": account_id});
            sign_in(instance, body)
        };
        let entered = enter("operator@claviger.test", &neighbour).await.is(201);
        assert_eq!(entered["account_id"], neighbour.as_str());
        let event = instance.newest_event("operator.entered").await;
        assert_eq!(event["target"], neighbour.as_str(), "{event}");
        enter("admin@acme.test", &neighbour)
            .await
            .refused(PermissionRequired);
        enter("admin@acme.test", "acct_00000000000000000000000000")
            .await
            .refused(PermissionRequired);
    })
    .await;
}

#[tokio::test]
async fn who_lost_the_account_is_out_at_once() {
    for_each_app(async |instance| {
        let owner = instance.session("owner").await;
        let operator = instance.session("operator").await;
        let id = instance
            .add_member("ana@acme.test", "admin", &instance.account_id())
            .await;
        let token = instance.sign_in("ana@acme.test").await;
        let removed = delete(&format!("/v1/members/{id}")).by(&owner);
        instance.send(removed).await.is(200);
        instance
            .send(get("/v1/whoami").by(&token))
            .await
            .refused(Revoked);
        instance
            .try_sign_in("ana@acme.test")
            .await
            .refused(PermissionRequired);

        let admin = instance.session("admin").await;
        let path = format!("/v1/accounts/{}", instance.account_id());
        instance
            .send(patch(&path, &json!({"status": "suspended"})).by(&operator))
            .await
            .is(200);
        instance
            .send(get("/v1/whoami").by(&admin))
            .await
            .refused(AccountInactive);
        instance
            .try_sign_in("admin@acme.test")
            .await
            .refused(AccountInactive);
    })
    .await;
}

#[tokio::test]
async fn only_a_session_is_a_session() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        instance
            .send(get("/v1/whoami"))
            .await
            .refused(CredentialMissing);
        instance
            .send(get("/v1/whoami").by("ses_x"))
            .await
            .refused(InvalidCredential);
        instance
            .send(get("/v1/whoami").by(text(&made, "key")))
            .await
            .refused(SessionRequired);
        let admin = instance.session("admin").await;
        let mut mistyped = admin.clone();
        mistyped.pop();
        instance
            .send(get("/v1/whoami").by(&mistyped))
            .await
            .refused(InvalidCredential);
        let other = delete("/v1/sessions/sid_00000000000000000000000000").by(&admin);
        instance.send(other).await.refused(NotFound);
    })
    .await;
}
