use claviger_model::Reason;
use claviger_model::apis::{ApiDraft, RouteDraft, ScopeDraft};
use claviger_service::apis::{create, delete, edit, import, list, show};
use claviger_service::idempotency::IdempotencyKey;
use claviger_service::scopes;
use claviger_service::testing::for_each_app;
use serde_json::json;

fn draft(audience: &str, scope: &str) -> ApiDraft {
    ApiDraft {
        name: Some("Leads".to_owned()),
        audience: Some(audience.to_owned()),
        scopes: Some(vec![ScopeDraft {
            name: scope.to_owned(),
            ..ScopeDraft::default()
        }]),
        ..ApiDraft::default()
    }
}

#[tokio::test]
async fn the_first_api_is_the_default_and_goes_last() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        assert!(test.admin.operator().is_err());
        let first = create(&test.app, &access, draft("https://a", "read:a"), None)
            .await
            .unwrap();
        let second = create(&test.app, &access, draft("https://b", "read:b"), None)
            .await
            .unwrap();
        assert_eq!((first.is_default, second.is_default), (true, false));
        let taken = create(&test.app, &access, draft("https://a", "read:a"), None).await;
        let taken = taken.unwrap_err();
        assert_eq!(taken.reason(), Reason::Conflict);
        assert_eq!(
            taken.to_string(),
            "Another API has the audience https://a already."
        );

        let refused = delete(&test.app, &access, first.id).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Conflict);
        delete(&test.app, &access, second.id).await.unwrap();
        assert_eq!(
            list(&test.app, &access).await.unwrap(),
            std::slice::from_ref(&first)
        );
        delete(&test.app, &access, first.id).await.unwrap();
        let gone = show(&test.app, &access, first.id).await.unwrap_err();
        assert_eq!(gone.reason(), Reason::NotFound);
        assert!(test.app.verifier().index().apis().all().is_empty());
        let third = create(&test.app, &access, draft("https://c", "read:c"), None)
            .await
            .unwrap();
        assert!(third.is_default);
    })
    .await;
}

#[tokio::test]
async fn a_create_that_is_sent_twice_creates_once() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let key = |body: &[u8]| IdempotencyKey::new("k", "usr_1", "POST", "/v1/apis", body);
        let (key, other) = (key(b"a").unwrap(), key(b"b").unwrap());
        let make = || create(&test.app, &access, draft("https://a", "read:a"), Some(&key));
        assert_eq!(make().await.unwrap(), make().await.unwrap());
        let mismatch = create(&test.app, &access, draft("https://a", "x"), Some(&other)).await;
        assert_eq!(mismatch.unwrap_err().reason(), Reason::IdempotencyMismatch);
    })
    .await;
}

#[tokio::test]
async fn an_edit_is_one_version_in_force_when_it_returns() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let api = create(&test.app, &access, draft("https://a", "read:a"), None)
            .await
            .unwrap();
        create(&test.app, &access, draft("https://b", "read:a"), None)
            .await
            .unwrap();
        let route = RouteDraft {
            method: "GET".to_owned(),
            path: "/a".to_owned(),
            scopes: vec!["read:a".to_owned()],
        };
        let change = ApiDraft {
            routes: Some(vec![route]),
            ..ApiDraft::default()
        };
        let edited = edit(&test.app, &access, api.id, change.clone(), Some(1))
            .await
            .unwrap();
        assert_eq!((edited.version, edited.spec.routes.len()), (2, 1));
        let index = test.app.verifier().index();
        let found = index
            .apis()
            .by_audience("https://a")
            .unwrap()
            .routes
            .find("GET", "/a");
        assert!(found.is_some());
        let same = edit(&test.app, &access, api.id, change.clone(), None)
            .await
            .unwrap();
        assert_eq!(same, edited);
        let stale = edit(&test.app, &access, api.id, change, Some(1))
            .await
            .unwrap_err();
        assert_eq!(stale.reason(), Reason::PreconditionFailed);
        let taken = ApiDraft {
            audience: Some("https://b".to_owned()),
            ..ApiDraft::default()
        };
        let taken = edit(&test.app, &access, api.id, taken, None)
            .await
            .unwrap_err();
        assert_eq!(taken.reason(), Reason::Conflict);
        assert_eq!(show(&test.app, &access, api.id).await.unwrap(), edited);

        let offered = scopes::list(&test.app);
        assert_eq!(offered.len(), 1);
        assert_eq!(offered[0].audiences, ["https://a", "https://b"]);
    })
    .await;
}

#[tokio::test]
async fn an_import_replaces_routes_and_a_bad_document_changes_nothing() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let api = create(&test.app, &access, draft("https://a", "read:a"), None)
            .await
            .unwrap();
        let mut document = json!({
            "openapi": "3.1.0",
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
            "paths": {"/a/{id}": {"get": {"security": [{"bearer": ["read:a", "read:more"]}]}}},
        });
        let imported = import(&test.app, &access, api.id, &document, Some(1))
            .await
            .unwrap();
        assert_eq!(imported.api.version, 2);
        assert_eq!(imported.summary.added_scopes.len(), 1);
        assert_eq!(imported.api.spec.routes[0].path.as_str(), "/a/{id}");
        document["paths"]["/b"] = json!({"get": {"security": [{"nothing": []}]}});
        let refused = import(&test.app, &access, api.id, &document, None)
            .await
            .unwrap_err();
        let members = refused.problems().unwrap().members();
        assert!(
            members.contains_key("paths[\"/b\"].get.security[0].nothing"),
            "{members:?}"
        );
        assert_eq!(
            show(&test.app, &access, api.id).await.unwrap(),
            imported.api
        );
    })
    .await;
}
