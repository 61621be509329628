use claviger_model::Reason;
use claviger_service::accounts::{AccountEdit, create, edit, list, mine};
use claviger_service::idempotency::IdempotencyKey;
use claviger_service::testing::for_each_app;

fn header(body: &[u8]) -> IdempotencyKey {
    IdempotencyKey::new("once", "usr_1", "POST", "/v1/accounts", body).unwrap()
}

#[tokio::test]
async fn a_create_that_is_sent_twice_creates_once() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let first = create(&test.app, &access, "Globex", Some(&header(b"a")))
            .await
            .unwrap();
        let again = create(&test.app, &access, "Globex", Some(&header(b"a")))
            .await
            .unwrap();
        assert_eq!(first, again);
        let other = create(&test.app, &access, "Initech", Some(&header(b"b"))).await;
        assert_eq!(other.unwrap_err().reason(), Reason::IdempotencyMismatch);
        let page = list(&test.app, &access, None, 1).await.unwrap();
        assert_eq!(page.accounts, std::slice::from_ref(&test.account));
        let page = list(&test.app, &access, page.next, 10).await.unwrap();
        assert_eq!((page.accounts, page.next), (vec![first], None));
        assert!(mine(&test.app, &test.operator).await.unwrap().is_empty());
        assert_eq!(mine(&test.app, &test.admin).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_edit_is_one_version_and_a_stale_one_is_refused() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let id = test.account.id;
        let both = AccountEdit {
            name: Some("Acme Inc".to_owned()),
            status: Some("suspended".to_owned()),
        };
        let edited = edit(&test.app, &access, id, &both, Some(1)).await.unwrap();
        assert_eq!((edited.version, edited.name.as_str()), (2, "Acme Inc"));
        let stale = edit(&test.app, &access, id, &both, Some(1))
            .await
            .unwrap_err();
        assert_eq!(stale.reason(), Reason::PreconditionFailed);
        assert_eq!(
            edit(&test.app, &access, id, &both, None).await.unwrap(),
            edited
        );
        let wrong = AccountEdit {
            name: Some(String::new()),
            status: Some("gone".to_owned()),
        };
        let wrong = edit(&test.app, &access, id, &wrong, None)
            .await
            .unwrap_err();
        assert_eq!(wrong.problems().unwrap().members().len(), 2);
        assert!(test.owner.operator().is_err());
    })
    .await;
}
