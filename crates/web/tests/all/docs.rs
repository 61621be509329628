//! `/openapi.json` and `/docs`.

use claviger_model::Reason::{self, NotFound};
use serde_json::Value;

use super::instance::for_each_app;
use super::requests::get;

#[tokio::test]
async fn the_document_describes_every_operation() {
    for_each_app(async |instance| {
        let document = instance.send(get("/openapi.json")).await.is(200);
        let paths = document["paths"].as_object().expect("paths");
        assert!(paths.len() > 25, "{}", paths.len());
        let mut ids = std::collections::BTreeSet::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("an item") {
                if method == "servers" {
                    continue;
                }
                let at = format!("{method} {path}");
                let id = operation["operationId"].as_str().expect("an id");
                assert!(ids.insert(id.to_owned()), "{at}: {id} stands twice");
                assert!(operation["summary"].is_string(), "{at}");
                let tag = &operation["tags"][0];
                let tags = document["tags"].as_array().expect("tags");
                assert!(
                    tags.iter().any(|known| known["name"] == *tag),
                    "{at}: {tag}"
                );
            }
        }
        assert!(document["components"]["schemas"]["Envelope"].is_object());
        assert_no_dangling_reference(&document, &document);
    })
    .await;
}

/// Every way to prove who one is stands at every endpoint that takes it.
#[tokio::test]
async fn the_document_names_each_way_of_client_authentication() {
    for_each_app(async |instance| {
        let document = instance.send(get("/openapi.json")).await.is(200);
        for path in [
            "/oauth/token",
            "/connect/token",
            "/oauth/introspect",
            "/oauth/revoke",
            "/oauth/par",
            "/oauth/device_authorization",
        ] {
            let operation = &document["paths"][path]["post"];
            let security = operation["security"].as_array().expect("security");
            assert!(security.iter().any(|way| way.get("client").is_some()));
            for content in ["application/x-www-form-urlencoded", "application/json"] {
                let reference = &operation["requestBody"]["content"][content]["schema"]["$ref"];
                let reference = reference.as_str().expect("a reference");
                let schema = document.pointer(&reference[1..]).expect("a schema");
                for name in [
                    "client_id",
                    "client_secret",
                    "client_assertion",
                    "client_assertion_type",
                ] {
                    let described = &schema["properties"][name]["description"];
                    assert!(described.is_string(), "{path}, {content}: {name}");
                }
            }
        }
        for path in ["/oauth/token", "/connect/token", "/oauth/par"] {
            let parameters = &document["paths"][path]["post"]["parameters"];
            assert_eq!(parameters[0]["name"], "DPoP", "{path}");
            assert_eq!(parameters[0]["in"], "header", "{path}");
        }
    })
    .await;
}

fn assert_no_dangling_reference(document: &Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').expect("a local reference");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            members
                .values()
                .for_each(|one| assert_no_dangling_reference(document, one));
        }
        Value::Array(values) => {
            values
                .iter()
                .for_each(|one| assert_no_dangling_reference(document, one));
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_reason_has_a_page() {
    for_each_app(async |instance| {
        let index = instance.send(get("/docs/errors")).await;
        assert!(index.text.contains("Bearer &#60;credential&#62;"));
        for reason in Reason::ALL
            .into_iter()
            .filter(|reason| *reason != Reason::Allowed)
        {
            let row = reason.refusal();
            let page = instance
                .send(get(&format!("/docs/errors/{}", row.name)))
                .await;
            assert_eq!(page.status, 200, "{}", row.name);
            let remedy = row.remedy.replace('<', "&#60;").replace('>', "&#62;");
            assert!(page.text.contains(&remedy), "{}", row.name);
            assert!(index.text.contains(&format!("/docs/errors/{}", row.name)));
        }
        for name in ["allowed", "nonsense"] {
            assert_eq!(
                instance
                    .send(get(&format!("/docs/errors/{name}")))
                    .await
                    .status,
                404
            );
        }
        instance.send(get("/v1/docs")).await.refused(NotFound);
    })
    .await;
}
