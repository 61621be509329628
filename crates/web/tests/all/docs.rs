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
