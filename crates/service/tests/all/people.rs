//! What people do about themselves: names, sessions, going on in another account, leaving.

use claviger_model::Reason;
use claviger_model::apis::{ApiDraft, ScopeDraft};
use claviger_model::ids::{AccountId, SessionId, UserId};
use claviger_model::keys::KeyDraft;
use claviger_model::{Environment, audit::Action};
use claviger_service::audit::{AuditFilter, page};
use claviger_service::keys::{self, IssueInput};
use claviger_service::sessions::{
    Origin, SignIn, Started, end_others, end_own, own, renew, start, switch,
};
use claviger_service::testing::{PASSWORD, TestApp, at_the_machine, for_each_app, sign_in_input};
use claviger_service::{Caller, accounts, apis, invitations, members, users};

fn id_of(caller: &Caller) -> UserId {
    caller.signed_in().unwrap().user_id
}

async fn reason_of(test: &TestApp, started: &Started) -> Reason {
    match test.whoami(started.token.expose()).await {
        Ok(_) => Reason::Allowed,
        Err(error) => error.reason(),
    }
}

/// How often the audit log tells of an action, and the target of the newest.
async fn told(test: &TestApp, action: Action) -> (usize, Option<String>) {
    let filter = AuditFilter {
        action: Some(action.as_str().to_owned()),
        ..AuditFilter::default()
    };
    let access = test.operator.evidence().unwrap();
    let page = page(&test.app, &access, &filter, None, 100).await.unwrap();
    let newest = page.events.first();
    (
        page.events.len(),
        newest.map(|found| found.event.target.clone()),
    )
}

async fn neighbour(test: &TestApp, with: &str) -> AccountId {
    let access = at_the_machine().operator().unwrap();
    let account = accounts::create(&test.app, &access, "Neighbour", None).await;
    let account = account.unwrap().id;
    let team = at_the_machine().team_of(account).unwrap();
    let invited = invitations::create(&test.app, &team, with, "viewer", None).await;
    let token = invited.unwrap().token.unwrap();
    let caller = test.start(with, PASSWORD).await.unwrap();
    let caller = test.whoami(caller.token.expose()).await.unwrap();
    invitations::accept_as(&test.app, token.expose(), &caller)
        .await
        .unwrap();
    account
}

#[tokio::test]
async fn a_name_is_what_others_see_and_can_be_taken_away() {
    for_each_app(async |test| {
        let (app, admin) = (&test.app, &test.admin);
        for bad in ["a\nb", &"x".repeat(201)] {
            let refused = users::rename(app, admin, bad).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::Validation);
        }
        let name = users::rename(app, admin, "  Ana Lima \u{1f511} ").await;
        assert_eq!(name.unwrap().as_deref(), Some("Ana Lima \u{1f511}"));
        let team = test.owner.team().unwrap();
        let shown = members::show(app, &team, id_of(admin)).await.unwrap();
        assert_eq!(shown.called(), "Ana Lima \u{1f511}");
        let listed = members::list(app, &team, None, 10).await.unwrap().members;
        let called: Vec<&str> = listed.iter().map(members::NamedMember::called).collect();
        assert_eq!(called, ["owner@acme.test", "Ana Lima \u{1f511}"]);
        let again = test.start("admin@acme.test", PASSWORD).await.unwrap();
        assert_eq!(again.signed_in.called(), "Ana Lima \u{1f511}");
        assert_eq!(
            told(test, Action::UserRenamed).await,
            (1, Some(id_of(admin).to_string()))
        );

        users::rename(app, admin, "Ana Lima \u{1f511}")
            .await
            .unwrap();
        assert_eq!(told(test, Action::UserRenamed).await.0, 1);
        assert_eq!(users::rename(app, admin, " ").await.unwrap(), None);
        let shown = members::show(app, &team, id_of(admin)).await.unwrap();
        assert_eq!(shown.called(), "admin@acme.test");
        let nobody = users::rename(app, &at_the_machine(), "x").await;
        assert_eq!(nobody.unwrap_err().reason(), Reason::SessionRequired);
    })
    .await;
}

#[tokio::test]
async fn ones_sessions_are_listed_and_ended() {
    for_each_app(async |test| {
        let app = &test.app;
        let from_firefox = SignIn {
            user_agent: Some("Mozilla/5.0 \u{7} Firefox/140".to_owned()),
            ..sign_in_input("admin@acme.test", PASSWORD)
        };
        let origin = Origin {
            ip: Some("203.0.113.9".parse().unwrap()),
            request_id: None,
        };
        let first = start(app, from_firefox, origin).await.unwrap();
        let second = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let other = test.start("owner@acme.test", PASSWORD).await.unwrap();
        let listed = own(app, &test.admin).await.unwrap();
        assert_eq!(listed.len(), 3);
        assert!(listed[0].is_current && !listed[1].is_current);
        assert_eq!(listed[1].id, second.session.id);
        assert_eq!(listed[2].id, first.session.id);
        assert_eq!(listed[2].account_name.as_deref(), Some("Acme"));
        let origin = &listed[2].origin;
        assert_eq!(origin.ip.as_deref(), Some("203.0.113.9"));
        assert_eq!(
            origin.user_agent.as_deref(),
            Some("Mozilla/5.0  Firefox/140")
        );

        for foreign in [other.session.id, SessionId(0)] {
            let refused = end_own(app, &test.admin, foreign).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::NotFound);
        }
        end_own(app, &test.admin, first.session.id).await.unwrap();
        end_own(app, &test.admin, first.session.id).await.unwrap();
        assert_eq!(reason_of(test, &first).await, Reason::Revoked);
        assert_eq!(told(test, Action::SessionEnded).await.0, 1);

        assert_eq!(end_others(app, &test.admin).await.unwrap(), 1);
        assert_eq!(reason_of(test, &second).await, Reason::Revoked);
        assert_eq!(reason_of(test, &other).await, Reason::Allowed);
        assert_eq!(own(app, &test.admin).await.unwrap().len(), 1);
        assert_eq!(end_others(app, &test.admin).await.unwrap(), 0);
        let newest = told(test, Action::SessionEnded).await.1;
        assert_eq!(newest, Some(second.session.id.to_string()));
    })
    .await;
}

#[tokio::test]
async fn going_on_in_another_account_needs_no_password_and_lasts_no_longer() {
    for_each_app(async |test| {
        let app = &test.app;
        let other = neighbour(test, "admin@acme.test").await;
        let before = test.start("admin@acme.test", PASSWORD).await.unwrap();
        let caller = test.whoami(before.token.expose()).await.unwrap();
        let refused = switch(app, &caller, Some(AccountId(0))).await;
        assert_eq!(refused.err().unwrap().reason(), Reason::PermissionRequired);
        let refused = switch(app, &caller, None).await;
        assert_eq!(refused.err().unwrap().reason(), Reason::PermissionRequired);

        let after = switch(app, &caller, Some(other)).await.unwrap();
        assert_eq!(after.session.expires_at, before.session.expires_at);
        assert_eq!(reason_of(test, &before).await, Reason::Revoked);
        let there = test.whoami(after.token.expose()).await.unwrap();
        assert_eq!(there.actor.account_id(), Some(other));
        assert!(there.team().is_err(), "a viewer there");
        assert_eq!(told(test, Action::OperatorEntered).await.0, 0);

        // The session that was left is no way on, also not for a request that was under way.
        let late = switch(app, &caller, Some(test.account.id)).await;
        assert_eq!(late.err().unwrap().reason(), Reason::Revoked);
        let back = switch(app, &there, Some(test.account.id)).await.unwrap();
        let renewed = test.whoami(back.token.expose()).await.unwrap();
        let renewed = renew(app, &renewed).await.unwrap();
        assert_eq!(renewed.session.account_id, Some(test.account.id));
        assert_eq!(reason_of(test, &back).await, Reason::Revoked);
        assert_eq!(reason_of(test, &renewed).await, Reason::Allowed);
    })
    .await;
}

#[tokio::test]
async fn an_operator_enters_an_account_audited_and_leaves_it() {
    for_each_app(async |test| {
        let app = &test.app;
        let entered = switch(app, &test.operator, Some(test.account.id)).await;
        let entered = entered.unwrap();
        let account = Some(test.account.id.to_string());
        let inside = test.whoami(entered.token.expose()).await.unwrap();
        assert!(inside.key_writing().is_ok());
        let renewed = renew(app, &inside).await.unwrap();
        let inside = test.whoami(renewed.token.expose()).await.unwrap();
        let left = switch(app, &inside, None).await.unwrap();
        assert_eq!(left.session.account_id, None);
        let outside = test.whoami(left.token.expose()).await.unwrap();
        assert!(outside.key_writing().is_err());
        let access = outside.evidence().unwrap();
        let filter = AuditFilter {
            action: Some(Action::OperatorEntered.as_str().to_owned()),
            ..AuditFilter::default()
        };
        let events = page(app, &access, &filter, None, 10).await.unwrap().events;
        let targets: Vec<_> = events
            .iter()
            .map(|one| Some(one.event.target.clone()))
            .collect();
        assert_eq!(targets, [account]);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_for_its_address_alone() {
    for_each_app(async |test| {
        let team = at_the_machine().team_of(test.account.id).unwrap();
        let email = "operator@claviger.test";
        let invited = invitations::create(&test.app, &team, email, "viewer", None).await;
        let token = invited.unwrap().token.unwrap();
        let accept = |caller: Caller| {
            let (app, token) = (test.app.clone(), token.expose().to_owned());
            async move { invitations::accept_as(&app, &token, &caller).await }
        };
        let wrong = accept(test.owner.clone()).await.unwrap_err();
        assert_eq!(wrong.reason(), Reason::PermissionRequired);
        assert!(wrong.to_string().contains(email), "{wrong}");
        let accepted = accept(test.operator.clone()).await.unwrap();
        assert_eq!(accepted.account_id, test.account.id);
        let again = accept(test.operator.clone()).await.unwrap_err();
        assert_eq!(again.reason(), Reason::NotFound);
    })
    .await;
}

#[tokio::test]
async fn an_owner_renames_the_account_and_an_admin_does_not() {
    for_each_app(async |test| {
        let refused = test.admin.account_managing().unwrap_err();
        assert!(refused.to_string().contains("An owner of the account"));
        let access = test.owner.account_managing().unwrap();
        let empty = accounts::rename(&test.app, &access, " ", None).await;
        assert_eq!(empty.unwrap_err().reason(), Reason::Validation);
        let stale = accounts::rename(&test.app, &access, "Acme 2", Some(7)).await;
        assert_eq!(stale.unwrap_err().reason(), Reason::PreconditionFailed);
        let renamed = accounts::rename(&test.app, &access, "Acme 2", Some(1)).await;
        assert_eq!(renamed.unwrap().name, "Acme 2");
        let same = accounts::rename(&test.app, &access, "Acme 2", None).await;
        assert_eq!(same.unwrap().version, 2);
        assert_eq!(told(test, Action::AccountRenamed).await.0, 1);
    })
    .await;
}

#[tokio::test]
async fn keys_outlast_the_member_who_made_them() {
    for_each_app(async |test| {
        let (app, ana) = (&test.app, test.member("ana@acme.test", "admin").await);
        let api = ApiDraft {
            name: Some("Leads".to_owned()),
            audience: Some("https://api.acme.test".to_owned()),
            scopes: Some(vec![ScopeDraft {
                name: "read:leads".to_owned(),
                ..ScopeDraft::default()
            }]),
            ..ApiDraft::default()
        };
        let operator = test.operator.operator().unwrap();
        apis::create(app, &operator, api, None).await.unwrap();
        let draft = KeyDraft {
            name: Some("Nightly".to_owned()),
            scopes: Some(vec!["read:leads".to_owned()]),
            ..KeyDraft::default()
        };
        let input = IssueInput {
            draft,
            environment: Environment::Live,
        };
        let access = ana.key_writing().unwrap();
        let issued = keys::issue(app, &access, input, None).await.unwrap();
        let (team, id) = (test.owner.team().unwrap(), id_of(&ana));
        let made = members::keys_made(app, &team, &[id, id_of(&test.owner)]).await;
        assert_eq!(made.unwrap(), [(id, 1)].into());
        members::remove(app, &team, id).await.unwrap();

        let key = issued.key.key;
        let found = keys::show(app, &test.owner.key_reading().unwrap(), key.id).await;
        assert_eq!(found.unwrap().key.state, key.state);
        let made = members::keys_made(app, &team, &[id]).await.unwrap();
        assert_eq!(made, [(id, 1)].into());
        users::rename(app, &ana, "Ana Lima").await.unwrap();
        let owner = id_of(&test.owner).to_string();
        let actors = [key.created_by.as_str(), owner.as_str(), "config"];
        let makers = users::makers(app, test.account.id, actors).await.unwrap();
        assert_eq!(makers[&key.created_by], "Ana Lima (not a member)");
        assert_eq!(
            (makers[&owner].as_str(), makers.len()),
            ("owner@acme.test", 2)
        );
    })
    .await;
}
