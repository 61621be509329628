use claviger_model::Reason;
use claviger_model::ids::UserId;
use claviger_service::error::Error;
use claviger_service::members::{Added, NewMember, add, edit, list, remove};
use claviger_service::testing::{PASSWORD, TestApp, for_each_app};
use claviger_service::users::{activate, suspend};
use claviger_service::{Actor, Caller};
use zeroize::Zeroizing;

fn user_id(caller: &Caller) -> UserId {
    match &caller.actor {
        Actor::User(user) => user.user_id,
        other => panic!("{other:?}"),
    }
}

fn new(email: &str, role: &str, password: Option<&str>) -> NewMember {
    NewMember {
        email: email.to_owned(),
        role: role.to_owned(),
        password: password.map(|text| Zeroizing::new(text.to_owned())),
    }
}

async fn give(test: &TestApp, by: &Caller, to: &Caller, role: &str) -> Result<(), Reason> {
    let team = by.team().unwrap();
    let given = edit(&test.app, &team, user_id(to), role.to_owned(), None).await;
    given.map(drop).map_err(|error| error.reason())
}

#[tokio::test]
async fn nobody_gives_changes_or_removes_more_than_they_have() {
    for_each_app(async |test| {
        let team = test.admin.team().unwrap();
        let refused = Err(Reason::PermissionRequired);
        assert_eq!(give(test, &test.admin, &test.admin, "owner").await, refused);
        assert_eq!(
            give(test, &test.admin, &test.owner, "viewer").await,
            refused
        );
        let removed = remove(&test.app, &team, user_id(&test.owner))
            .await
            .unwrap_err();
        assert_eq!(removed.reason(), Reason::PermissionRequired);
        let invited = add(
            &test.app,
            &team,
            None,
            new("b@acme.test", "owner", None),
            None,
        )
        .await;
        assert_eq!(invited.err().unwrap().reason(), Reason::PermissionRequired);
        let nobody = give(test, &test.admin, &test.admin, "emperor").await;
        assert_eq!(nobody, Err(Reason::Validation));

        let viewer = test.member("viewer@acme.test", "viewer").await;
        assert!(viewer.team().is_err());
        assert_eq!(give(test, &test.admin, &viewer, "developer").await, Ok(()));
        assert_eq!(give(test, &test.owner, &viewer, "owner").await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn the_last_owner_stays_whoever_asks_and_however_often() {
    for_each_app(async |test| {
        let owner = test.owner.team().unwrap();
        let operator = test.operator.team_of(test.account.id).unwrap();
        for team in [&owner, &operator] {
            let removed = remove(&test.app, team, user_id(&test.owner))
                .await
                .unwrap_err();
            assert_eq!(removed.reason(), Reason::Conflict);
        }
        assert_eq!(
            give(test, &test.owner, &test.owner, "admin").await,
            Err(Reason::Conflict)
        );
        // Two owners who each take the other's role at the same moment: one of them stays.
        for round in 0..5 {
            let second = test
                .member(&format!("second{round}@acme.test"), "owner")
                .await;
            let (first, second) = tokio::join!(
                give(test, &test.owner, &second, "admin"),
                remove(&test.app, &owner, user_id(&test.owner)),
            );
            assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
            if second.is_ok() {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn only_an_operator_sets_a_password_and_only_for_a_new_address() {
    for_each_app(async |test| {
        let (app, team) = (&test.app, test.owner.team().unwrap());
        let operator = test.operator.operator().unwrap();
        let add = |email, password, operator| {
            let team = team.clone();
            async move {
                let new = new(email, "viewer", password);
                add(app, &team, operator, new, None)
                    .await
                    .map_err(|error: Error| error.reason())
            }
        };
        let mine = add("new@acme.test", Some(PASSWORD), None).await;
        assert_eq!(mine.err(), Some(Reason::PermissionRequired));
        let weak = add("new@acme.test", Some("short"), Some(&operator)).await;
        assert_eq!(weak.err(), Some(Reason::Validation));
        let taken = add("Admin@Acme.test", Some(PASSWORD), Some(&operator)).await;
        assert_eq!(taken.err(), Some(Reason::Conflict));
        let added = add("New@Acme.test", Some(PASSWORD), Some(&operator)).await;
        assert!(matches!(added, Ok(Added::Member(member)) if member.email == "new@acme.test"));
        let member = add("new@acme.test", None, None).await;
        assert_eq!(member.err(), Some(Reason::Conflict));
        let invited = add("other@acme.test", None, None).await;
        assert!(matches!(invited, Ok(Added::Invited(_))));
        let page = list(app, &team, None, 2).await.unwrap();
        let rest = list(app, &team, page.next, 2).await.unwrap();
        assert_eq!(
            (page.members.len(), rest.members.len(), rest.next),
            (2, 1, None)
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_away_is_gone_at_once_and_sessions_do_not_come_back() {
    for_each_app(async |test| {
        let started = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let token = started.token.expose();
        let reason = |caller: Result<Caller, Error>| caller.map(drop).map_err(|e| e.reason());
        let admin = user_id(&test.admin);

        let operator = test.operator.operator().unwrap();
        suspend(&test.app, &operator, admin).await.unwrap();
        assert_eq!(reason(test.whoami(token).await), Err(Reason::Revoked));
        let refused = test.start("admin@acme.test", PASSWORD).await.err().unwrap();
        assert_eq!(refused.reason(), Reason::InvalidCredential);
        activate(&test.app, &operator, admin).await.unwrap();
        assert_eq!(reason(test.whoami(token).await), Err(Reason::Revoked));
        let own = suspend(&test.app, &operator, user_id(&test.operator))
            .await
            .unwrap_err();
        assert_eq!(own.reason(), Reason::Conflict);

        let started = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let token = started.token.expose();
        remove(&test.app, &test.owner.team().unwrap(), admin)
            .await
            .unwrap();
        assert_eq!(reason(test.whoami(token).await), Err(Reason::Revoked));
        let homeless = test.start("admin@acme.test", PASSWORD).await.err().unwrap();
        assert_eq!(homeless.reason(), Reason::PermissionRequired);
    })
    .await;
}
