//! What ends grants in bulk, and what becomes of them.

use claviger_model::Reason;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::{Grant, GrantEnd};
use claviger_model::ids::{ClientId, GrantId, UserId};
use claviger_model::members::{Member, User};
use claviger_model::roles::{BuiltInRole, RoleRef};
use claviger_service::accounts::AccountEdit;
use claviger_service::testing::{ConnectedApp, PASSWORD, TestApp, for_each_app};
use claviger_service::{Actor, Caller, accounts, clients, grants, jobs, members, users};
use claviger_store::{StoreError, grants as rows, members as store_members, users as store_users};
use zeroize::Zeroizing;

use crate::token_support::{inspect, shift, until};

const API: &str = "https://api.acme.test";

fn user_id(caller: &Caller) -> UserId {
    let Actor::User(user) = &caller.actor else {
        unreachable!("a user");
    };
    user.user_id
}

/// The grant as it is stored.
async fn stored(test: &TestApp, grant: &Grant) -> Option<Grant> {
    let mut reader = test.database().db.read().await.unwrap();
    rows::get(&mut reader, grant.id).await.unwrap()
}

async fn cause(test: &TestApp, grant: &Grant) -> Option<GrantEnd> {
    let grant = stored(test, grant).await.unwrap();
    grant.ended.map(|(_, cause)| cause)
}

async fn set_account(test: &TestApp, status: &str) {
    let edit = AccountEdit {
        name: None,
        status: Some(status.to_owned()),
    };
    let access = test.operator.operator().unwrap();
    let id = test.account.id;
    accounts::edit(&test.app, &access, id, &edit, None)
        .await
        .unwrap();
}

/// Makes a user a member again; when this returns, the node knows.
async fn join_again(test: &TestApp, user_id: UserId) {
    let member = Member {
        account_id: test.account.id,
        user_id,
        role: RoleRef::BuiltIn(BuiltInRole::Owner),
        created_at: test.app.sources().now(),
        version: 1,
    };
    let joined = test.database().db.write(move |tx| {
        Box::pin(async move {
            store_members::insert(tx, &member).await?;
            tx.change(Change::new(ChangeKind::User, user_id));
            Ok::<_, StoreError>(())
        })
    });
    let epoch = joined.await.unwrap().epoch.unwrap();
    until(async || test.app.verifier().freshness().epoch() >= epoch).await;
}

#[tokio::test]
async fn what_a_grant_stood_on_ends_it_for_good() {
    for_each_app(async |test| {
        let app = ConnectedApp::make(&test.app, test.account.id).await;
        let scopes = ["read:leads"];
        let ana = test.member("ana@acme.test", "developer").await;
        let kept = app.consented(&test.app, &test.admin, &scopes).await;
        let kept_token = app.token(&test.app, &kept, API);
        let operator = test.operator.operator().unwrap();

        let given = app.consented(&test.app, &ana, &scopes).await;
        let token = app.token(&test.app, &given, API);
        inspect(test, &token).unwrap();
        users::suspend(&test.app, &operator, user_id(&ana))
            .await
            .unwrap();
        assert_eq!(inspect(test, &token), Err(Reason::Revoked));
        assert_eq!(cause(test, &given).await, Some(GrantEnd::UserSuspended));
        users::activate(&test.app, &operator, user_id(&ana))
            .await
            .unwrap();
        assert_eq!(inspect(test, &token), Err(Reason::Revoked));

        let given = app.consented(&test.app, &ana, &scopes).await;
        let token = app.token(&test.app, &given, API);
        inspect(test, &token).unwrap();
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        let again = test.start("ana@acme.test", PASSWORD).await.unwrap();
        let ana = test.whoami(again.token.expose()).await.unwrap();
        let new = secret("another password for tests");
        users::change_password(&test.app, &ana, secret(PASSWORD), new)
            .await
            .unwrap();
        assert_eq!(inspect(test, &token), Err(Reason::Revoked));
        assert_eq!(cause(test, &given).await, Some(GrantEnd::PasswordChanged));

        let given = app.consented(&test.app, &ana, &scopes).await;
        let token = app.token(&test.app, &given, API);
        let team = test.owner.team().unwrap();
        members::remove(&test.app, &team, user_id(&ana))
            .await
            .unwrap();
        assert_eq!(inspect(test, &token), Err(Reason::UserLacksAccess));
        assert_eq!(cause(test, &given).await, Some(GrantEnd::MemberRemoved));
        // Back in the team, and still not connected.
        join_again(test, user_id(&ana)).await;
        assert_eq!(inspect(test, &token), Err(Reason::UserLacksAccess));

        assert_eq!(inspect(test, &kept_token), Ok(()));
        set_account(test, "suspended").await;
        assert!(inspect(test, &kept_token).is_err());
        set_account(test, "active").await;
        assert_eq!(inspect(test, &kept_token), Err(Reason::Revoked));
        assert_eq!(cause(test, &kept).await, Some(GrantEnd::AccountSuspended));
    })
    .await;
}

#[tokio::test]
async fn thousands_end_at_once_and_a_repetition_changes_nothing() {
    for_each_app(async |test| {
        let (app, grant) = test.connected_app().await;
        make_many(test, &grant, 2_500).await;
        set_account(test, "suspended").await;
        let mut reader = test.database().db.read().await.unwrap();
        let filter = rows::Filter {
            whose: rows::Whose::Account(test.account.id),
            client_id: Some(app.client.id),
            with_deleted_clients: true,
        };
        let left = rows::live_page(&mut reader, filter, None, 10)
            .await
            .unwrap();
        assert_eq!(left, []);
        // Each row has its seal: it is read, and says when it was ended.
        let all = rows::resident_page(&mut reader, claviger_model::UnixMillis(0), None, 5_000);
        let all = all.await.unwrap();
        assert_eq!(all.len(), 2_501);
        let is_ended = |grant: &Grant| {
            grant
                .ended
                .is_some_and(|(_, cause)| cause == GrantEnd::AccountSuspended)
        };
        assert!(all.iter().all(is_ended));
        drop(reader);
        let epoch = test.app.verifier().freshness().epoch();
        set_account(test, "suspended").await;
        assert_eq!(test.app.verifier().freshness().epoch(), epoch + 1);
    })
    .await;
}

#[tokio::test]
async fn an_ended_grant_is_forgotten_after_ninety_days() {
    const DAY: i64 = 86_400_000;
    for_each_app(async |test| {
        let (_, grant) = test.connected_app().await;
        let access = test.owner.own_grants().unwrap();
        let end = claviger_service::grants::end(&test.app, &access, grant.id);
        end.await.unwrap();
        let other = {
            let app = ConnectedApp::make(&test.app, test.account.id).await;
            app.consented(&test.app, &test.owner, &["read:leads"]).await
        };
        shift(test, 89 * DAY).await;
        let jobs = jobs::start(test.app.clone());
        jobs.stop().await;
        assert!(stored(test, &grant).await.is_some());
        shift(test, 2 * DAY).await;
        let jobs = jobs::start(test.app.clone());
        jobs.stop().await;
        assert_eq!(stored(test, &grant).await, None);
        assert!(stored(test, &other).await.is_some());
        let index = test.app.verifier().index();
        until(async || index.consent(grant.id).is_none()).await;
    })
    .await;
}

/// Has as many other members of the account give the same.
async fn make_many(test: &TestApp, like: &Grant, count: u128) {
    let like = like.clone();
    let made = test.database().db.write(move |tx| {
        let like = like.clone();
        Box::pin(async move {
            for number in 0..count {
                let user = User {
                    id: UserId(1_000_000 + number),
                    email: format!("user{number}@acme.test"),
                    password_hash: String::new(),
                    suspended_at: None,
                    created_at: like.created_at,
                    version: 1,
                };
                let member = Member {
                    account_id: like.account_id,
                    user_id: user.id,
                    role: RoleRef::BuiltIn(BuiltInRole::Viewer),
                    created_at: like.created_at,
                    version: 1,
                };
                let grant = Grant {
                    id: GrantId(1_000_000 + number),
                    user_id: user.id,
                    ..like.clone()
                };
                store_users::insert(tx, &user).await?;
                store_members::insert(tx, &member).await?;
                rows::insert(tx, &grant).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    made.await.unwrap();
}

#[tokio::test]
async fn an_owner_sees_how_many_users_connected_an_app() {
    for_each_app(async |test| {
        let (app, grant) = test.connected_app().await;
        let count = async || {
            let access = test.owner.client_reading().unwrap();
            clients::connected_users(&test.app, &access, app.client.id).await
        };
        assert_eq!(count().await.unwrap(), 1);
        app.consented(&test.app, &test.admin, &["read:leads"]).await;
        assert_eq!(count().await.unwrap(), 2);
        let access = test.owner.own_grants().unwrap();
        grants::end(&test.app, &access, grant.id).await.unwrap();
        assert_eq!(count().await.unwrap(), 1);
        let access = test.owner.client_reading().unwrap();
        let unknown = clients::connected_users(&test.app, &access, ClientId(9)).await;
        assert_eq!(unknown.unwrap_err().reason(), Reason::NotFound);
    })
    .await;
}
