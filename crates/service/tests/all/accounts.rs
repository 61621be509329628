use claviger_model::Reason;
use claviger_service::accounts::{AccountEdit, create, edit, find, list, mine};
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

#[tokio::test]
async fn accounts_are_found_by_a_part_of_their_name_or_their_id() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        let mut ids = Vec::new();
        for name in ["Globex", "globex 100%", "Initech"] {
            ids.push(create(&test.app, &access, name, None).await.unwrap().id);
        }
        let names = async |text: &str, after, limit| {
            let page = find(&test.app, &access, text, after, limit).await.unwrap();
            let names = page.accounts.into_iter().map(|account| account.name);
            (names.collect::<Vec<_>>(), page.next)
        };
        let both = vec!["Globex".to_owned(), "globex 100%".to_owned()];
        assert_eq!(names(" GLOBEX ", None, 2).await, (both.clone(), None));
        let (first, next) = names("globex", None, 1).await;
        assert_eq!((first, next), (both[..1].to_vec(), Some(ids[0])));
        assert_eq!(names("globex", next, 1).await, (both[1..].to_vec(), None));
        assert_eq!(names("0%", None, 9).await, (both[1..].to_vec(), None));
        assert_eq!(names("0_", None, 9).await.0, [""; 0]);
        assert_eq!(names("\0", None, 9).await.0, [""; 0]);
        let id = ids[2].to_string();
        assert_eq!(names(&id, None, 9).await.0, ["Initech"]);
        assert_eq!(names("", None, 9).await.0.len(), 4);
    })
    .await;
}
