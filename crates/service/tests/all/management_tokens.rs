use claviger_model::Reason;
use claviger_model::apis::{ApiDraft, ScopeDraft};
use claviger_model::ids::AccountId;
use claviger_model::time::DAY_MILLIS;
use claviger_service::apis;
use claviger_service::management_tokens::{ManagementTokenDraft, create, list, revoke};
use claviger_service::settings::Settings;
use claviger_service::testing::{TestApp, app};
use claviger_store::testing::TestDatabase;

fn draft(account_id: AccountId, scopes: &[&str]) -> ManagementTokenDraft {
    ManagementTokenDraft {
        account_id,
        name: "Terraform".to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        expires_at: None,
    }
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked() {
    for database in TestDatabase::all().await {
        let settings = Settings {
            management_enabled: true,
            ..Settings::default()
        };
        let test = TestApp::on(database, settings).await;
        let access = test.operator.operator().unwrap();
        let api = ApiDraft {
            name: Some("Leads".to_owned()),
            audience: Some("https://a".to_owned()),
            scopes: Some(vec![ScopeDraft {
                name: "read:a".to_owned(),
                ..ScopeDraft::default()
            }]),
            ..ApiDraft::default()
        };
        apis::create(&test.app, &access, api, None).await.unwrap();
        let wanted = draft(test.account.id, &["keys:write", "read:a"]);
        let (token, secret) = create(&test.app, &access, &wanted, None).await.unwrap();
        let secret = secret.unwrap();
        assert!(secret.expose().starts_with("cm_"));
        assert_eq!(token.expires_at.since(token.created_at), DAY_MILLIS);
        let identify = || {
            let now = test.app.sources().both();
            test.app
                .verifier()
                .identify(secret.expose(), now)
                .map(|entry| entry.identity.id())
        };
        assert_eq!(identify(), Ok(token.id.to_string()));

        let revoked = revoke(&test.app, &access, token.id).await.unwrap();
        assert_eq!(identify(), Err(Reason::Revoked));
        assert_eq!(revoke(&test.app, &access, token.id).await.unwrap(), revoked);
        create(&test.app, &access, &wanted, None).await.unwrap();
        let page = list(&test.app, &access, test.account.id, None, 1)
            .await
            .unwrap();
        assert_eq!((page.tokens.len(), page.next.is_some()), (1, true));
        let page = list(&test.app, &access, test.account.id, page.next, 1)
            .await
            .unwrap();
        assert_eq!((page.tokens, page.next), (vec![revoked], None));
    }
}

#[tokio::test]
async fn what_is_not_acceptable_is_named() {
    let settings = Settings {
        management_enabled: true,
        ..Settings::default()
    };
    let test = TestApp::on(TestDatabase::sqlite().await, settings).await;
    let access = test.operator.operator().unwrap();
    let mut wanted = draft(test.account.id, &["read:nothing"]);
    wanted.expires_at = Some(test.app.sources().now().plus_millis(400 * DAY_MILLIS).0);
    let refused = create(&test.app, &access, &wanted, None)
        .await
        .err()
        .unwrap();
    let members: Vec<_> = refused
        .problems()
        .unwrap()
        .members()
        .keys()
        .cloned()
        .collect();
    assert_eq!(members, ["expires_at", "scopes", "scopes[0]"]);
    let elsewhere = create(
        &test.app,
        &access,
        &draft(AccountId(7), &["keys:read"]),
        None,
    )
    .await;
    assert_eq!(elsewhere.err().unwrap().reason(), Reason::NotFound);
}

#[tokio::test]
async fn they_are_off_unless_the_configuration_says_so() {
    let test = app().await;
    let access = test.operator.operator().unwrap();
    let refused = create(
        &test.app,
        &access,
        &draft(test.account.id, &["keys:read"]),
        None,
    )
    .await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.reason(), Reason::Conflict);
    assert!(refused.to_string().contains("[management]"), "{refused}");
}
