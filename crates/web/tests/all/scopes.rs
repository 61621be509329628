//! `/v1/scopes`: what credentials can be given.

use serde_json::json;

use super::instance::{API, for_each_app};
use super::requests::get;

#[tokio::test]
async fn everybody_who_signed_in_sees_the_scopes() {
    for_each_app(async |instance| {
        let viewer = instance.session("viewer").await;
        let found = instance.send(get("/v1/scopes").by(&viewer)).await.is(200);
        let scopes = found["data"].as_array().expect("an array");
        assert_eq!((scopes.len(), &found["has_more"]), (11, &json!(false)));
        let read_leads = json!({
            "name": "read:leads", "description": "May read leads.", "sensitive": false,
            "implies_all": false, "environments": ["live", "test"], "apis": [API],
        });
        assert_eq!(scopes[0], read_leads);
        let admin = scopes
            .iter()
            .find(|scope| scope["name"] == "admin")
            .expect("a scope");
        assert_eq!(
            (&admin["sensitive"], &admin["implies_all"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(admin["environments"], json!(["live"]));
    })
    .await;
}
