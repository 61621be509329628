//! What breaks the form of a request: refused by name, without a token and without what was sent.

use serde_json::json;

use super::{client, form_of};
use crate::instance::for_each_app;
use crate::requests::post;

#[tokio::test]
async fn json_that_is_no_object_of_strings_is_refused_by_member() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let good = json!({
            "grant_type": "client_credentials",
            "client_id": client.id, "client_secret": client.secret,
        });
        instance.send(post("/oauth/token", &good)).await.is(200);
        for (member, value) in [
            ("scope", json!(["read:leads"])),
            ("scope", json!({"read": "leads"})),
            ("scope", json!(null)),
            ("audience", json!(7)),
            ("x", json!([[[[]]]])),
            ("client_secret", json!({"$ne": ""})),
        ] {
            let mut body = good.clone();
            body[member] = value;
            let answer = instance.send(post("/oauth/token", &body)).await;
            let told = answer.oauth_error(400, "invalid_request");
            assert!(told.contains(member), "{told}");
        }
        let inner = good.to_string();
        let inner = &inner[1..inner.len() - 1];
        for body in [
            format!("{{{inner},\"scope\":\"read:leads\",\"scope\":\"read:leads\"}}"),
            format!("[{{{inner}}}]"),
            format!("{{{inner}}} {{}}"),
            format!("{{{inner},}}"),
            format!("{{{inner}"),
            format!("\"{}\"", client.secret),
            String::new(),
            "null".to_owned(),
        ] {
            let call = post("/oauth/token", &good).raw(body.as_str());
            let answer = instance.send(call).await;
            let told = answer.oauth_error(400, "invalid_request");
            assert!(!told.contains(&client.secret), "{told}");
        }
        let mut broken = format!("{{{inner},\"scope\":\"").into_bytes();
        broken.extend_from_slice(b"\xff\"}");
        let answer = instance.send(post("/oauth/token", &good).raw(broken)).await;
        answer.oauth_error(400, "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn forms_with_broken_encodings_are_refused_by_parameter() {
    for_each_app(async |instance| {
        let client = client(instance, json!({})).await;
        let good = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            client.id, client.secret
        );
        instance.send(form_of("/oauth/token", &good)).await.is(200);
        for broken in ["scope=%", "scope=%zz", "scope=%ff", "scope=%C3"] {
            let answer = instance
                .send(form_of("/oauth/token", &format!("{good}&{broken}")))
                .await;
            let told = answer.oauth_error(400, "invalid_request");
            assert!(told.contains("scope"), "{told}");
        }
        let many: Vec<String> = (0..100).map(|n| format!("p{n}=x")).collect();
        let answer = instance.send(form_of(
            "/oauth/token",
            &format!("{good}&{}", many.join("&")),
        ));
        answer.await.oauth_error(400, "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn whatever_is_not_there_is_refused_in_the_same_form() {
    for_each_app(async |instance| {
        for path in ["/oauth/none", "/oauth/token/", "/connect/x"] {
            let answer = instance.send(form_of(path, "a=b")).await;
            answer.oauth_error(404, "invalid_request");
            let page = crate::requests::get(path).header("accept", "text/html");
            instance
                .send(page)
                .await
                .oauth_error(404, "invalid_request");
        }
    })
    .await;
}
