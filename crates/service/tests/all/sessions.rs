use std::net::IpAddr;

use claviger_model::Reason;
use claviger_service::accounts::{AccountEdit, edit};
use claviger_service::audit::{AuditFilter, page};
use claviger_service::error::Error;
use claviger_service::sessions::{Origin, end, start};
use claviger_service::testing::{PASSWORD, TestApp, for_each_app, sign_in_input};
use claviger_service::users::change_password;
use claviger_service::{Actor, Caller};
use zeroize::Zeroizing;

async fn reason_of(test: &TestApp, token: &str) -> Reason {
    match test.whoami(token).await {
        Ok(_) => Reason::Allowed,
        Err(error) => error.reason(),
    }
}

async fn set_status(test: &TestApp, by: &Caller, status: &str) {
    let change = AccountEdit {
        name: None,
        status: Some(status.to_owned()),
    };
    edit(
        &test.app,
        &by.operator().unwrap(),
        test.account.id,
        &change,
        None,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_session_lasts_until_it_is_ended_or_its_day_is_over() {
    for_each_app(async |test| {
        let first = test.start(" Admin@acme.test", PASSWORD).await.unwrap();
        let second = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let caller = test.whoami(first.token.expose()).await.unwrap();
        let Actor::User(user) = &caller.actor else {
            panic!("{caller:?}")
        };
        let place = user.place.as_ref().unwrap();
        assert_eq!(
            (place.account_id, user.is_operator),
            (test.account.id, false)
        );
        assert_eq!(place.role.unwrap().to_string(), "admin");

        end(&test.app, &caller).await.unwrap();
        end(&test.app, &caller).await.unwrap();
        assert_eq!(reason_of(test, first.token.expose()).await, Reason::Revoked);
        assert_eq!(
            reason_of(test, second.token.expose()).await,
            Reason::Allowed
        );
        assert_eq!(
            reason_of(test, "ses_made-up").await,
            Reason::InvalidCredential
        );
    })
    .await;
}

#[tokio::test]
async fn unknown_wrong_and_suspended_look_the_same() {
    for_each_app(async |test| {
        test.member("ana@acme.test", "viewer").await;
        let operator = test.operator.operator().unwrap();
        let ana = test
            .start("ana@acme.test", PASSWORD)
            .await
            .unwrap()
            .signed_in
            .user_id;
        claviger_service::users::suspend(&test.app, &operator, ana)
            .await
            .unwrap();
        let mut answers = Vec::new();
        for (email, password) in [
            ("nobody@acme.test", PASSWORD),
            ("admin@acme.test", "not the password"),
            ("ana@acme.test", PASSWORD),
            ("no address at all", PASSWORD),
            ("admin@acme.test", &"x".repeat(1 << 20)),
        ] {
            let error = test.start(email, password).await.err().unwrap();
            answers.push((error.reason(), error.to_string()));
        }
        answers.dedup();
        let expected = (
            Reason::InvalidCredential,
            "Wrong email or password.".to_owned(),
        );
        assert_eq!(answers, [expected]);
    })
    .await;
}

#[tokio::test]
async fn in_a_suspended_account_operators_alone_go_on() {
    for_each_app(async |test| {
        let member = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let mut into_acme = sign_in_input("operator@claviger.test", PASSWORD);
        into_acme.account_id = Some(test.account.id);
        let entered = start(&test.app, into_acme, Origin::default())
            .await
            .unwrap();
        let operator = test.whoami(entered.token.expose()).await.unwrap();
        assert!(operator.key_writing().is_ok() && operator.actor.account_id().is_some());

        let entering = AuditFilter {
            action: Some("operator.entered".to_owned()),
            ..AuditFilter::default()
        };
        let evidence = test.owner.evidence().unwrap();
        let seen = page(&test.app, &evidence, &entering, None, 9)
            .await
            .unwrap();
        assert_eq!(seen.events.len(), 1);
        assert_eq!(seen.events[0].event.actor, operator.actor.label());

        set_status(test, &operator, "suspended").await;
        assert_eq!(
            reason_of(test, member.token.expose()).await,
            Reason::AccountInactive
        );
        let refused = test.start("admin@acme.test", PASSWORD).await.err().unwrap();
        assert_eq!(refused.reason(), Reason::AccountInactive);

        let operator = test.whoami(entered.token.expose()).await.unwrap();
        set_status(test, &operator, "active").await;
        assert_eq!(
            reason_of(test, member.token.expose()).await,
            Reason::Allowed
        );
        let mut elsewhere = sign_in_input("admin@acme.test", PASSWORD);
        elsewhere.account_id = Some("acct_00000000000000000000000000".parse().unwrap());
        let refused = start(&test.app, elsewhere, Origin::default())
            .await
            .err()
            .unwrap();
        assert_eq!(refused.reason(), Reason::PermissionRequired);
    })
    .await;
}

#[tokio::test]
async fn another_password_ends_every_other_session() {
    for_each_app(async |test| {
        let kept = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let other = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let caller = test.whoami(kept.token.expose()).await.unwrap();
        let change = |old: &str, new: &str| {
            let (old, new) = (
                Zeroizing::new(old.to_owned()),
                Zeroizing::new(new.to_owned()),
            );
            change_password(&test.app, &caller, old, new)
        };
        let wrong = change("not the password", "quite another password").await;
        let weak = change(PASSWORD, "password1234").await;
        for error in [wrong, weak] {
            assert_eq!(error.unwrap_err().reason(), Reason::Validation);
        }
        change(PASSWORD, "quite another password").await.unwrap();
        assert_eq!(reason_of(test, kept.token.expose()).await, Reason::Allowed);
        assert_eq!(reason_of(test, other.token.expose()).await, Reason::Revoked);
        assert!(test.start("admin@acme.test", PASSWORD).await.is_err());
        test.start("admin@acme.test", "quite another password")
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wrong_passwords_does_not_lock_the_right_one_out() {
    for_each_app(async |test| {
        let ip: IpAddr = "192.0.2.7".parse().unwrap();
        let origin = Origin {
            ip: Some(ip),
            request_id: None,
        };
        let flood = (0..20).map(|number| {
            let app = test.app.clone();
            tokio::spawn(async move {
                let input = sign_in_input("admin@acme.test", &format!("guess number {number}"));
                start(&app, input, origin).await.map(drop)
            })
        });
        let flood: Vec<_> = flood.collect();
        // How long it is made to wait has its test beside the delays; here it may find no place, as
        // anybody may while others sign in, and is told to come again.
        let right = async || {
            let right = sign_in_input("admin@acme.test", PASSWORD);
            start(&test.app, right, origin).await.map(drop)
        };
        let mut outcome = right().await;
        for _ in 0..100 {
            let again = outcome.as_ref().err().map(Error::retry_after_seconds);
            if again.is_none_or(|after| after.is_none()) {
                break;
            }
            outcome = right().await;
        }
        outcome.unwrap();
        for guess in flood {
            assert!(guess.await.unwrap().is_err());
        }
    })
    .await;
}
