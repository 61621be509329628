use claviger_model::Reason;
use claviger_model::members::INVITATION_LIFETIME_MILLIS;
use claviger_service::error::Error;
use claviger_service::invitations::{accept, create, list, look, withdraw};
use claviger_service::members;
use claviger_service::sessions::Origin;
use claviger_service::testing::{PASSWORD, TestApp, for_each_app};
use zeroize::Zeroizing;

async fn invited(test: &TestApp, email: &str) -> String {
    let team = test.owner.team().unwrap();
    let invited = create(&test.app, &team, email, "developer", None)
        .await
        .unwrap();
    invited.token.unwrap().expose().to_owned()
}

async fn accepted(test: &TestApp, token: &str, password: &str) -> Result<(), Error> {
    let password = Zeroizing::new(password.to_owned());
    accept(&test.app, token, password, Origin::default())
        .await
        .map(drop)
}

#[tokio::test]
async fn a_new_address_chooses_a_password_and_a_known_one_gives_its_own() {
    for_each_app(async |test| {
        let token = invited(test, "new@acme.test").await;
        let offer = look(&test.app, &token).await.unwrap();
        assert_eq!(
            (offer.account_name.as_str(), offer.is_new_user),
            ("Acme", true)
        );
        let weak = accepted(test, &token, "short").await.unwrap_err();
        assert_eq!(weak.reason(), Reason::Validation);
        accepted(test, &token, "a new person's words")
            .await
            .unwrap();
        test.start("new@acme.test", "a new person's words")
            .await
            .unwrap();
        let again = accepted(test, &token, "a new person's words")
            .await
            .unwrap_err();
        assert_eq!(again.reason(), Reason::NotFound);

        let token = invited(test, "operator@claviger.test").await;
        assert!(!look(&test.app, &token).await.unwrap().is_new_user);
        let wrong = accepted(test, &token, "a new person's words")
            .await
            .unwrap_err();
        assert_eq!(wrong.reason(), Reason::InvalidCredential);
        accepted(test, &token, PASSWORD).await.unwrap();
        let started = test
            .start("operator@claviger.test", PASSWORD)
            .await
            .unwrap();
        assert_eq!(started.session.account_id, Some(test.account.id));
    })
    .await;
}

#[tokio::test]
async fn withdrawn_expired_and_made_up_ones_look_the_same() {
    for_each_app(async |test| {
        let team = test.admin.team().unwrap();
        let withdrawn = invited(test, "a@acme.test").await;
        let open = list(&test.app, &team).await.unwrap();
        assert_eq!(open.len(), 1);
        withdraw(&test.app, &team, open[0].id).await.unwrap();
        let expired = invited(test, "b@acme.test").await;
        test.app
            .sources()
            .shift_wall_clock(INVITATION_LIFETIME_MILLIS);
        let mut messages = Vec::new();
        for token in [withdrawn, expired, "ci_made-up".to_owned()] {
            let error = accepted(test, &token, PASSWORD).await.unwrap_err();
            messages.push((error.reason(), error.to_string()));
        }
        messages.dedup();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(list(&test.app, &team).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_64_who_accept_at_once_one_becomes_the_member() {
    for_each_app(async |test| {
        let token = invited(test, "new@acme.test").await;
        let accepts = (0..64).map(|_| {
            let (app, token) = (test.app.clone(), token.clone());
            let password = Zeroizing::new(PASSWORD.to_owned());
            tokio::spawn(async move { accept(&app, &token, password, Origin::default()).await })
        });
        let mut winners = 0;
        for accept in accepts.collect::<Vec<_>>() {
            match accept.await.unwrap() {
                Ok(_) => winners += 1,
                Err(error) => assert!(
                    matches!(
                        error.reason(),
                        Reason::NotFound
                            | Reason::Conflict
                            | Reason::RateLimited
                            | Reason::InvalidCredential
                    ),
                    "{error:?}"
                ),
            }
        }
        assert_eq!(winners, 1);
        let team = test.owner.team().unwrap();
        let found = members::list(&test.app, &team, None, 10)
            .await
            .unwrap()
            .members;
        assert_eq!(
            found
                .iter()
                .filter(|member| member.email == "new@acme.test")
                .count(),
            1
        );
    })
    .await;
}
