use claviger_model::Reason;
use claviger_model::apis::{ApiDraft, RouteDraft, ScopeDraft};
use claviger_model::keyring::{Keyring, master_key_line};
use claviger_service::apis::{Declared, create, declare, delete, edit, import, list, show};
use claviger_service::app::Storage;
use claviger_service::audit::{self, AuditFilter};
use claviger_service::idempotency::IdempotencyKey;
use claviger_service::propagation::Role;
use claviger_service::scopes;
use claviger_service::settings::Settings;
use claviger_service::sources::Sources;
use claviger_service::testing::{TestApp, TestDatabase, for_each_app};
use claviger_service::{Actor, App, Caller};
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

#[tokio::test]
async fn what_is_declared_is_made_then_left_alone_then_changed() {
    for_each_app(async |test| {
        let caller = Caller {
            actor: Actor::Configuration,
            ip: None,
            request_id: None,
        };
        let access = caller.operator().unwrap();
        let other = create(&test.app, &access, draft("https://b", "read:b"), None)
            .await
            .unwrap();
        let epoch = || test.app.verifier().freshness().epoch();
        let (api, made) = declare(&test.app, &access, &draft("https://a", "read:a"))
            .await
            .unwrap();
        assert_eq!(made, Declared::Created);
        let before = epoch();
        let again = declare(&test.app, &access, &draft("https://a", "read:a")).await;
        assert_eq!(again.unwrap(), (api.clone(), Declared::Unchanged));
        assert_eq!(epoch(), before, "nothing is written when nothing differs");

        let wider = ApiDraft {
            token_lifetime_seconds: Some(Some(60)),
            ..draft("https://a", "read:more")
        };
        let (api, changed) = declare(&test.app, &access, &wider).await.unwrap();
        assert_eq!((changed, api.version), (Declared::Changed, 2));
        // What the draft does not name stays.
        let (api, changed) = declare(&test.app, &access, &draft("https://a", "read:more"))
            .await
            .unwrap();
        assert_eq!(changed, Declared::Unchanged);
        assert_eq!(api.spec.token_lifetime_seconds, Some(60));
        assert_eq!(show(&test.app, &access, other.id).await.unwrap(), other);

        let evidence = test.operator.evidence().unwrap();
        let by_config = AuditFilter {
            actor: Some("config".to_owned()),
            target: Some(api.id.to_string()),
            ..AuditFilter::default()
        };
        let page = audit::page(&test.app, &evidence, &by_config, None, 10).await;
        let events = page.unwrap().events;
        let actions: Vec<&str> = events.iter().map(|e| e.event.action.as_str()).collect();
        assert_eq!(actions, ["api.changed", "api.created"]);
    })
    .await;
}

#[tokio::test]
async fn nodes_that_start_at_once_declare_the_same_apis() {
    for database in TestDatabase::all().await {
        let storage = Storage {
            main: database.location.clone(),
            usage: database.usage_location.clone(),
            lock_file: None,
            ballast_bytes: 0,
        };
        let test = TestApp::on(database, Settings::default()).await;
        let keyring = || Keyring::parse(&master_key_line(1, &[7; 32])).unwrap();
        let settings = || Settings {
            node_name: "second".to_owned(),
            ..Settings::default()
        };
        let second = App::open(
            &storage,
            keyring(),
            settings(),
            Sources::system().unwrap(),
            Role::Command,
        )
        .await
        .unwrap();
        let access = test.operator.operator().unwrap();
        for round in 0..5 {
            let audience = format!("https://{round}");
            let draft = draft(&audience, "read:a");
            let (one, two) = tokio::join!(
                declare(&test.app, &access, &draft),
                declare(&second, &access, &draft),
            );
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!(one.0.id, two.0.id);
            let made = [one.1, two.1].map(|declared| declared == Declared::Created);
            assert_ne!(made[0], made[1], "made once");
        }
        second.close().await;
        test.close().await;
    }
}
