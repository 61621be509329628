//! `/v1/password`: changing one's own.

use claviger_model::Reason::{InvalidCredential, Revoked};
use claviger_service::testing::PASSWORD;
use serde_json::json;

use super::instance::for_each_app;
use super::requests::{get, post};

#[tokio::test]
async fn another_password_ends_the_other_sessions() {
    for_each_app(async |instance| {
        let (kept, other) = (
            instance.sign_in("admin@acme.test").await,
            instance.sign_in("admin@acme.test").await,
        );
        let change = |old: &str, new: &str| {
            let body = json!({"old_password": old, "new_password": new});
            post("/v1/password", &body).by(&kept)
        };
        let new = "another password for tests";
        instance
            .send(change("wrong", new))
            .await
            .refused_members(&["old_password"]);
        instance
            .send(change(PASSWORD, "short"))
            .await
            .refused_members(&["new_password"]);
        instance
            .send(change(PASSWORD, "admin@acme.test"))
            .await
            .refused_members(&["new_password"]);
        assert_eq!(
            instance.send(change(PASSWORD, new)).await.is(200),
            json!({"ok": true})
        );
        instance.send(get("/v1/whoami").by(&kept)).await.is(200);
        instance
            .send(get("/v1/whoami").by(&other))
            .await
            .refused(Revoked);
        instance
            .try_sign_in("admin@acme.test")
            .await
            .refused(InvalidCredential);
        let again = json!({"email": "admin@acme.test", "password": new});
        instance.send(post("/v1/sessions", &again)).await.is(201);
    })
    .await;
}
