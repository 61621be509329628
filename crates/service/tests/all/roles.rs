use claviger_model::Reason;
use claviger_model::roles::{Permission, RoleRef};
use claviger_service::roles::{RoleDraft, create, delete, edit, list, show};
use claviger_service::testing::{PASSWORD, for_each_app};

fn draft(name: &str, permissions: &[&str], scopes: &[&str]) -> RoleDraft {
    let texts = |texts: &[&str]| Some(texts.iter().map(ToString::to_string).collect());
    RoleDraft {
        name: Some(name.to_owned()),
        permissions: texts(permissions),
        scopes: texts(scopes),
    }
}

#[tokio::test]
async fn an_edit_reaches_the_next_request_of_a_member() {
    for_each_app(async |test| {
        let team = test.owner.team().unwrap();
        let support = draft("Support", &["settings", "team"], &["read:*"]);
        let made = create(&test.app, &team, &support, None).await.unwrap();
        assert_eq!(list(&test.app, &team).await.unwrap().len(), 5);
        assert_eq!(show(&test.app, &team, "Support").await.unwrap(), made);
        let again = create(&test.app, &team, &support, None).await.unwrap_err();
        assert_eq!(again.reason(), Reason::Conflict);

        test.member("ana@acme.test", "Support").await;
        let token = test.start("ana@acme.test", PASSWORD).await.unwrap().token;
        let ana = test.whoami(token.expose()).await.unwrap();
        assert!(ana.key_writing().is_ok());
        let narrow = RoleDraft {
            permissions: Some(vec![]),
            ..RoleDraft::default()
        };
        let narrow = edit(&test.app, &team, made.role, narrow, Some(1))
            .await
            .unwrap();
        assert_eq!(
            (narrow.version, narrow.powers.permissions),
            (Some(2), vec![])
        );
        let ana = test.whoami(token.expose()).await.unwrap();
        assert!(ana.key_writing().is_err());
        let stale = edit(&test.app, &team, made.role, support.clone(), Some(1)).await;
        assert_eq!(stale.unwrap_err().reason(), Reason::PreconditionFailed);

        let used = delete(&test.app, &team, made.role).await.unwrap_err();
        assert_eq!(used.reason(), Reason::Conflict);
    })
    .await;
}

#[tokio::test]
async fn nobody_makes_a_role_above_their_own_or_touches_the_built_in_ones() {
    for_each_app(async |test| {
        let (owner, admin) = (test.owner.team().unwrap(), test.admin.team().unwrap());
        let all = draft("Everything", &["account"], &["*"]);
        let beyond = create(&test.app, &admin, &all, None).await.unwrap_err();
        assert_eq!(beyond.reason(), Reason::PermissionRequired);
        let made = create(&test.app, &owner, &all, None).await.unwrap();
        assert!(made.powers.may(Permission::Account));
        for outcome in [
            edit(&test.app, &admin, made.role, draft("Less", &[], &[]), None)
                .await
                .map(drop),
            delete(&test.app, &admin, made.role).await,
        ] {
            assert_eq!(outcome.unwrap_err().reason(), Reason::PermissionRequired);
        }
        delete(&test.app, &owner, made.role).await.unwrap();
        assert_eq!(
            show(&test.app, &owner, "Everything")
                .await
                .unwrap_err()
                .reason(),
            Reason::NotFound
        );
        let built_in: RoleRef = "viewer".parse().unwrap();
        let refused = delete(&test.app, &owner, built_in).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::Conflict);
    })
    .await;
}
